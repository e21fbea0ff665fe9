package clients_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Every reply and every error of a tour through the whole API is what AWS's model says: status, root element,
// namespace, members and their order, required ones, types and their ranges. All deviations are told at once.
func TestRepliesAreWhatTheModelSays(t *testing.T) {
	t.Parallel()
	l := startLab(t, t.TempDir(), "--empty")
	c := newCaller(t, l)
	zone := c.hostedZones(t)
	c.records(t, zone)
	c.healthChecks(t)
	c.tags(t, zone)
	c.cidrCollections(t, zone)
	c.geoLocations(t)
	c.limits(t, zone)
	c.delegationSets(t)
	c.privateZones(t, zone)
	c.queryLogging(t, zone)
	c.trafficPolicies(t, zone)
	c.dnssec(t, zone)

	for operation := range c.model.Operations {
		if len(c.called[operation]) == 0 {
			t.Errorf("the tour leaves out %s", operation)
		}
	}
	// Markers that the model wants on every page, and Route 53 has on later ones only.
	c.deviations = slices.DeleteFunc(c.deviations, func(d string) bool {
		return slices.Contains([]string{"ListHostedZones: required member Marker is missing",
			"ListHealthChecks: required member Marker is missing", "ListReusableDelegationSets: required member Marker is " +
				"missing",
			"ListTrafficPolicies: required member TrafficPolicyIdMarker is missing"}, d)
	})
	slices.Sort(c.deviations)
	if d := slices.Compact(c.deviations); len(d) > 0 {
		t.Errorf("%d deviations from the model:\n%s", len(d), strings.Join(d, "\n"))
	}
}

// hostedZones leaves one zone, example.com.
func (c *caller) hostedZones(t *testing.T) string {
	t.Helper()
	created := c.ok(t, "CreateHostedZone", in{"Name": "example.com", "CallerReference": "zone 1 & <more>",
		"HostedZoneConfig": in{"Comment": "first & <last>"}})
	zone := bare(created.value("HostedZone", "Id"))
	other := c.ok(t, "CreateHostedZone", in{"Name": "example.org.", "CallerReference": "2"}).value("HostedZone", "Id")
	for _, name := range []string{"single", "*.example.net", "a..example.net", strings.Repeat("a", 64) + ".example.net"} {
		c.refused(t, "CreateHostedZone", in{"Name": name, "CallerReference": name[:1]}, "InvalidDomainName", "InvalidInput")
	}
	c.refused(t, "CreateHostedZone", in{"Name": "example.com", "CallerReference": "zone 1 & <more>"},
		"HostedZoneAlreadyExists")
	c.refused(t, "CreateHostedZone", in{"Name": "example.com"}, "InvalidInput")

	c.ok(t, "GetHostedZone", in{"Id": zone})
	c.ok(t, "GetHostedZone", in{"Id": "/hostedzone/" + zone}) // r53: C.1, ID prefixes
	c.refused(t, "GetHostedZone", in{"Id": "Z0NONE"}, "NoSuchHostedZone")
	first := c.ok(t, "ListHostedZones", in{"MaxItems": 1})
	c.ok(t, "ListHostedZones", in{"Marker": first.value("NextMarker"), "MaxItems": 1})
	c.ok(t, "ListHostedZones", in{})
	c.refused(t, "ListHostedZones", in{"MaxItems": "many"}, "InvalidInput")
	first = c.ok(t, "ListHostedZonesByName", in{"MaxItems": 1})
	c.ok(t, "ListHostedZonesByName", in{"DNSName": first.value("NextDNSName"),
		"HostedZoneId": first.value("NextHostedZoneId")})
	c.ok(t, "ListHostedZonesByName", in{"DNSName": "zzz.example.com", "MaxItems": 100})
	c.refused(t, "ListHostedZonesByName", in{"HostedZoneId": zone}, "InvalidInput")
	c.ok(t, "GetHostedZoneCount", in{})
	c.ok(t, "UpdateHostedZoneComment", in{"Id": zone, "Comment": "second"})
	c.ok(t, "UpdateHostedZoneComment", in{"Id": zone})
	c.refused(t, "UpdateHostedZoneComment", in{"Id": "Z0NONE", "Comment": "x"}, "NoSuchHostedZone")
	c.acceleratedRecovery(t, zone)
	c.ok(t, "DeleteHostedZone", in{"Id": bare(other)})
	c.refused(t, "DeleteHostedZone", in{"Id": bare(other)}, "NoSuchHostedZone")
	return zone
}

