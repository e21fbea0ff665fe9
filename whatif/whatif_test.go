package whatif_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/whatif"
	"github.com/bulkhead-dns/bulkhead/zone"
)

const west = "lb-1.eu-west-1.elb.amazonaws.com."

// input is one zone, example.com, with checks by id.
func input(checks []string, sets ...zone.ResourceRecordSet) whatif.Input {
	var in whatif.Input
	in.State.Zones = []zone.HostedZone{{ID: "Z1", Name: "example.com.", NameServers: []string{"ns1.example.net"}}}
	for _, id := range checks {
		in.State.Checks = append(in.State.Checks,
			plan.Check{ID: id, Config: health.Config{Type: health.HTTP, FullyQualifiedDomainName: "probe.example.net"}})
	}
	for _, s := range sets {
		in.State.Records = append(in.State.Records, plan.Record{ZoneID: "Z1", Set: s})
	}
	return in
}

// set is a record set of a latency group: an address, a load balancer, or a name of the zone behind "=".
func set(name, region, value, check string) zone.ResourceRecordSet {
	s := zone.ResourceRecordSet{Name: zone.Name(name + ".example.com."), Type: zone.A, SetIdentifier: region,
		Region: region, HealthCheckID: check}
	inside, isInside := strings.CutPrefix(value, "=")
	switch {
	case isInside:
		s.AliasTarget = &zone.AliasTarget{HostedZoneID: "Z1", DNSName: zone.Name(inside + ".example.com."),
			EvaluateTargetHealth: true}
	case strings.HasSuffix(value, "amazonaws.com."):
		id, _ := zone.CanonicalHostedZoneID("eu-west-1")
		s.AliasTarget = &zone.AliasTarget{HostedZoneID: id, DNSName: zone.Name(value), EvaluateTargetHealth: true}
	default:
		s.TTL, s.ResourceRecords = new(int64(60)), []string{value}
	}
	return s
}

func compiled(t *testing.T, in whatif.Input) (*whatif.Graph, *whatif.Zone) {
	t.Helper()
	gr := whatif.New(in)
	z := gr.Zones[0]
	if err := gr.Compile(z); err != nil {
		t.Fatal(err)
	}
	return gr, z
}

// picked tells the way of every client of a group.
func picked(gr *whatif.Graph, g *whatif.Group, s whatif.Supposition) (lines []string) {
	clients, _ := gr.Clients(g)
	for _, c := range clients {
		r := gr.Suppose(g.Zone, s).Ask(g, c, 1)[0]
		line := c.Place + ":"
		for _, p := range r.Picks {
			if m := g.Zone.Picked(p); m != nil {
				line += " " + m.String()
			}
		}
		if r.FailOpen {
			line += "!"
		}
		lines = append(lines, line)
	}
	return lines
}

