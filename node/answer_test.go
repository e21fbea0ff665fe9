package node_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/bulkhead-dns/bulkhead/node"
)

// TestDNSAnswer tells what DNS answers, by the blocks of a CIDR collection and by health. r53: A.8, C.2.
func TestDNSAnswerIsWhatDNSAnswers(t *testing.T) {
	n := start(t, node.Options{DataDir: t.TempDir(), Name: "n"})
	zoneID := n.createZone(t)
	collection, err := n.api.CreateCidrCollection(t.Context(), &route53.CreateCidrCollectionInput{Name: aws.String("offices"), CallerReference: aws.String("1")})
	if err != nil {
		t.Fatal(err)
	}
	id := collection.Collection.Id
	move := func(to string) {
		t.Helper()
		put := types.CidrCollectionChange{Action: types.CidrCollectionChangeActionPut, LocationName: &to, CidrList: []string{"127.0.0.0/8"}}
		if _, err := n.api.ChangeCidrCollection(t.Context(), &route53.ChangeCidrCollectionInput{Id: id, Changes: []types.CidrCollectionChange{put}}); err != nil {
			t.Fatal(err)
		}
	}
	move("here")
	url, broken := switchable(t)
	check := n.check(t, "c", url)
	member := func(location, value string) types.ResourceRecordSet {
		s := types.ResourceRecordSet{
			Name: aws.String("app.example.com"), Type: types.RRTypeA, SetIdentifier: &location, TTL: aws.Int64(60),
			CidrRoutingConfig: &types.CidrRoutingConfig{CollectionId: id, LocationName: &location},
			ResourceRecords:   []types.ResourceRecord{{Value: &value}},
		}
		return s
	}
	here := member("here", "192.0.2.1")
	here.HealthCheckId = &check
	n.change(t, zoneID, here, member("*", "192.0.2.9"))

	test := func(resolver string) []string {
		t.Helper()
		out, err := n.api.TestDNSAnswer(t.Context(), &route53.TestDNSAnswerInput{
			HostedZoneId: &zoneID, RecordName: aws.String("app.example.com"), RecordType: types.RRTypeA, ResolverIP: &resolver,
		})
		if err != nil {
			t.Fatal(err)
		}
		if *out.ResponseCode != "NOERROR" || *out.Protocol != "UDP" || *out.RecordName != "app.example.com" {
			t.Errorf("reply %s, %s, %s", *out.ResponseCode, *out.Protocol, *out.RecordName)
		}
		return out.RecordData
	}
	if diff := cmp.Diff([]string{"192.0.2.1"}, test("127.0.0.1")); diff != "" {
		t.Errorf("a client in the block (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"192.0.2.9"}, test("8.8.8.8")); diff != "" {
		t.Errorf("a client outside of it (-want +got):\n%s", diff)
	}
	if got := n.ask(t, "app.example.com.", dns.TypeA); got != "192.0.2.1" {
		t.Errorf("DNS answers %q, want 192.0.2.1", got)
	}
	broken.Store(true)
	eventually(t, "DNS answers with the default", func() bool { return n.ask(t, "app.example.com.", dns.TypeA) == "192.0.2.9" })
	if diff := cmp.Diff([]string{"192.0.2.9"}, test("127.0.0.1")); diff != "" {
		t.Errorf("after the failure (-want +got):\n%s", diff)
	}
}
