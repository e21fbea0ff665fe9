package r53server

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/zone"
)

func changeRequest(body string) *request {
	return &request{operation: "ChangeResourceRecordSets", body: []byte(body)}
}

// batchOf wraps a record set, as clients send it, in a batch of one UPSERT.
func batchOf(recordSet string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><ChangeResourceRecordSetsRequest xmlns="` + namespace +
		`"><ChangeBatch><Changes><Change>` +
		`<Action>UPSERT</Action><ResourceRecordSet>` + recordSet +
		`</ResourceRecordSet></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`
}

func ptr[T any](v T) *T { return &v }

func TestDecodeRecordSets(t *testing.T) {
	for _, tt := range []struct {
		name, xml string
		want      zone.ResourceRecordSet
	}{
		{
			"simple",
			`<Name>www.Example.com</Name><Type>A</Type><TTL>60</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value>` +
				`</ResourceRecord><ResourceRecord><Value>192.0.2.2</Value></ResourceRecord></ResourceRecords>`,
			zone.ResourceRecordSet{Name: "www.example.com.", Type: zone.A, TTL: ptr(int64(60)),
				ResourceRecords: []string{"192.0.2.1", "192.0.2.2"}},
		},
		{
			"alphabetical members of the Go SDK, r53: G.1 rule 17",
			`<AliasTarget><DNSName>lb.eu-west-1.elb.amazonaws.com</DNSName><EvaluateTargetHealth>true</EvaluateTargetHealth>` +
				`<HostedZoneId>Z32O12XQLNTSW2</HostedZoneId></AliasTarget><HealthCheckId>abc</HealthCheckId>` +
				`<Name>app1.example.com</Name><Region>eu-west-1</Region><SetIdentifier>eu</SetIdentifier><Type>A</Type>`,
			zone.ResourceRecordSet{Name: "app1.example.com.", Type: zone.A, SetIdentifier: "eu", Region: "eu-west-1",
				HealthCheckID: "abc",
				AliasTarget: &zone.AliasTarget{HostedZoneID: "Z32O12XQLNTSW2", DNSName: "lb.eu-west-1.elb.amazonaws.com.",
					EvaluateTargetHealth: true}},
		},
		{
			"weight zero is not an absent weight; wildcard as \\052, r53: C.7",
			`<Name>*.example.com</Name><Type>TXT</Type><SetIdentifier>0</SetIdentifier><Weight>0</Weight><TTL>0</TTL>` +
				`<ResourceRecords><ResourceRecord><Value>" a&lt;b "</Value></ResourceRecord></ResourceRecords>`,
			zone.ResourceRecordSet{Name: `\052.example.com.`, Type: zone.TXT, SetIdentifier: "0", Weight: ptr(int64(0)),
				TTL: ptr(int64(0)), ResourceRecords: []string{`" a<b "`}},
		},
		{
			"failover, prefix on the alias zone, r53: C.1",
			`<Name>a.example.com</Name><Type>AAAA</Type><SetIdentifier>p</SetIdentifier><Failover>PRIMARY</Failover>` +
				`<AliasTarget><HostedZoneId>/hostedzone/Z1</HostedZoneId><DNSName>b.example.com</DNSName>` +
				`<EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget>`,
			zone.ResourceRecordSet{Name: "a.example.com.", Type: zone.AAAA, SetIdentifier: "p", Failover: zone.Primary,
				AliasTarget: &zone.AliasTarget{HostedZoneID: "Z1", DNSName: "b.example.com."}},
		},
		{
			"multivalue",
			`<Name>a.example.com</Name><Type>A</Type><SetIdentifier>1</SetIdentifier>` +
				`<MultiValueAnswer>true</MultiValueAnswer><TTL>30</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value>` +
				`</ResourceRecord></ResourceRecords>`,
			zone.ResourceRecordSet{Name: "a.example.com.", Type: zone.A, SetIdentifier: "1", MultiValueAnswer: true,
				TTL: ptr(int64(30)), ResourceRecords: []string{"192.0.2.1"}},
		},
		{
			"MultiValueAnswer=false counts as absent, r53: C.6",
			`<Name>a.example.com</Name><Type>A</Type><MultiValueAnswer>false</MultiValueAnswer><TTL>30</TTL><ResourceRecords>` +
				`<ResourceRecord><Value>192.0.2.1</Value></ResourceRecord></ResourceRecords>`,
			zone.ResourceRecordSet{Name: "a.example.com.", Type: zone.A, TTL: ptr(int64(30)),
				ResourceRecords: []string{"192.0.2.1"}},
		},
		{
			"an empty list is not an absent one, r53: C.6",
			`<Name>a.example.com</Name><Type>A</Type><ResourceRecords/>`,
			zone.ResourceRecordSet{Name: "a.example.com.", Type: zone.A, ResourceRecords: []string{}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for form, body := range map[string]string{
				"as sent":      batchOf(tt.xml),
				"no namespace": strings.Replace(batchOf(tt.xml), ` xmlns="`+namespace+`"`, "", 1),
				"no prolog":    strings.TrimPrefix(batchOf(tt.xml), `<?xml version="1.0" encoding="UTF-8"?>`),
				"prefixed": strings.NewReplacer("<?", "<?", "</", "</r:", "<", "<r:", "xmlns=",
					"xmlns:r=").Replace(batchOf(tt.xml)),
				"indented": strings.NewReplacer("<Change>", "\n  <Change>\n", "<Type>",
					"\n\t<!-- a type --><Type>").Replace(batchOf(tt.xml)),
				"with BOM": "\ufeff" + batchOf(tt.xml),
			} {
				_, changes, err := decodeChangeBatch(changeRequest(body))
				if err != nil {
					t.Fatalf("%s: %v", form, err)
				}
				if diff := cmp.Diff([]zone.Change{{Action: zone.Upsert, ResourceRecordSet: tt.want}}, changes); diff != "" {
					t.Errorf("%s (-want +got):\n%s", form, diff)
				}
			}
		})
	}
}

