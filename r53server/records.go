package r53server

import (
	"fmt"
	"strings"

	"github.com/bulkhead-dns/bulkhead/rate"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// changeResourceRecordSets decodes a batch. zone.Records.Apply checks in the store whether the zone accepts it.
// r53: C.6.
func (s *Server) changeResourceRecordSets(r *request) (reply, error) {
	comment, changes, err := decodeChangeBatch(r)
	if err != nil {
		return reply{}, err
	}
	z, err := findZone(s.store.State(), r.path["Id"])
	if err != nil {
		return reply{}, err
	}
	if err := s.throttle.Change(rate.BatchCost(changes), s.now()); err != nil {
		return reply{}, err
	}
	info, err := s.store.ChangeRecords(r.ctx, z.ID, comment, changes)
	if err != nil {
		return reply{}, err
	}
	return reply{body: changeReply{changeInfoShape(info)}}, nil
}

func (s *Server) getChange(r *request) (reply, error) {
	info, err := s.store.GetChange(r.ctx, r.path["Id"])
	if err != nil {
		return reply{}, err
	}
	return reply{body: changeReply{changeInfoShape(info)}}, nil
}

func decodeChangeBatch(r *request) (comment string, changes []zone.Change, err error) {
	d, in := decode(r, "ChangeBatch")
	in.require("ChangeBatch")
	batch := in.object("ChangeBatch", "Comment", "Changes")
	batch.require("Changes")
	comment = batch.sized("Comment", 0, 256)
	items := batch.list("Changes", "Change")
	if d.err == nil && len(items) == 0 {
		d.fail(invalidXML("cvc-complex-type.2.4.b", "The content of element 'Changes' is not complete. One of '{Change}' "+
			"is expected."))
	}
	var problems []string
	for _, e := range items {
		in := d.object(e, "Action", "ResourceRecordSet")
		in.require("Action", "ResourceRecordSet")
		c := zone.Change{Action: zone.Action(in.enum("Action", string(zone.Create), string(zone.Delete),
			string(zone.Upsert)))}
		if in.has("ResourceRecordSet") {
			c.ResourceRecordSet, err = decodeRecordSet(in, c.Action)
			if err != nil {
				problems = append(problems, err.Error())
			}
		}
		changes = append(changes, c)
	}
	if d.err != nil {
		return "", nil, d.err
	}
	if len(problems) > 0 {
		return "", nil, &zone.InvalidChangeBatch{Messages: problems}
	}
	return comment, changes, nil
}

// decodeRecordSet reads the record set of a change. Its error is about a name that is not valid: that makes the batch
// invalid, not the document.
func decodeRecordSet(change object, action zone.Action) (zone.ResourceRecordSet, error) {
	in := change.object("ResourceRecordSet", "Name", "Type", "SetIdentifier", "Weight", "Region", "GeoLocation",
		"Failover", "MultiValueAnswer", "TTL", "ResourceRecords", "AliasTarget", "HealthCheckId", "TrafficPolicyInstanceId",
		"CidrRoutingConfig", "GeoProximityLocation")
	in.require("Name", "Type")
	name := in.text("Name")
	set := zone.ResourceRecordSet{
		Type:          in.recordType("Type"),
		SetIdentifier: in.filled("SetIdentifier"),
		Weight:        in.int64("Weight"),
		Region:        in.filled("Region"),
		Failover:      zone.Failover(in.enum("Failover", string(zone.Primary), string(zone.Secondary))),
		TTL:           in.int64("TTL"),
		// A script with an unset variable sends an empty id. It is refused: otherwise the record set would lose its check.
		HealthCheckID: in.filled("HealthCheckId"),
	}
	if b := in.bool("MultiValueAnswer"); b != nil {
		set.MultiValueAnswer = *b
	}
	if in.has("ResourceRecords") {
		set.ResourceRecords = []string{} // empty and absent are not the same
	}
	for _, e := range in.list("ResourceRecords", "ResourceRecord") {
		value := in.d.object(e, "Value")
		value.require("Value")
		set.ResourceRecords = append(set.ResourceRecords, value.text("Value"))
	}
	set.GeoLocation = decodeGeoLocation(in)
	set.GeoProximityLocation = decodeGeoProximity(in)
	set.CidrRoutingConfig = decodeCidrRouting(in)
	if in.has("TrafficPolicyInstanceId") {
		in.d.fail(notAvailable(codeInvalidInput,
			"TrafficPolicyInstanceId in Change with "+describe(action, name, set)+": traffic policies are"))
	}
	var err error
	if set.Name, err = zone.ParseName(name); err != nil {
		return set, err
	}
	if in.has("AliasTarget") {
		set.AliasTarget, err = decodeAliasTarget(in)
	}
	return set, err
}

func decodeAliasTarget(set object) (*zone.AliasTarget, error) {
	in := set.object("AliasTarget", "HostedZoneId", "DNSName", "EvaluateTargetHealth")
	in.require("HostedZoneId", "DNSName", "EvaluateTargetHealth")
	target := &zone.AliasTarget{HostedZoneID: bareID(in.text("HostedZoneId"))}
	if b := in.bool("EvaluateTargetHealth"); b != nil {
		target.EvaluateTargetHealth = *b
	}
	var err error
	target.DNSName, err = zone.ParseName(in.text("DNSName"))
	return target, err
}

// describe names a change in messages as Route 53 does. r53: C.6.
func describe(action zone.Action, name string, set zone.ResourceRecordSet) string {
	identifier := "null"
	if set.SetIdentifier != "" {
		identifier = clip(set.SetIdentifier)
	}
	return fmt.Sprintf("[Action=%s, Name=%s, Type=%s, SetIdentifier=%s]", action, clip(name), set.Type, identifier)
}

// recordTypes lists the valid values of Type, in the order of the API model.
func recordTypes() []string {
	return strings.Fields("SOA A TXT NS CNAME MX NAPTR PTR SRV SPF AAAA CAA DS TLSA SSHFP SVCB HTTPS")
}

func (o object) recordType(member string) zone.RRType {
	t, _ := zone.ParseRRType(o.enum(member, recordTypes()...))
	return t
}

// listResourceRecordSets starts at the first set at or after name, type and identifier. r53: C.7.
func (s *Server) listResourceRecordSets(r *request) (reply, error) {
	size, err := pageSize(r.query, maxRecordPage)
	if err != nil {
		return reply{}, err
	}
	start, err := startRecord(r)
	if err != nil {
		return reply{}, err
	}
	state := s.store.State()
	z, err := findZone(state, r.path["Id"])
	if err != nil {
		return reply{}, err
	}
	sets, next, truncated := page(state.Records(z.ID).From(start), func(*zone.ResourceRecordSet) bool { return true },
		size)
	out := listResourceRecordSetsReply{IsTruncated: truncated, MaxItems: size}
	for _, set := range sets {
		out.ResourceRecordSets.ResourceRecordSet = append(out.ResourceRecordSets.ResourceRecordSet,
			resourceRecordSetShape(set))
	}
	if truncated {
		out.NextRecordName, out.NextRecordType, out.NextRecordIdentifier = string(next.Name), next.Type.String(),
			next.SetIdentifier
	}
	return reply{body: out}, nil
}

// startRecord reads the first record set of a list. A type needs a name, an identifier needs both. r53: C.7.
func startRecord(r *request) (zone.Key, error) {
	name, kind, identifier := r.query.Get("name"), r.query.Get("type"), r.query.Get("identifier")
	switch {
	case kind != "" && name == "":
		return zone.Key{}, invalidInput("type is accepted together with name only.")
	case identifier != "" && kind == "":
		return zone.Key{}, invalidInput("identifier is accepted together with name and type only.")
	case name == "":
		return zone.Key{}, nil
	}
	parsed, err := zone.ParseName(name)
	if err != nil {
		return zone.Key{}, invalidInput("%v", err) // clients match on the text. r53: A.14
	}
	key := zone.Key{Name: parsed, SetIdentifier: identifier}
	if kind != "" {
		t, ok := zone.ParseRRType(kind)
		if !ok {
			return zone.Key{}, notInValueSet(kind, "Type", recordTypes()...)
		}
		key.Type = t
	}
	return key, nil
}
