package apply

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Whatever texts a policy has: if Validate accepts it, its health check, tags and record sets come back from the engine
// as they were sent by the SDK. What comes back otherwise would be planned again for ever.
func TestWhatIsAcceptedComesBackAsItWasSent(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	client, z := e.client(t, &wire{}), e.createZone(t, "echo.example")
	r := rand.New(rand.NewPCG(11, 1))
	facts := failover.Facts{Provider: failover.Engine, Zones: []zone.HostedZone{z}}
	accepted, odd, ids, sets := 0, 0, map[string]string{}, map[zone.Key]zone.ResourceRecordSet{}
	for i := range 600 {
		p := oddPolicy(r, i)
		state, _, err := failover.Compile([]failover.Policy{p}, nil, facts)
		if err != nil {
			continue
		}
		accepted++
		if p.Spec.HealthCheck.SearchString != strings.Map(printable, p.Spec.HealthCheck.SearchString) {
			odd++
		}
		for _, want := range state.Checks {
			out, err := client.CreateHealthCheck(t.Context(), &route53.CreateHealthCheckInput{
				CallerReference: aws.String(plan.CallerReference(want.Key, 1)), HealthCheckConfig: sdkConfig(&want.Config)})
			if err != nil {
				t.Fatalf("%+v: %v", want.Config, err)
			}
			id := out.HealthCheck.Id
			ids[want.Key] = *id
			if _, err := client.ChangeTagsForResource(t.Context(),
				&route53.ChangeTagsForResourceInput{ResourceType: types.TagResourceTypeHealthcheck,
					ResourceId: id, AddTags: sdkTags(want.Tags)}); err != nil {
				t.Fatal(err)
			}
			echo, err := client.GetHealthCheck(t.Context(), &route53.GetHealthCheckInput{HealthCheckId: id})
			if err != nil {
				t.Fatal(err)
			}
			got := checkOf(echo.HealthCheck)
			if !plan.SameConfig(want.Config, got.Config) || got.CallerReference != plan.CallerReference(want.Key, 1) {
				t.Errorf("%+v\ncame back as\n%+v", want.Config, got.Config)
			}
			tags, err := client.ListTagsForResource(t.Context(),
				&route53.ListTagsForResourceInput{ResourceType: types.TagResourceTypeHealthcheck, ResourceId: id})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.Tags, tagsOf(tags.ResourceTagSet.Tags)); diff != "" {
				t.Errorf("tags: want -, got +\n%s", diff)
			}
		}
		var changes []types.Change
		for _, record := range state.Records {
			record.Set.HealthCheckID = ids[record.CheckKey]
			sets[record.Set.Key()] = record.Set
			changes = append(changes, types.Change{Action: types.ChangeActionCreate, ResourceRecordSet: sdkSet(&record.Set)})
		}
		if _, err := client.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{HostedZoneId: &z.ID,
			ChangeBatch: &types.ChangeBatch{Changes: changes}}); err != nil {
			t.Fatalf("%+v: %v", state.Records, err)
		}
	}
	pages := route53.NewListResourceRecordSetsPaginator(client, &route53.ListResourceRecordSetsInput{HostedZoneId: &z.ID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range page.ResourceRecordSets {
			got, _, err := setOf(&page.ResourceRecordSets[i])
			if err != nil {
				t.Fatal(err)
			}
			if want, ours := sets[got.Key()]; ours {
				delete(sets, got.Key())
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%v: want -, got +\n%s", got.Key(), diff)
				}
			}
		}
	}
	for key := range sets {
		t.Errorf("%v did not come back", key)
	}
	if accepted < 100 || odd < 50 {
		t.Errorf("%d policies were accepted, %d of them with odd texts: that shows nothing", accepted, odd)
	}
}

func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return -1
	}
	return r
}

// oddPolicy has texts that parsers, printers and people treat in several ways.
func oddPolicy(r *rand.Rand, i int) failover.Policy {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	text := func() string {
		var b strings.Builder
		for range 1 + r.IntN(4) {
			switch r.IntN(3) {
			case 0:
				b.WriteString(pick("a", "ok", "&amp;", "<b>", "]]>", `"x": 1`, "'", "%00", `\`, "+", "grün", "\U0001f600",
					"e\u0301", "\u00e9"))
			case 1:
				b.WriteString(pick(" ", "\t", "\n", "\r\n", "\r", "\u0085", "\u2028", "\u00a0", "\u200b", "\ufeff", "\u202e"))
			default:
				b.WriteString(pick("\x00", "\x01", "\x1f", "\x7f", "\u009f", "\ufffd", "\ufffe", "\uffff", "\U0001ffff", "\xff",
					"\xed\xa0\x80", "\U0010ffff"))
			}
		}
		return b.String()
	}
	p := failover.Policy{APIVersion: failover.APIVersion, Kind: failover.PolicyKind,
		Metadata: failover.Metadata{Namespace: "team-a", Name: fmt.Sprint("p", i)}}
	p.Spec.Hostname = pick("", "A") + fmt.Sprint("h", i) + pick("", "_x", "-x", "\u00e9") + ".echo.example" + pick("", ".")
	p.Spec.HealthCheck = failover.HealthCheck{Type: pick("", "HTTP", "HTTPS_STR_MATCH"), Port: new(80)}
	if r.IntN(4) > 0 {
		p.Spec.HealthCheck.SearchString = text()
	}
	if r.IntN(3) == 0 {
		p.Spec.HealthCheck.Path = "/" + pick("", "x?a=b&c=<d>", "%C3%BC", text())
	}
	p.Spec.Routing.Policy = pick(failover.Latency, failover.Weighted, failover.Multivalue, failover.Failover)
	addresses := []string{pick("93.184.216.34", "93.184.216.35"),
		pick("2606:2800:220:1::1", "2606:2800:0220:0001:0000::0001", "2606:2800:220:1::BEEF")}
	p.Spec.Regions = []failover.Region{{Name: "eu-west-1", Addresses: addresses},
		{Name: "us-east-1", Addresses: addresses[:1]}}
	if p.Spec.Routing.Policy != failover.Latency {
		p.Spec.Regions[0].Name = pick("eu-west-1", "x.y", "0")
	}
	if p.Spec.Routing.Policy != failover.Multivalue && r.IntN(2) == 0 {
		p.Spec.Regions[0].Addresses = nil
		p.Spec.Regions[0].LoadBalancer = &failover.LoadBalancer{DNSName: pick("", "dualstack.", "DUALSTACK.") +
			pick("lb-1", "LB-1", "l_b", "l b", "l\u00e9") + ".eu-west-1.elb.amazonaws.com" + pick("", ".")}
	}
	if r.IntN(4) == 0 {
		p.Spec.HealthCheck.HostHeader = pick("x.example.net", "X.Example.NET.", "x y", "x\x01.example.net",
			"gr\u00fcn.example.net")
	}
	return p
}
