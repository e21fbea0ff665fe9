package r53server

import (
	"cmp"

	"github.com/bulkhead-dns/bulkhead/rate"
	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// createHostedZone creates a public zone. r53: C.2.
func (s *Server) createHostedZone(r *request) (reply, error) {
	d, in := decode(r, "Name", "VPC", "CallerReference", "HostedZoneConfig", "DelegationSetId")
	in.require("Name", "CallerReference")
	// PrivateZone has no effect: a zone is private when a VPC is given.
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
	if err := s.throttle.Change(rate.ZoneCost, s.now()); err != nil {
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
			HostedZone:    s.hostedZoneShape(state, created),
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
		HostedZone:    s.hostedZoneShape(state, z),
		DelegationSet: delegationSetOf(state, z),
	}}, nil
}

// updateHostedZoneComment replaces the comment. A request without a comment deletes it. r53: C.2.
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
	return reply{body: hostedZoneReply{s.hostedZoneShape(s.store.State(), z)}}, nil
}

// updateHostedZoneFeatures switches accelerated recovery on or off. A request without the member changes nothing.
// r53: C.2.
func (s *Server) updateHostedZoneFeatures(r *request) (reply, error) {
	d, in := decode(r, "EnableAcceleratedRecovery")
	enable := in.bool("EnableAcceleratedRecovery")
	if d.err != nil {
		return reply{}, d.err
	}
	z, err := findZone(s.store.State(), r.path["Id"])
	if err != nil || enable == nil {
		return reply{}, err
	}
	if *enable && z.PrivateZone {
		return reply{}, invalidInput("Accelerated recovery is available only for public hosted zones; %s is private.", z.ID)
	}
	return reply{}, s.store.UpdateAcceleratedRecovery(r.ctx, z.ID, *enable, s.now())
}

func (s *Server) deleteHostedZone(r *request) (reply, error) {
	z, err := findZone(s.store.State(), r.path["Id"])
	if err != nil {
		return reply{}, err
	}
	if err := s.throttle.Change(rate.ZoneCost, s.now()); err != nil {
		return reply{}, err
	}
	info, err := s.store.DeleteHostedZone(r.ctx, z.ID, s.now())
	if err != nil {
		return reply{}, err
	}
	return reply{body: changeReply{changeInfoShape(info)}}, nil
}

// listHostedZones lists by id. If the zone of a marker has been deleted, the page begins with the next one, because a
// list must not fail when somebody deletes a zone. What AWS does then is (unconfirmed).
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
		HostedZones: s.zoneShapes(r, state, zones), Marker: r.query.Get("marker"),
		IsTruncated: truncated, NextMarker: next.ID, MaxItems: size,
	}}, nil
}

// listHostedZonesByName starts at a name, or at one zone of that name, and continues in the order of names. The zone
// that the client asks for need not be the first one, or in the list at all. r53: C.2, C.7, H.
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
		HostedZones: s.zoneShapes(r, state, zones), DNSName: name, HostedZoneID: id, IsTruncated: truncated,
		NextDNSName: string(next.Name), NextHostedZoneID: next.ID, MaxItems: size,
	}}, nil
}

func (s *Server) getHostedZoneCount(*request) (reply, error) {
	return reply{body: hostedZoneCountReply{s.store.State().ZoneCount()}}, nil
}

// zoneShapes returns zones as a list shows them to a user. It hides comment and caller reference of zones that the user
// may not read.
func (s *Server) zoneShapes(r *request, state *store.State, zones []zone.HostedZone) hostedZones {
	var shapes hostedZones
	for _, z := range zones {
		shape := s.hostedZoneShape(state, z)
		if !may(r.user, read, resource{kindZone, z.ID}, state) {
			shape.CallerReference, shape.Config.Comment = hidden, ""
		}
		shapes.HostedZone = append(shapes.HostedZone, shape)
	}
	return shapes
}

// hidden replaces a caller reference, because the API model requires one in every zone.
const hidden = "(hidden)"

func findZone(state *store.State, id string) (zone.HostedZone, error) {
	z, ok := state.Zone(id)
	if !ok {
		return zone.HostedZone{}, &store.NoSuch{Err: store.ErrNoSuchHostedZone, ID: id}
	}
	return z, nil
}