func TestDecodeRefusals(t *testing.T) {
	const simple = `<Name>a.example.com</Name><Type>A</Type><TTL>60</TTL><ResourceRecords><ResourceRecord>` +
		`<Value>192.0.2.1</Value></ResourceRecord></ResourceRecords>`
	with := func(old, new string) string { return batchOf(strings.Replace(simple, old, new, 1)) }
	for _, tt := range []struct {
		name, body string
		code, text string
	}{
		{"empty body", "", "InvalidInput", "Invalid XML ; the request body is not a well-formed document: the body has no " +
			"element"},
		{"not XML", `{"ChangeBatch": {}}`, "InvalidInput", "text outside of the root element"},
		{"cut off", `<ChangeResourceRecordSetsRequest><ChangeBatch>`, "InvalidInput", "not a well-formed document"},
		{"two roots", batchOf(simple) + "<a/>", "InvalidInput", "a second root element 'a'"},
		{"document type", `<!DOCTYPE a [<!ENTITY b "c">]>` + batchOf(simple)[38:], "InvalidInput",
			"document type declaration is not accepted"},
		{"too deep", strings.Repeat("<a>", 17), "InvalidInput", "more than 16 within each other"},
		{"too many elements", "<a>" + strings.Repeat("<a/>", 100_000), "InvalidInput", "more than 100000 elements"},
		{"another root", strings.ReplaceAll(batchOf(simple), "ChangeResourceRecordSetsRequest", "ChangeRequest"),
			"InvalidInput", "cvc-elt.1: Cannot find the declaration of element 'ChangeRequest'"},
		{"unknown member, r53: C.1", with("<TTL>", "<Ttl>60</Ttl><TTL>"), "InvalidInput",
			"Invalid XML ; cvc-complex-type.2.4.a: Invalid content was found starting with element 'Ttl'"},
		{"member twice", with("<TTL>", "<TTL>1</TTL><TTL>"), "InvalidInput", "starting with element 'TTL'"},
		{"unknown list item", with("<ResourceRecord>", "<Record/><ResourceRecord>"), "InvalidInput",
			"element 'Record' in 'ResourceRecords'. One of '{ResourceRecord}' is expected."},
		{"missing name", with("<Name>a.example.com</Name>", ""), "InvalidInput",
			"cvc-complex-type.2.4.b: The content of element 'ResourceRecordSet' is not complete. One of '{Name}' is expected."},
		{"missing value", with("<Value>192.0.2.1</Value>", ""), "InvalidInput",
			"'ResourceRecord' is not complete. One of '{Value}'"},
		{"text among members", with("<TTL>", "60<TTL>"), "InvalidInput", "Element 'ResourceRecordSet' cannot have " +
			"character content"},
		{"text instead of members", strings.Replace(batchOf(""), "<ResourceRecordSet>", "<ResourceRecordSet>a", 1),
			"InvalidInput", "cannot have character content"},
		{"members in a text", with("60", "<a/>"), "InvalidInput", "Element 'TTL' must have no element children, but has 'a'"},
		{"no changes", `<ChangeResourceRecordSetsRequest><ChangeBatch><Changes/></ChangeBatch>` +
			`</ChangeResourceRecordSetsRequest>`, "InvalidInput", "'Changes' is not complete. One of '{Change}'"},
		{"no batch", `<ChangeResourceRecordSetsRequest/>`, "InvalidInput", "One of '{ChangeBatch}' is expected"},
		{"action", strings.Replace(batchOf(simple), "UPSERT", "REPLACE", 1), "InvalidInput",
			"cvc-enumeration-valid: Value 'REPLACE' is not facet-valid with respect to enumeration '[CREATE, DELETE, UPSERT]'"},
		{"type", with("<Type>A<", "<Type>ANY<"), "InvalidInput", "Value 'ANY' is not facet-valid with respect to " +
			"enumeration '[SOA, A, TXT, NS,"},
		{"failover role", with("<TTL>", "<Failover>TERTIARY</Failover><TTL>"), "InvalidInput", "'[PRIMARY, SECONDARY]'"},
		{"TTL no number", with("60", "1m"), "InvalidInput", "'1m' is not a valid value for 'integer' in 'TTL'"},
		{"no boolean", with("<TTL>", "<MultiValueAnswer>yes</MultiValueAnswer><TTL>"), "InvalidInput",
			"'yes' is not a valid value for 'boolean'"},
		{"empty identifier", with("<TTL>", "<SetIdentifier></SetIdentifier><TTL>"), "InvalidInput",
			"1 validation error detected: Value '' at 'setIdentifier' failed to satisfy constraint: Member must have length " +
				"greater than or equal to 1"},
		{"empty health check", with("<TTL>", "<HealthCheckId/><TTL>"), "InvalidInput", "at 'healthCheckId'"},
		{"long comment", strings.Replace(batchOf(simple), "<Changes>",
			"<Comment>"+strings.Repeat("é", 257)+"</Comment><Changes>", 1), "InvalidInput",
			"at 'comment' failed to satisfy constraint: Member must have length less than or equal to 256"},
		{"alias without health", batchOf(`<Name>a</Name><Type>A</Type><AliasTarget><HostedZoneId>Z</HostedZoneId>` +
			`<DNSName>b</DNSName></AliasTarget>`), "InvalidInput", "One of '{EvaluateTargetHealth}' is expected"},
		{"name", with("a.example.com", "a..example.com"), "InvalidChangeBatch",
			"[FATAL problem: DomainLabelEmpty (Domain label is empty) encountered with 'a..example.com']"},
		{"a location with an unknown member", with("<TTL>", "<GeoLocation><Country>DE</Country></GeoLocation><TTL>"),
			"InvalidInput",
			"Invalid content was found starting with element 'Country' in 'GeoLocation'. One of '{ContinentCode, " +
				"CountryCode, SubdivisionCode}' is expected."},
		{"half of the coordinates", with("<TTL>",
			"<GeoProximityLocation><Coordinates><Latitude>1</Latitude></Coordinates></GeoProximityLocation><TTL>"),
			"InvalidInput",
			"The content of element 'Coordinates' is not complete. One of '{Longitude}' is expected."},
		{"a collection without its id",
			with("<TTL>", "<CidrRoutingConfig><LocationName>*</LocationName></CidrRoutingConfig><TTL>"), "InvalidInput",
			"The content of element 'CidrRoutingConfig' is not complete. One of '{CollectionId}' is expected."},
		{"traffic policy", with("<TTL>", "<TrafficPolicyInstanceId>x</TrafficPolicyInstanceId><TTL>"), "InvalidInput",
			"TrafficPolicyInstanceId in Change with [Action=UPSERT, Name=a.example.com, Type=A, SetIdentifier=null]: traffic " +
				"policies are not available"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := decodeChangeBatch(changeRequest(tt.body))
			if err == nil {
				t.Fatal("accepted")
			}
			got, _ := translate(err)
			if string(got.code) != tt.code || got.status != 400 || !strings.Contains(got.message, tt.text) {
				t.Errorf("refused with %d %v\nwant %s: …%s…", got.status, got, tt.code, tt.text)
			}
		})
	}
}

