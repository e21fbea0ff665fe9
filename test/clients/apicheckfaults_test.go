package clients_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// A judge that sees nothing would agree with everything: each of these replies has one fault, and it is told.
func TestTheJudgeSeesEveryKindOfDeviation(t *testing.T) {
	model := loadModel(t)
	const page = `<?xml version="1.0"?>` + "\n" + `<ListHealthChecksResponse xmlns="` + namespace +
		`"><HealthChecks><HealthCheck>` +
		`<Id>00000000-0000-0000-0000-000000000000</Id><CallerReference>r</CallerReference>` +
		`<HealthCheckConfig><IPAddress>192.0.2.1</IPAddress><Port>80</Port><Type>HTTP</Type><Inverted>false</Inverted>` +
		`</HealthCheckConfig>` +
		`<HealthCheckVersion>1</HealthCheckVersion></HealthCheck></HealthChecks><Marker></Marker>` +
		`<IsTruncated>false</IsTruncated>` +
		`<MaxItems>100</MaxItems></ListHealthChecksResponse>`
	const refusal = `<?xml version="1.0"?>` + "\n" + `<ErrorResponse xmlns="` + namespace +
		`"><Error><Type>Sender</Type>` +
		`<Code>IncompatibleVersion</Code><Message>m</Message></Error><RequestId>id</RequestId></ErrorResponse>`
	judged := func(status int, body string) []string {
		j := judge{model: model}
		j.reply("ListHealthChecks", wireReply{status, http.Header{"Content-Type": {"text/xml"},
			"X-Amzn-Requestid": {"id"}}, []byte(body)})
		return j.deviations
	}
	if got := append(judged(200, page), judged(400, refusal)...); len(got) > 0 {
		t.Fatalf("right replies are said to deviate: %q", got)
	}
	for _, c := range []struct{ body, old, new, want string }{
		{page, `<?xml version="1.0"?>`, "", "no XML declaration"},
		{page, namespace, "urn:other", "namespace"},
		{page, "ListHealthChecksResponse", "Response", "root element Response"},
		{page, "<MaxItems>100</MaxItems>", "", "required member MaxItems is missing"},
		{page, "<Marker></Marker><IsTruncated>false</IsTruncated>", "<IsTruncated>false</IsTruncated><Marker></Marker>",
			"Marker after IsTruncated"},
		{page, "<Marker></Marker>", "<Marker></Marker><Marker></Marker>", "Marker twice"},
		{page, "<Marker></Marker>", "<Marker></Marker><Extra/>", "unknown element Extra"},
		{page, "<Marker></Marker>", " text <Marker></Marker>", "text"},
		{page, "<HealthCheck>", `<HealthCheck a="b">`, "attribute a"},
		{page, "<IsTruncated>false", "<IsTruncated>False", `"False" is no boolean`},
		{page, "<Port>80", "<Port>080", `"080" is no integer`},
		{page, "<Port>80", "<Port>70000", "value 70000, max 65535"},
		{page, "<Type>HTTP", "<Type>ICMP", `"ICMP" is not one of its values`},
		{page, "192.0.2.1", "192.0.2.256", "does not match"},
		{page, "<CallerReference>r", "<CallerReference>", "length 0, min 1"},
		{refusal, "<Type>Sender</Type>", "", "an error of the elements"},
		{refusal, "Sender", "Receiver", `Type "Receiver", want "Sender"`},
		{refusal, "IncompatibleVersion", "NoSuchHostedZone", "the operation has no such error"},
		{refusal, "IncompatibleVersion", "Throttling", ""}, // every operation may answer this
		{refusal, "<Message>m", "<Message>", "no message"},
		{refusal, "<RequestId>id", "<RequestId>other", "RequestId"},
	} {
		status := 200
		if c.body == refusal {
			status = 400
		}
		got := judged(status, strings.ReplaceAll(strings.ReplaceAll(c.body, c.old, c.new), "</HealthCheck a",
			"</HealthCheck"))
		if c.want == "" && len(got) > 0 || c.want != "" && !slices.ContainsFunc(got,
			func(d string) bool { return strings.Contains(d, c.want) }) {
			t.Errorf("%s in place of %s: told %q, want %q", c.new, c.old, got, c.want)
		}
	}
	if got := judged(404, refusal); len(got) != 1 || !strings.Contains(got[0], "status 404, want 400") {
		t.Errorf("a wrong status: told %q", got)
	}
	const change = `<?xml version="1.0"?><GetChangeResponse xmlns="` + namespace +
		`"><ChangeInfo><Id>/change/C1</Id><Status>INSYNC</Status>` +
		`<SubmittedAt>2026-11-22T15:30:38Z</SubmittedAt></ChangeInfo></GetChangeResponse>`
	j := judge{model: model}
	j.reply("GetChange", wireReply{200, http.Header{"Content-Type": {"text/xml"}, "X-Amzn-Requestid": {"id"}},
		[]byte(change)})
	if len(j.deviations) != 1 || !strings.Contains(j.deviations[0], "no timestamp") {
		t.Errorf("a time without milliseconds: told %q", j.deviations)
	}
}
