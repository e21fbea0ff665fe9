package r53server

import (
	"errors"

	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// createReusableDelegationSet creates a delegation set that hosted zones can share. If a zone is named, its name
// servers become the set. r53: C.4.
func (s *Server) createReusableDelegationSet(r *request) (reply, error) {
	d, in := decode(r, "CallerReference", "HostedZoneId")
	in.require("CallerReference")
	reference := in.sized("CallerReference", 1, 128)
	zoneID := bareID(in.filled("HostedZoneId"))
	if d.err != nil {
		return reply{}, d.err
	}
	set, err := s.store.CreateDelegationSet(r.ctx, reference, zoneID)
	if errors.Is(err, store.ErrNoSuchHostedZone) {
		return reply{}, hostedZoneNotFound(zoneID)
	}
	if err != nil {
		return reply{}, err
	}
	return reply{
		location: r.base + version + "/delegationset/" + set.ID,
		body:     delegationSetReply{delegationSetShape(set)},
	}, nil
}

func (s *Server) getReusableDelegationSet(r *request) (reply, error) {
	set, err := findDelegationSet(s.store.State(), r.path["Id"])
	if err != nil {
		return reply{}, err
	}
	return reply{body: delegationSetReply{delegationSetShape(set)}}, nil
}

func (s *Server) deleteReusableDelegationSet(r *request) (reply, error) {
	return reply{}, s.store.DeleteDelegationSet(r.ctx, r.path["Id"])
}

// listReusableDelegationSets lists by id. It treats a deleted marker as listHostedZones does.
func (s *Server) listReusableDelegationSets(r *request) (reply, error) {
	size, err := pageSize(r.query, maxResultPage)
	if err != nil {
		return reply{}, err
	}
	marker := bareID(r.query.Get("marker"))
	sets, next, truncated := page(s.store.State().DelegationSets(),
		func(set store.DelegationSet) bool { return set.ID >= marker }, size)
	out := listDelegationSetsReply{Marker: r.query.Get("marker"), IsTruncated: truncated, NextMarker: next.ID,
		MaxItems: size}
	for _, set := range sets {
		out.DelegationSets.DelegationSet = append(out.DelegationSets.DelegationSet, delegationSetShape(set))
	}
	return reply{body: out}, nil
}

func findDelegationSet(state *store.State, id string) (store.DelegationSet, error) {
	set, ok := state.DelegationSet(id)
	if !ok {
		return store.DelegationSet{}, &store.NoSuch{Err: store.ErrNoSuchDelegationSet, ID: id}
	}
	return set, nil
}

type delegationSetReply struct{ DelegationSet delegationSet }

type listDelegationSetsReply struct {
	DelegationSets struct{ DelegationSet []delegationSet }
	Marker         string `xml:",omitempty"` // as in listHostedZonesReply
	IsTruncated    bool
	NextMarker     string `xml:",omitempty"`
	MaxItems       int
}

// A delegationSet has an id and a caller reference when it is reusable. r53: C.2.
type delegationSet struct {
	ID              string `xml:"Id,omitempty"`
	CallerReference string `xml:",omitempty"`
	NameServers     nameServers
}

func delegationSetShape(set store.DelegationSet) delegationSet {
	return delegationSet{"/delegationset/" + set.ID, set.CallerReference, nameServers{set.NameServers}}
}

// delegationSetOf is the delegation set of a hosted zone, reusable or its own.
func delegationSetOf(state *store.State, z zone.HostedZone) delegationSet {
	if set, ok := state.DelegationSetOf(z); ok {
		return delegationSetShape(set)
	}
	return delegationSet{NameServers: nameServers{z.NameServers}}
}