func TestDecodeHealthCheckConfig(t *testing.T) {
	const body = `<UpdateHealthCheckRequest><ChildHealthChecks><ChildHealthCheck>a</ChildHealthCheck>` +
		`<ChildHealthCheck>b</ChildHealthCheck></ChildHealthChecks>` +
		`<Disabled>true</Disabled><EnableSNI>0</EnableSNI><FailureThreshold> 5 </FailureThreshold>` +
		`<FullyQualifiedDomainName>e.example</FullyQualifiedDomainName>` +
		`<HealthThreshold>0</HealthThreshold><IPAddress>192.0.2.1</IPAddress><Inverted>false</Inverted><Port>8080</Port>` +
		`<Regions/>` +
		`<ResourcePath>/h?a=b&amp;c</ResourcePath><SearchString> ok </SearchString></UpdateHealthCheckRequest>`
	d, in := decode(&request{operation: "UpdateHealthCheck", body: []byte(body)}, configMembers()...)
	got := decodeConfig(in)
	if d.err != nil {
		t.Fatal(d.err)
	}
	want := health.Config{
		ChildHealthChecks: []string{"a", "b"}, Disabled: ptr(true), EnableSNI: ptr(false), FailureThreshold: ptr(5),
		FullyQualifiedDomainName: "e.example", HealthThreshold: ptr(0), IPAddress: "192.0.2.1", Inverted: ptr(false),
		Port:         ptr(8080),
		ResourcePath: "/h?a=b&c", SearchString: " ok ",
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}

// Whatever a client sends is decoded or refused as InvalidInput or InvalidChangeBatch; what is decoded encodes again
// and decodes to the same.
func FuzzDecodeChangeBatch(f *testing.F) {
	f.Add(batchOf(`<Name>a.example.com</Name><Type>A</Type><TTL>60</TTL><ResourceRecords><ResourceRecord>` +
		`<Value>192.0.2.1</Value></ResourceRecord></ResourceRecords>`))
	f.Add(batchOf(`<Name>*.b</Name><Type>A</Type><SetIdentifier>s</SetIdentifier><Weight>7</Weight><AliasTarget>` +
		`<HostedZoneId>Z</HostedZoneId><DNSName>b</DNSName><EvaluateTargetHealth>1</EvaluateTargetHealth></AliasTarget>`))
	f.Add(batchOf(`<Name>\052.b</Name><Type>MX</Type><SetIdentifier>&#x9;&lt;é</SetIdentifier>` +
		`<Failover>SECONDARY</Failover><Region>r</Region><MultiValueAnswer>true</MultiValueAnswer>` +
		`<HealthCheckId>h</HealthCheckId>`))
	f.Add(`<ChangeResourceRecordSetsRequest><ChangeBatch><Comment><![CDATA[<a>]]></Comment><Changes/></ChangeBatch>` +
		`</ChangeResourceRecordSetsRequest>`)
	f.Add(`<!DOCTYPE a>`)
	f.Fuzz(func(t *testing.T, body string) {
		_, changes, err := decodeChangeBatch(changeRequest(body))
		if err != nil {
			got, known := translate(err)
			if !known || got.status != 400 || got.message == "" {
				t.Fatalf("refused with %d %v", got.status, got)
			}
			if err := wellFormed(encode("ErrorResponse", errorResponse{Error: errorDetail{Message: got.message}})); err != nil {
				t.Fatalf("the refusal is not well-formed: %v", err)
			}
			return
		}
		var again strings.Builder
		for _, c := range changes {
			shape := encode("ResourceRecordSet", resourceRecordSetShape(&c.ResourceRecordSet))
			_, set, _ := strings.Cut(string(shape), "?>")
			fmt.Fprintf(&again, "<Change><Action>%s</Action>%s</Change>", c.Action, set)
		}
		_, decoded, err := decodeChangeBatch(changeRequest(
			"<ChangeResourceRecordSetsRequest><ChangeBatch><Changes>" + again.String() +
				"</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>"))
		if err != nil {
			t.Fatalf("own encoding refused: %v\n%s", err, again.String())
		}
		if diff := cmp.Diff(changes, decoded, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("decoded again (-first +second):\n%s", diff)
		}
	})
}

func wellFormed(document []byte) error {
	root, err := parse(document)
	if err == nil && root.name != "ErrorResponse" {
		err = errors.New("root is " + root.name)
	}
	return err
}
