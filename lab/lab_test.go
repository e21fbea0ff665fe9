package lab

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

// startLab runs a lab on free ports until stop is called, at the latest at the end of the test.
func startLab(t *testing.T, o Options) (l *Lab, stop func()) {
	t.Helper()
	o.HTTPAddr, o.DNSAddr, o.AnyPort = "127.0.0.1:0", "127.0.0.1:0", true
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	select {
	case <-l.Ready():
	case err := <-ended:
		stopped = true
		cancel()
		t.Fatalf("the lab ended before it was ready: %v", err)
	}
	return l, stop
}

// resolve asks the lab's DNS as a client from a network would, and returns the address.
func resolve(t *testing.T, l *Lab, name, network string) string {
	t.Helper()
	subnet := netip.MustParsePrefix(network)
	query := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA).SetEdns0(1232, false)
	query.IsEdns0().Option = append(query.IsEdns0().Option, &dns.EDNS0_SUBNET{
		Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: uint8(subnet.Bits()), Address: subnet.Addr().AsSlice(),
	})
	answer, err := dns.Exchange(query, l.Node().DNSAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Answer) != 1 {
		t.Fatalf("%s is answered with %v, want one address", name, answer.Answer)
	}
	return answer.Answer[0].(*dns.A).A.String()
}

const (
	nearWest, nearCentral = "10.1.2.0/24", "10.2.2.0/24"
	west, central         = "127.10.1.1", "127.10.2.1"
)

// The promise of the lab: app1 fails over from Region to Region, app2 behind the same load balancers stays; and a
// restart keeps it so.
func TestOneApplicationFailsOverAndItsNeighbourStays(t *testing.T) {
	o := Options{DataDir: t.TempDir(), Interval: 1, Threshold: 1}
	l, stop := startLab(t, o)
	for _, app := range []string{app1Host, app2Host} {
		if got := resolve(t, l, app, nearWest); got != west {
			t.Errorf("%s near eu-west-1 is %s, want %s", app, got, west)
		}
		if got := resolve(t, l, app, nearCentral); got != central {
			t.Errorf("%s near eu-central-1 is %s, want %s", app, got, central)
		}
	}
	if err := l.Scale(t.Context(), "app1", "eu-west-1", 0); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "app1 to fail over", func() bool { return resolve(t, l, app1Host, nearWest) == central })
	if got := resolve(t, l, app2Host, nearWest); got != west {
		t.Errorf("the neighbour moved to %s", got)
	}
	before := l.ZoneRecords()[0]
	if len(before.Records) != 4 {
		t.Errorf("%+v, want four records", before)
	}
	stop()

	l, _ = startLab(t, o)
	if diff := cmp.Diff(ids(before), ids(l.ZoneRecords()[0])); diff != "" {
		t.Errorf("objects after a restart (-before +after):\n%s", diff)
	}
	if got := l.Status().Regions[0].Applications[0].Replicas; got != 0 {
		t.Errorf("%d replicas of app1 after a restart, want still 0", got)
	}
	waitFor(t, "app1 to be elsewhere still", func() bool { return resolve(t, l, app1Host, nearWest) == central })
	if err := l.Scale(t.Context(), "app1", "eu-west-1", 2); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "app1 to come home", func() bool { return resolve(t, l, app1Host, nearWest) == west })
}

// ids are the ids of a zone and its health checks.
func ids(a ZoneRecords) []string {
	all := []string{a.HostedZoneID}
	for _, r := range a.Records {
		all = append(all, r.HealthCheckID)
	}
	return all
}

// routing shows the address records of the zone as the API lists them: name, set identifier, check or target health.
func routing(t *testing.T, client *route53.Client, zoneID string) []string {
	t.Helper()
	out, err := client.ListResourceRecordSets(t.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: &zoneID})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, s := range out.ResourceRecordSets {
		if s.Type != types.RRTypeA {
			continue
		}
		how := "check " + aws.ToString(s.HealthCheckId)
		if s.AliasTarget.EvaluateTargetHealth {
			how = "target health" + aws.ToString(s.HealthCheckId)
		}
		all = append(all, strings.Join([]string{*s.Name, *s.SetIdentifier, how}, " "))
	}
	return all
}

func byChecks(a ZoneRecords) []string {
	var all []string
	for _, r := range a.Records {
		all = append(all, r.Name+" "+r.Region+" check "+r.HealthCheckID)
	}
	slices.Sort(all)
	return all
}

func TestZoneRecordsAreMadeOnceCompletedAndRewritten(t *testing.T) {
	l, _ := startLab(t, Options{DataDir: t.TempDir(), Empty: true, Interval: 1})
	ctx, client := t.Context(), l.Route53()
	if got := l.ZoneRecords(); len(got) > 0 {
		t.Errorf("an empty lab has the records %+v", got)
	}
	o := ZoneRecordsOptions{Zone: ZoneName, Placements: l.placements("example.com"), RequestInterval: 1,
		FailureThreshold: 3}
	ensure := func() ZoneRecords {
		t.Helper()
		a, err := EnsureZoneRecords(ctx, client, o)
		if err != nil {
			t.Fatal(err)
		}
		checks, err := listLabChecks(ctx, client)
		if err != nil {
			t.Fatal(err)
		}
		for reference, list := range checks {
			if len(list) != 1 {
				t.Errorf("%d health checks %s, want one", len(list), reference)
			}
		}
		return a
	}
	expect := func(what string, want, got any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}

	// A run that ended after the zone and one check is completed.
	zoneID, err := ensureZone(ctx, client, ZoneName)
	if err != nil {
		t.Fatal(err)
	}
	lb := l.LoadBalancers()[0]
	first, err := ensureCheck(ctx, client, nil, callerReference("app1", lb.Region), checkConfig(Applications()[0], lb, o))
	if err != nil {
		t.Fatal(err)
	}
	a := ensure()
	expect("what was there", []string{zoneID, first}, ids(a)[:2])
	expect("records", byChecks(a), routing(t, client, zoneID))
	expect("a second run", ids(a), ids(ensure()))

	// The old way, and back; a further run touches neither.
	if err := a.UseTargetHealth(ctx, client); err != nil {
		t.Fatal(err)
	}
	old := routing(t, client, zoneID)
	expect("the old way", []string{
		"app1.example.com. eu-central-1 target health", "app1.example.com. eu-west-1 target health",
		"app2.example.com. eu-central-1 target health", "app2.example.com. eu-west-1 target health",
	}, old)
	ensure()
	expect("records that are somebody's work", old, routing(t, client, zoneID))
	if err := a.UseHealthChecks(ctx, client); err != nil {
		t.Fatal(err)
	}
	expect("back again", byChecks(a), routing(t, client, zoneID))

	// A threshold is updated in place; an interval needs new checks, and may come back.
	o.FailureThreshold = 2
	expect("checks with a new threshold", ids(a), ids(ensure()))
	for _, interval := range []int{2, 1} {
		o.RequestInterval = interval
		next := ensure()
		if next.Records[0].HealthCheckID == a.Records[0].HealthCheckID {
			t.Errorf("interval %d: the check is still %s", interval, a.Records[0].HealthCheckID)
		}
		expect("records with new checks", byChecks(next), routing(t, client, zoneID))
		a = next
	}
}
