package r53server

import (
	"cmp"

	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// createHostedZone makes a public zone. r53: C.2.
func (s *Server) createHostedZone(r *request) (reply, error) {
	d, in := decode(r, "Name", "VPC", "CallerReference", "HostedZoneConfig", "DelegationSetId")
	in.require("Name", "CallerReference")
	// PrivateZone says nothing of its own: a zone is private when a VPC is given.
	config := in.object("HostedZoneConfig", "Comment", "PrivateZone")
	config.bool("PrivateZone")
	wanted := zone.HostedZone{
		CallerReference: in.sized("CallerReference", 1, 128),
		Comment:         config.sized("Comment", 0, 256),
	}
	name := in.sized("Name", 0, 1024)
	setID := bareID(in.filled("DelegationSetId"))
	if d.err != nil {
		return reply{}, d.err
	}
	if in.has("VPC") {
		return reply{}, invalidInput("Private hosted zones are not available on this engine: it has no VPCs. Leave out VPC.")
	}
	var err error
	if wanted.Name, err = zone.ParseName(name); err != nil {
		return reply{}, invalidDomainName(err)
	}
	if err = zone.ValidateZoneName(wanted.Name); err != nil {
		return reply{}, invalidDomainName(err)
	}
	if err := s.throttle.change(zoneCost, s.now()); err != nil {
		return reply{}, err
	}
	created, info, err := s.store.CreateHostedZoneOn(r.ctx, setID, wanted)
	if err != nil {
		return reply{}, err
	}
	state := s.store.State()
	return reply{
		location: r.base + version + "/hostedzone/" + created.ID,
		body: createHostedZoneReply{
			HostedZone:    hostedZoneShape(created, state.Records(created.ID).Len()),
			ChangeInfo:    changeInfoShape(info),
			DelegationSet: delegationSetOf(state, created),
		},
	}, nil
}

func (s *Server) getHostedZone(r *request) (reply, error) {
	state := s.store.State()
	z, err := findZone(state, r.path["Id"])
	if err != nil {
		return reply{}, err
	}
	return reply{body: getHostedZoneReply{
		HostedZone:    hostedZoneShape(z, state.Records(z.ID).Len()),
		DelegationSet: delegationSetOf(state, z),
	}}, nil
}

// updateHostedZoneComment replaces the comment; one that is left out is deleted. r53: C.2.
func (s *Server) updateHostedZoneComment(r *request) (reply, error) {
	d, in := decode(r, "Comment")
	comment := in.sized("Comment", 0, 256)
	if d.err != nil {
		return reply{}, d.err
	}
	z, err := s.store.UpdateHostedZoneComment(r.ctx, r.path["Id"], comment)
	if err != nil {
		return reply{}, err
	}
	return reply{body: hostedZoneReply{hostedZoneShape(z, s.store.State().Records(z.ID).Len())}}, nil
}

func (s *Server) deleteHostedZone(r *request) (reply, error) {
	z, err := findZone(s.store.State(), r.path["Id"])
	if err != nil {
		return reply{}, err
	}
	if err := s.throttle.change(zoneCost, s.now()); err != nil {
		return reply{}, err
	}
	info, err := s.store.DeleteHostedZone(r.ctx, z.ID)
	if err != nil {
		return reply{}, err
	}
	return reply{body: changeReply{changeInfoShape(info)}}, nil
}

// listHostedZones lists by id. A marker whose zone is gone meanwhile goes on with the next one: what AWS does then is
// (unconfirmed), and a listing must not fail because somebody deletes a zone.
func (s *Server) listHostedZones(r *request) (reply, error) {
	size, err := pageSize(r.query, maxZonePage)
	if err != nil {
		return reply{}, err
	}
	kind := r.query.Get("hostedzonetype")
	if kind != "" && kind != "PrivateHostedZone" {
		return reply{}, notInEnumeration(kind, []string{"PrivateHostedZone"})
	}
	state := s.store.State()
	all := state.Zones()
	if id := bareID(r.query.Get("delegationsetid")); id != "" {
		set, err := findDelegationSet(state, id)
		if err != nil {
			return reply{}, err
		}
		all = state.ZonesOn(set)
	}
	marker := bareID(r.query.Get("marker"))
	zones, next, truncated := page(all, func(z zone.HostedZone) bool {
		return z.ID >= marker && (kind == "" || z.PrivateZone)
	}, size)
	return reply{body: listHostedZonesReply{
		HostedZones: zoneShapes(state, zones), Marker: r.query.Get("marker"),
		IsTruncated: truncated, NextMarker: next.ID, MaxItems: size,
	}}, nil
}

// listHostedZonesByName starts at a name, or at one zone of it, and goes on from there: the zone asked for need not be the
// first one, or in the list at all. r53: C.2, C.7, H.
func (s *Server) listHostedZonesByName(r *request) (reply, error) {
	size, err := pageSize(r.query, maxZonePage)
	if err != nil {
		return reply{}, err
	}
	name, id := r.query.Get("dnsname"), r.query.Get("hostedzoneid")
	if name == "" && id != "" {
		return reply{}, invalidInput("hostedzoneid is accepted together with dnsname only.")
	}
	started := func(zone.HostedZone) bool { return true }
	if name != "" {
		first, err := zone.ParseName(name)
		if err != nil {
			return reply{}, invalidDomainName(err)
		}
		started = func(z zone.HostedZone) bool {
			return cmp.Or(zone.Compare(z.Name, first), cmp.Compare(z.ID, bareID(id))) >= 0
		}
	}
	state := s.store.State()
	zones, next, truncated := page(state.ZonesByName(), started, size)
	return reply{body: listHostedZonesByNameReply{
		HostedZones: zoneShapes(state, zones), DNSName: name, HostedZoneID: id, IsTruncated: truncated,
		NextDNSName: string(next.Name), NextHostedZoneID: next.ID, MaxItems: size,
	}}, nil
}

func (s *Server) getHostedZoneCount(*request) (reply, error) {
	return reply{body: hostedZoneCountReply{s.store.State().ZoneCount()}}, nil
}

func zoneShapes(state *store.State, zones []zone.HostedZone) hostedZones {
	var shapes hostedZones
	for _, z := range zones {
		shapes.HostedZone = append(shapes.HostedZone, hostedZoneShape(z, state.Records(z.ID).Len()))
	}
	return shapes
}

func findZone(state *store.State, id string) (zone.HostedZone, error) {
	z, ok := state.Zone(id)
	if !ok {
		return zone.HostedZone{}, noSuchHostedZone(id)
	}
	return z, nil
}