// A failure is of all that a member listens to, at any depth, beside what has failed already. r53: A.3, A.4.
func TestSuppositions(t *testing.T) {
	in := input([]string{"c1", "c2"}, set("app", "eu-west-1", "=west", "c1"),
		set("app", "eu-central-1", "192.0.2.2", "c2"),
		set("west", "eu-west-1", west, ""))
	in.Reports = map[string][]health.Report{"c2": {{Check: "c2", Healthy: false}}}
	gr, z := compiled(t, in)
	g := z.Group("app.example.com.", zone.A)
	west, central := "app.example.com A eu-west-1 west.example.com A eu-west-1", "app.example.com A eu-central-1"
	member := g.Members[1] // in listing order
	for _, c := range []struct {
		name string
		s    whatif.Supposition
		want []string
	}{
		{"as checkers say", whatif.Supposition{}, []string{"near eu-central-1: " + west, "near eu-west-1: " + west}},
		{"all well", whatif.Supposition{Well: true}, []string{"near eu-central-1: " + central, "near eu-west-1: " + west}},
		{"one fails beside it", gr.Fail(whatif.Supposition{}, member),
			[]string{"near eu-central-1: " + central + "!", "near eu-west-1: " + west + "!"}},
		{"one fails alone", gr.Fail(whatif.Supposition{Well: true}, member),
			[]string{"near eu-central-1: " + central, "near eu-west-1: " + central}},
		{"its target fails", whatif.Supposition{Well: true,
			Targets: map[*whatif.Target]bool{gr.Targets["lb-1.eu-west-1.elb.amazonaws.com."]: true}},
			[]string{"near eu-central-1: " + central, "near eu-west-1: " + central}},
		{"a check fails", gr.FailCheck(whatif.Supposition{Well: true}, "c1"),
			[]string{"near eu-central-1: " + central, "near eu-west-1: " + central}},
		{"known verdicts", whatif.Supposition{Well: true, Known: map[string]bool{"c1": false}},
			[]string{"near eu-central-1: " + central, "near eu-west-1: " + central}},
	} {
		if diff := cmp.Diff(c.want, picked(gr, g, c.s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// Aliases that lead into a loop are known before anything is asked. r53: A.9.
func TestLoops(t *testing.T) {
	_, z := compiled(t, input(nil, set("a", "eu-west-1", "=b", ""), set("b", "eu-west-1", "=a", ""),
		set("c", "eu-west-1", "=a", ""),
		set("d", "eu-west-1", "192.0.2.1", "")))
	for _, g := range z.Groups {
		want := "<nil>"
		if g.Key.Name != "d.example.com." {
			want = fmt.Sprintf("the alias %s eu-west-1 leads into a loop", g)
		}
		if got := fmt.Sprint(g.Problem); got != want {
			t.Errorf("%s: %s, want %s", g, got, want)
		}
	}
}

// Users come to a group by the names from which aliases lead to it.
func TestHostnames(t *testing.T) {
	_, z := compiled(t, input(nil, set("www", "eu-west-1", "=app", ""), set("shop", "eu-west-1", "=app", ""),
		set("app", "eu-west-1", "192.0.2.1", "")))
	want := []string{"app.example.com", "shop.example.com", "www.example.com"}
	if diff := cmp.Diff(want, z.Group("app.example.com.", zone.A).Hostnames()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Places that contradict each other, or are put after a zone is compiled, make no error; a broken database does.
func TestPlaces(t *testing.T) {
	gr, z := compiled(t, input(nil, set("app", "eu-west-1", "192.0.2.1", ""), set("app", "mars", "192.0.2.2", "")))
	c, err := gr.Client(z, "us-east-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := gr.Compile(z); err != nil {
		t.Fatal(err)
	}
	g := z.Group("app.example.com.", zone.A)
	if trace := gr.Suppose(z, whatif.Supposition{}).Explain(g, c); trace.Place != "near us-east-1" {
		t.Errorf("found at %q", trace.Place)
	}
	in := input(nil, set("app", "eu-west-1", "192.0.2.1", ""))
	in.GeoIP = []byte("no database")
	broken := whatif.New(in)
	if err := broken.Compile(broken.Zones[0]); err == nil {
		t.Error("a broken database is no error")
	}
}

// simple is a record set without a routing policy.
func simple(name, address, check string) zone.ResourceRecordSet {
	s := set(name, "", address, check)
	s.SetIdentifier, s.Region = "", ""
	return s
}

// A failure is of endpoints: every check fails that looks at one of them, whoever cites it, and no other.
func TestFailureOfEndpoints(t *testing.T) {
	in := input([]string{"west", "central", "unknown", "name", "both", "other"},
		set("app", "eu-west-1", "192.0.2.1", "both"), set("app", "eu-central-1", "192.0.2.2", "unknown"),
		set("app", "us-east-1", "192.0.2.2", "name"),
		simple("west", "192.0.2.1", ""), simple("away", "192.0.2.1", "other"))
	for i, config := range []health.Config{
		{Type: health.TCP, IPAddress: "192.0.2.1"}, {Type: health.TCP, IPAddress: "192.0.2.2"},
		{Type: health.HTTP, FullyQualifiedDomainName: "probe.example.net"},
		{Type: health.HTTP, FullyQualifiedDomainName: "west.example.com"},
		{Type: health.Calculated, HealthThreshold: new(2), ChildHealthChecks: []string{"west", "central", "gone"}},
		{Type: health.TCP, IPAddress: "192.0.2.1"},
	} {
		in.State.Checks[i].Config = config
	}
	gr, z := compiled(t, in)
	members := map[string]*whatif.Member{}
	for _, m := range z.Group("app.example.com.", zone.A).Members {
		members[m.Set.Region] = m
	}
	for region, want := range map[string][]string{
		"eu-west-1":    {"name", "west"},
		"eu-central-1": {"central", "unknown"},
		"us-east-1":    {"central"}, // its check looks elsewhere
	} {
		got := slices.Sorted(maps.Keys(gr.Fail(whatif.Supposition{}, members[region]).Checks))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", region, diff)
		}
	}
	// A member that is supposed to be unhealthy is, whatever it has for a check.
	s := whatif.Supposition{Well: true, Unhealthy: map[*whatif.Member]bool{members["eu-west-1"]: true}}
	got := picked(gr, members["eu-west-1"].Group, s)
	if want := "near eu-west-1: app.example.com A eu-central-1"; !slices.Contains(got, want) {
		t.Errorf("unhealthy by supposition: %q", got)
	}
}