// acceleratedRecovery switches it on and off, as Terraform's provider does: it waits for the status to settle.
func (c *caller) acceleratedRecovery(t *testing.T, zone string) {
	t.Helper()
	other := bare(c.ok(t, "CreateHostedZone", in{"Name": "example.net.", "CallerReference": "3"}).value("HostedZone",
		"Id"))
	settles := func(status string) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
			got := c.ok(t, "GetHostedZone", in{"Id": other}).value("HostedZone", "Features", "AcceleratedRecoveryStatus")
			if got == status {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("accelerated recovery is %s after a minute, want %s", got, status)
			}
		}
	}
	settles("DISABLED")
	c.ok(t, "UpdateHostedZoneFeatures", in{"HostedZoneId": other, "EnableAcceleratedRecovery": true})
	settles("ENABLED")
	c.refused(t, "DeleteHostedZone", in{"Id": other}, "InvalidInput")
	c.ok(t, "UpdateHostedZoneFeatures", in{"HostedZoneId": other, "EnableAcceleratedRecovery": false})
	settles("DISABLED")
	c.ok(t, "UpdateHostedZoneFeatures", in{"HostedZoneId": zone})
	c.refused(t, "UpdateHostedZoneFeatures", in{"HostedZoneId": "Z0NONE", "EnableAcceleratedRecovery": true},
		"NoSuchHostedZone")
	c.ok(t, "DeleteHostedZone", in{"Id": other})
}

// set is a record set of values.
func set(name, rrType string, values ...string) in {
	var list []any
	for _, v := range values {
		list = append(list, in{"Value": v})
	}
	return in{"Name": name, "Type": rrType, "TTL": 300, "ResourceRecords": list}
}

// with is s with more members.
func (s in) with(more in) in {
	out := in{}
	for _, m := range []in{s, more} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func batch(action string, sets ...in) in {
	var changes []any
	for _, s := range sets {
		changes = append(changes, in{"Action": action, "ResourceRecordSet": s})
	}
	return in{"Comment": "batch & <more>", "Changes": changes}
}

// everyType is a set of each of Route 53's record types but the apex's own. r53: A.14.
func everyType() []in {
	return []in{
		set("a.example.com", "A", "192.0.2.1", "192.0.2.2"),
		set("*.aaaa.example.com", "AAAA", "2001:db8::1"),
		set("cname.example.com", "CNAME", "a.example.com"),
		set("mx.example.com", "MX", "10 mail.example.com", "20 mail.example.net"),
		set("_sip._tcp.example.com", "SRV", "1 10 5060 sip.example.com"),
		set(`txt\100.example.com`, "TXT", `"one & <two>" "three \"four\" \303\251"`),
		set("spf.example.com", "SPF", `"v=spf1 -all"`),
		set("caa.example.com", "CAA", `0 issue "ca.example.net"`),
		set("naptr.example.com", "NAPTR", `100 10 "u" "sip+E2U" "!^.*$!sip:info@example.com!" .`),
		set("sub.example.com", "NS", "ns1.example.net", "ns2.example.net"),
		set("sub.example.com", "DS", "12345 13 2 "+strings.Repeat("A1", 32)),
		set("ptr.example.com", "PTR", "host.example.com"),
		set("_443._tcp.example.com", "TLSA", "3 1 1 "+strings.Repeat("ab", 32)),
		set("sshfp.example.com", "SSHFP", "4 2 "+strings.Repeat("cd", 32)),
		set("_svc.example.com", "SVCB", "1 svc.example.net alpn=h2 port=8443"),
		set("https.example.com", "HTTPS", "1 . alpn=h2"),
	}
}

func (c *caller) records(t *testing.T, zone string) {
	t.Helper()
	sets := everyType()
	for i, region := range []string{"eu-west-1", "eu-central-1"} {
		id := fmt.Sprint("member & ", i)
		sets = append(sets,
			set("weighted.example.com", "A", "192.0.2.1").with(in{"SetIdentifier": id, "Weight": i * 255}),
			set("latency.example.com", "A", "192.0.2.1").with(in{"SetIdentifier": id, "Region": region}),
			set("multivalue.example.com", "A", fmt.Sprint("192.0.2.", i)).with(in{"SetIdentifier": id,
				"MultiValueAnswer": true}),
		)
	}
	change := c.ok(t, "ChangeResourceRecordSets", in{"HostedZoneId": zone, "ChangeBatch": batch("CREATE", sets...)})
	c.ok(t, "GetChange", in{"Id": bare(change.value("ChangeInfo", "Id"))})
	c.refused(t, "GetChange", in{"Id": "C0NONE"}, "NoSuchChange")
	check := c.ok(t, "CreateHealthCheck", in{"CallerReference": "records",
		"HealthCheckConfig": in{"Type": "TCP", "IPAddress": "127.0.0.1", "Port": 9}}).value("HealthCheck", "Id")
	geo := []in{
		set("geo.example.com", "A", "192.0.2.1").with(in{"SetIdentifier": "any", "GeoLocation": in{"CountryCode": "*"}}),
		set("geo.example.com", "A", "192.0.2.1").with(in{"SetIdentifier": "eu", "GeoLocation": in{"ContinentCode": "EU"}}),
		set("geo.example.com", "A", "192.0.2.1").with(in{"SetIdentifier": "va", "GeoLocation": in{"CountryCode": "US",
			"SubdivisionCode": "VA"}}),
		set("near.example.com", "A", "192.0.2.1").with(in{"SetIdentifier": "r",
			"GeoProximityLocation": in{"AWSRegion": "eu-west-1", "Bias": -10}}),
		set("near.example.com", "A", "192.0.2.1").with(in{"SetIdentifier": "c",
			"GeoProximityLocation": in{"Coordinates": in{"Latitude": "49.22", "Longitude": "-74.01"}}}),
	}
	c.ok(t, "ChangeResourceRecordSets", in{"HostedZoneId": zone, "ChangeBatch": batch("CREATE", geo...)})
	c.ok(t, "ChangeResourceRecordSets", in{"HostedZoneId": zone, "ChangeBatch": batch("UPSERT",
		set("failover.example.com", "A", "192.0.2.1").with(in{"SetIdentifier": "1", "Failover": "PRIMARY",
			"HealthCheckId": check}),
		set("failover.example.com", "A", "192.0.2.2").with(in{"SetIdentifier": "2", "Failover": "SECONDARY"}),
		in{"Name": "example.com", "Type": "A", "AliasTarget": in{"HostedZoneId": zone, "DNSName": "a.example.com",
			"EvaluateTargetHealth": true}},
	)})
	for _, refused := range []struct {
		code  string
		batch in
	}{
		{"InvalidChangeBatch", batch("CREATE", sets...)},
		{"InvalidChangeBatch", batch("DELETE", set("none.example.com", "A", "192.0.2.1"),
			set("other.example.com", "A", "192.0.2.1"))},
		{"InvalidChangeBatch", batch("UPSERT", set("www.example.org", "A", "192.0.2.1"))},
		{"InvalidChangeBatch", batch("UPSERT", set("a.example.com", "A", "not an address"))},
		{"InvalidInput", batch("UPSERT", in{"Name": "x.example.com", "Type": "A"})},
		{"InvalidInput", batch("UPSERT", set("x.example.com", "A", "192.0.2.1").with(in{"Weight": 1}))},
		{"InvalidInput", batch("REPLACE", set("x.example.com", "A", "192.0.2.1"))},
		{"InvalidInput", batch("UPSERT", set("x.example.com", "LOC", "192.0.2.1"))},
		{"NoSuchHealthCheck", batch("UPSERT", set("w.example.com", "A", "192.0.2.1").with(in{"SetIdentifier": "1",
			"Weight": 1, "HealthCheckId": "00000000-0000-0000-0000-000000000000"}))},
	} {
		c.refused(t, "ChangeResourceRecordSets", in{"HostedZoneId": zone, "ChangeBatch": refused.batch}, refused.code)
	}
	c.refused(t, "ChangeResourceRecordSets", in{"HostedZoneId": "Z0NONE", "ChangeBatch": batch("CREATE", sets[0])},
		"NoSuchHostedZone")
	for next := (in{"HostedZoneId": zone, "MaxItems": 7}); ; {
		page := c.ok(t, "ListResourceRecordSets", next)
		if page.value("IsTruncated") != "true" {
			break
		}
		next = in{"HostedZoneId": zone, "MaxItems": 7, "StartRecordName": page.value("NextRecordName"),
			"StartRecordType": page.value("NextRecordType")}
		if id := page.value("NextRecordIdentifier"); id != "" {
			next["StartRecordIdentifier"] = id
		}
	}
	c.refused(t, "ListResourceRecordSets", in{"HostedZoneId": zone, "StartRecordType": "A"}, "InvalidInput")
	c.refused(t, "ListResourceRecordSets", in{"HostedZoneId": "Z0NONE"}, "NoSuchHostedZone")
	c.refused(t, "DeleteHostedZone", in{"Id": zone}, "HostedZoneNotEmpty")
	for _, name := range []string{"a.example.com", "none.example.com", "geo.example.com", "latency.example.com"} {
		c.ok(t, "TestDNSAnswer", in{"HostedZoneId": zone, "RecordName": name, "RecordType": "A"})
	}
	c.ok(t, "TestDNSAnswer", in{
		"HostedZoneId": zone, "RecordName": `txt\100.example.com`, "RecordType": "TXT", "ResolverIP": "192.0.2.53",
		"EDNS0ClientSubnetIP": "192.0.2.0", "EDNS0ClientSubnetMask": "24",
	})
	c.refused(t, "TestDNSAnswer", in{"HostedZoneId": "Z0NONE", "RecordName": "a.example.com", "RecordType": "A"},
		"NoSuchHostedZone")
	c.refused(t, "TestDNSAnswer", in{"HostedZoneId": zone, "RecordName": "a.example.com", "RecordType": "A",
		"ResolverIP": "here"}, "InvalidInput")
}

func (c *caller) healthChecks(t *testing.T) {
	t.Helper()
	var ids []string
	for i, config := range []in{
		{"Type": "HTTP", "IPAddress": "127.0.0.1", "Port": 9, "ResourcePath": "/health?a=1&b=<2>", "RequestInterval": 10,
			"FailureThreshold": 2},
		{"Type": "HTTPS", "FullyQualifiedDomainName": "www.example.com", "EnableSNI": true, "MeasureLatency": true,
			"Inverted": true},
		{"Type": "HTTP_STR_MATCH", "FullyQualifiedDomainName": "www.example.com", "Port": 8080,
			"SearchString": "<ok> & fine", "Disabled": true},
		{"Type": "TCP", "IPAddress": "2600:1f18::1", "Port": 9, "Regions": []any{"eu-west-1", "us-east-1", "us-west-1"}},
	} {
		check := c.ok(t, "CreateHealthCheck", in{"CallerReference": fmt.Sprint("check ", i), "HealthCheckConfig": config})
		ids = append(ids, check.value("HealthCheck", "Id"))
	}
	calculated := c.ok(t, "CreateHealthCheck", in{"CallerReference": "calculated", "HealthCheckConfig": in{
		"Type": "CALCULATED", "HealthThreshold": 1, "ChildHealthChecks": []any{ids[0], ids[1]}}}).value("HealthCheck", "Id")
	c.refused(t, "CreateHealthCheck", in{"CallerReference": "check 0",
		"HealthCheckConfig": in{"Type": "TCP", "IPAddress": "127.0.0.2", "Port": 9}}, "HealthCheckAlreadyExists")
	for _, config := range []in{
		{"Type": "HTTP"},
		{"Type": "HTTP", "IPAddress": "host"},
		{"Type": "HTTP", "IPAddress": "127.0.0.1", "RequestInterval": 20},
		{"Type": "ICMP", "IPAddress": "127.0.0.1"},
	} {
		c.refused(t, "CreateHealthCheck", in{"CallerReference": "bad", "HealthCheckConfig": config}, "InvalidInput")
	}
	c.call(t, "CreateHealthCheck", in{"CallerReference": "alarm", "HealthCheckConfig": in{
		"Type": "CLOUDWATCH_METRIC", "AlarmIdentifier": in{"Region": "us-east-1", "Name": "alarm"},
		"InsufficientDataHealthStatus": "Healthy"}})
	for _, id := range append(slices.Clone(ids), calculated) {
		c.ok(t, "GetHealthCheck", in{"HealthCheckId": id})
		c.ok(t, "UpdateHealthCheck", in{"HealthCheckId": id, "HealthCheckVersion": 1, "Inverted": true})
	}
	c.refused(t, "UpdateHealthCheck", in{"HealthCheckId": ids[0], "HealthCheckVersion": 1}, "HealthCheckVersionMismatch")
	c.ok(t, "GetHealthCheckStatus", in{"HealthCheckId": ids[0]})
	c.ok(t, "GetHealthCheckLastFailureReason", in{"HealthCheckId": ids[0]})
	c.refused(t, "GetHealthCheckStatus", in{"HealthCheckId": calculated}, "InvalidInput")
	first := c.ok(t, "ListHealthChecks", in{"MaxItems": 2})
	c.ok(t, "ListHealthChecks", in{"Marker": first.value("NextMarker")})
	c.ok(t, "GetHealthCheckCount", in{})
	c.ok(t, "GetCheckerIpRanges", in{})
	c.ok(t, "DeleteHealthCheck", in{"HealthCheckId": calculated})
	const none = "00000000-0000-0000-0000-000000000000"
	for _, operation := range []string{"GetHealthCheck", "GetHealthCheckStatus", "GetHealthCheckLastFailureReason",
		"DeleteHealthCheck", "UpdateHealthCheck"} {
		c.refused(t, operation, in{"HealthCheckId": none}, "NoSuchHealthCheck")
	}
}

func (c *caller) tags(t *testing.T, zone string) {
	t.Helper()
	check := c.ok(t, "CreateHealthCheck", in{"CallerReference": "tagged",
		"HealthCheckConfig": in{"Type": "TCP", "IPAddress": "127.0.0.1", "Port": 9}}).value("HealthCheck", "Id")
	for kind, id := range map[string]string{"hostedzone": zone, "healthcheck": check} {
		c.ok(t, "ChangeTagsForResource", in{"ResourceType": kind, "ResourceId": id, "AddTags": []any{
			in{"Key": "Name", "Value": "a & <b>"}, in{"Key": "empty", "Value": ""}}})
		c.ok(t, "ListTagsForResource", in{"ResourceType": kind, "ResourceId": id})
		c.ok(t, "ListTagsForResources", in{"ResourceType": kind, "ResourceIds": []any{id}})
		c.ok(t, "ChangeTagsForResource", in{"ResourceType": kind, "ResourceId": id, "RemoveTagKeys": []any{"Name", "empty"}})
		c.ok(t, "ListTagsForResource", in{"ResourceType": kind, "ResourceId": id})
	}
	c.refused(t, "ListTagsForResource", in{"ResourceType": "hostedzone", "ResourceId": "Z0NONE"}, "NoSuchHostedZone")
	c.refused(t, "ListTagsForResource", in{"ResourceType": "healthcheck", "ResourceId": "none"}, "NoSuchHealthCheck")
	c.refused(t, "ListTagsForResource", in{"ResourceType": "distribution", "ResourceId": "E1"}, "InvalidInput")
	c.refused(t, "ChangeTagsForResource", in{"ResourceType": "hostedzone", "ResourceId": zone}, "InvalidInput")
}

func (c *caller) cidrCollections(t *testing.T, zone string) {
	t.Helper()
	collection := c.ok(t, "CreateCidrCollection", in{"Name": "offices", "CallerReference": "1"}).value("Collection", "Id")
	c.refused(t, "CreateCidrCollection", in{"Name": "of fices", "CallerReference": "2"}, "InvalidInput")
	put := func(version int, location string, blocks ...any) in {
		return in{"Id": collection, "CollectionVersion": version, "Changes": []any{
			in{"LocationName": location, "Action": "PUT", "CidrList": blocks}}}
	}
	c.ok(t, "ChangeCidrCollection", put(1, "berlin", "10.0.0.0/8", "2001:db8::/32"))
	c.ok(t, "ChangeCidrCollection", put(2, "dublin", "172.16.0.0/12"))
	c.refused(t, "ChangeCidrCollection", put(1, "paris", "172.16.0.0/12"), "CidrCollectionVersionMismatchException")
	c.refused(t, "ChangeCidrCollection", put(3, "paris", "10.0.0.0/33"), "InvalidInput")
	c.ok(t, "ListCidrCollections", in{})
	page := c.ok(t, "ListCidrLocations", in{"CollectionId": collection, "MaxResults": 1})
	c.ok(t, "ListCidrLocations", in{"CollectionId": collection, "NextToken": page.value("NextToken")})
	page = c.ok(t, "ListCidrBlocks", in{"CollectionId": collection, "MaxResults": 1})
	c.ok(t, "ListCidrBlocks", in{"CollectionId": collection, "NextToken": page.value("NextToken")})
	c.ok(t, "ListCidrBlocks", in{"CollectionId": collection, "LocationName": "berlin"})
	c.refused(t, "ListCidrBlocks", in{"CollectionId": collection, "LocationName": "nowhere"},
		"NoSuchCidrLocationException")
	routed := set("cidr.example.com", "A", "192.0.2.1").with(in{"SetIdentifier": "berlin",
		"CidrRoutingConfig": in{"CollectionId": collection, "LocationName": "berlin"}})
	c.ok(t, "ChangeResourceRecordSets", in{"HostedZoneId": zone, "ChangeBatch": batch("CREATE", routed)})
	c.ok(t, "ListResourceRecordSets", in{"HostedZoneId": zone, "StartRecordName": "cidr.example.com"})
	c.refused(t, "DeleteCidrCollection", in{"Id": collection}, "CidrCollectionInUseException")
	c.ok(t, "ChangeResourceRecordSets", in{"HostedZoneId": zone, "ChangeBatch": batch("DELETE", routed)})
	c.ok(t, "ChangeCidrCollection", in{"Id": collection, "Changes": []any{
		in{"LocationName": "berlin", "Action": "DELETE_IF_EXISTS", "CidrList": []any{"10.0.0.0/8", "2001:db8::/32"}},
		in{"LocationName": "dublin", "Action": "DELETE_IF_EXISTS", "CidrList": []any{"172.16.0.0/12"}},
	}})
	c.ok(t, "DeleteCidrCollection", in{"Id": collection})
	const none = "00000000-0000-0000-0000-000000000000"
	c.refused(t, "DeleteCidrCollection", in{"Id": none}, "NoSuchCidrCollectionException")
	c.refused(t, "ListCidrLocations", in{"CollectionId": none}, "NoSuchCidrCollectionException")
}

func (c *caller) geoLocations(t *testing.T) {
	t.Helper()
	c.ok(t, "GetGeoLocation", in{"ContinentCode": "EU"})
	c.ok(t, "GetGeoLocation", in{"CountryCode": "DE"})
	c.ok(t, "GetGeoLocation", in{"CountryCode": "US", "SubdivisionCode": "VA"})
	c.ok(t, "GetGeoLocation", in{"CountryCode": "*"})
	c.refused(t, "GetGeoLocation", in{"CountryCode": "ZZ"}, "NoSuchGeoLocation")
	for next := (in{}); ; {
		page := c.ok(t, "ListGeoLocations", next)
		if page.value("IsTruncated") != "true" {
			break
		}
		next = in{}
		for start, cursor := range map[string]string{"StartContinentCode": "NextContinentCode",
			"StartCountryCode": "NextCountryCode", "StartSubdivisionCode": "NextSubdivisionCode"} {
			if code := page.value(cursor); code != "" {
				next[start] = code
			}
		}
		if len(next) == 0 {
			t.Fatal("ListGeoLocations is truncated without a cursor")
		}
	}
}

func (c *caller) limits(t *testing.T, zone string) {
	t.Helper()
	for _, kind := range []string{"MAX_HEALTH_CHECKS_BY_OWNER", "MAX_HOSTED_ZONES_BY_OWNER",
		"MAX_REUSABLE_DELEGATION_SETS_BY_OWNER"} {
		c.ok(t, "GetAccountLimit", in{"Type": kind})
	}
	for _, kind := range []string{"MAX_TRAFFIC_POLICY_INSTANCES_BY_OWNER", "MAX_TRAFFIC_POLICIES_BY_OWNER"} {
		c.call(t, "GetAccountLimit", in{"Type": kind})
	}
	c.refused(t, "GetAccountLimit", in{"Type": "MAX_WISHES"}, "InvalidInput")
	c.ok(t, "GetHostedZoneLimit", in{"HostedZoneId": zone, "Type": "MAX_RRSETS_BY_ZONE"})
	c.refused(t, "GetHostedZoneLimit", in{"HostedZoneId": zone, "Type": "MAX_VPCS_ASSOCIATED_BY_ZONE"},
		"HostedZoneNotPrivate")
	c.refused(t, "GetHostedZoneLimit", in{"HostedZoneId": "Z0NONE", "Type": "MAX_RRSETS_BY_ZONE"}, "NoSuchHostedZone")
}

func (c *caller) delegationSets(t *testing.T) {
	t.Helper()
	id := bare(c.ok(t, "CreateReusableDelegationSet", in{"CallerReference": "set 1"}).value("DelegationSet", "Id"))
	c.ok(t, "GetReusableDelegationSet", in{"Id": id})
	c.ok(t, "ListReusableDelegationSets", in{})
	c.ok(t, "GetReusableDelegationSetLimit", in{"DelegationSetId": id, "Type": "MAX_ZONES_BY_REUSABLE_DELEGATION_SET"})
	zone := bare(c.ok(t, "CreateHostedZone", in{"Name": "white.example.net", "CallerReference": "white",
		"DelegationSetId": id}).value("HostedZone", "Id"))
	c.ok(t, "GetHostedZone", in{"Id": zone})
	c.ok(t, "ListHostedZones", in{"DelegationSetId": id})
	c.refused(t, "DeleteReusableDelegationSet", in{"Id": id}, "DelegationSetInUse")
	c.ok(t, "DeleteHostedZone", in{"Id": zone})
	c.ok(t, "DeleteReusableDelegationSet", in{"Id": id})
	c.refused(t, "GetReusableDelegationSet", in{"Id": id}, "NoSuchDelegationSet")
}

// What the engine leaves out answers with an error of the model or of AWS's front end, and lists are empty.

func (c *caller) privateZones(t *testing.T, zone string) {
	t.Helper()
	vpc := in{"VPCRegion": "eu-west-1", "VPCId": "vpc-1"}
	for _, operation := range []string{"AssociateVPCWithHostedZone", "DisassociateVPCFromHostedZone",
		"CreateVPCAssociationAuthorization", "DeleteVPCAssociationAuthorization"} {
		c.call(t, operation, in{"HostedZoneId": zone, "VPC": vpc})
	}
	c.call(t, "ListVPCAssociationAuthorizations", in{"HostedZoneId": zone})
	c.call(t, "ListHostedZonesByVPC", in{"VPCId": "vpc-1", "VPCRegion": "eu-west-1"})
	c.call(t, "CreateHostedZone", in{"Name": "private.example.com", "CallerReference": "private", "VPC": vpc})
}

func (c *caller) queryLogging(t *testing.T, zone string) {
	t.Helper()
	c.call(t, "CreateQueryLoggingConfig", in{"HostedZoneId": zone,
		"CloudWatchLogsLogGroupArn": "arn:aws:logs:us-east-1:000000000000:log-group:x"})
	c.call(t, "ListQueryLoggingConfigs", in{})
	for _, operation := range []string{"GetQueryLoggingConfig", "DeleteQueryLoggingConfig"} {
		c.call(t, operation, in{"Id": "00000000-0000-0000-0000-000000000000"})
	}
}

func (c *caller) trafficPolicies(t *testing.T, zone string) {
	t.Helper()
	const none = "00000000-0000-0000-0000-000000000000"
	version := in{"Id": none, "Version": 1}
	c.call(t, "CreateTrafficPolicy", in{"Name": "policy", "Document": "{}"})
	c.call(t, "CreateTrafficPolicyVersion", in{"Id": none, "Document": "{}"})
	c.call(t, "GetTrafficPolicy", version)
	c.call(t, "UpdateTrafficPolicyComment", version.with(in{"Comment": "x"}))
	c.call(t, "DeleteTrafficPolicy", version)
	c.call(t, "ListTrafficPolicies", in{})
	c.call(t, "ListTrafficPolicyVersions", in{"Id": none})
	instance := in{"TTL": 60, "TrafficPolicyId": none, "TrafficPolicyVersion": 1}
	c.call(t, "CreateTrafficPolicyInstance", instance.with(in{"HostedZoneId": zone, "Name": "t.example.com"}))
	c.call(t, "UpdateTrafficPolicyInstance", instance.with(in{"Id": none}))
	c.call(t, "GetTrafficPolicyInstance", in{"Id": none})
	c.call(t, "DeleteTrafficPolicyInstance", in{"Id": none})
	c.call(t, "GetTrafficPolicyInstanceCount", in{})
	c.call(t, "ListTrafficPolicyInstances", in{})
	c.call(t, "ListTrafficPolicyInstancesByHostedZone", in{"HostedZoneId": zone})
	c.call(t, "ListTrafficPolicyInstancesByPolicy", in{"TrafficPolicyId": none, "TrafficPolicyVersion": 1})
}

func (c *caller) dnssec(t *testing.T, zone string) {
	t.Helper()
	c.call(t, "GetDNSSEC", in{"HostedZoneId": zone})
	c.call(t, "EnableHostedZoneDNSSEC", in{"HostedZoneId": zone})
	c.call(t, "DisableHostedZoneDNSSEC", in{"HostedZoneId": zone})
	c.call(t, "CreateKeySigningKey", in{"CallerReference": "k", "HostedZoneId": zone,
		"KeyManagementServiceArn": "arn:aws:kms:us-east-1:000000000000:key/x", "Name": "key", "Status": "ACTIVE"})
	for _, operation := range []string{"ActivateKeySigningKey", "DeactivateKeySigningKey", "DeleteKeySigningKey"} {
		c.call(t, operation, in{"HostedZoneId": zone, "Name": "key"})
	}
}
