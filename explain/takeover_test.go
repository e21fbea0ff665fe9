package explain_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// cname is a CNAME of app.example.com for one location.
func cname(id, target string, ttl int64, routing func(*zone.ResourceRecordSet)) zone.ResourceRecordSet {
	s := app(id, "", target, routing)
	s.Type, s.TTL = zone.CNAME, &ttl
	return s
}

// takeover is the takeover of app.example.com, promised in three minutes.
func takeover(t *testing.T, before, after []zone.ResourceRecordSet) explain.Takeover {
	t.Helper()
	in := input(nil, nil, before...)
	in.Policies = []failover.Policy{{Spec: failover.PolicySpec{Hostname: "app.example.com",
		Objectives: failover.Objective{RTO: failover.Duration(3 * time.Minute)}}}}
	list, err := explain.Takeovers(in, input(nil, nil, after...).State, []zone.Name{"app.example.com."})
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return list[0]
}

func latencies() []zone.ResourceRecordSet {
	return []zone.ResourceRecordSet{app("eu-west-1", "", "192.0.2.1", latency("eu-west-1")),
		app("us-east-1", "", "192.0.2.2", latency("us-east-1"))}
}

// Countries with an endpoint each become two Regions: what that changes, place by place, in a few lines.
func TestTakeoverOfManyCountries(t *testing.T) {
	var before []zone.ResourceRecordSet
	for l := range zone.GeoLocations(zone.GeoLocation{}) {
		if len(before) < 60 && l.SubdivisionCode == "" {
			id := strings.ReplaceAll(l.CountryCode, "*", "rest")
			before = append(before, cname(id, strings.ToLower(id)+".lb.example.net", 3600, location(l.GeoLocation)))
		}
	}
	got := takeover(t, before, latencies())
	if len(got.Clients) != 62 { // 59 countries, 2 Regions, elsewhere
		t.Errorf("%d clients", len(got.Clients))
	}
	where := map[string]string{}
	for _, c := range got.Clients {
		where[c.Client] = c.Before + " → " + c.After
	}
	for client, want := range map[string]string{
		"in BE": "be.lb.example.net → 192.0.2.1", "in CA": "ca.lb.example.net → 192.0.2.2",
		"near eu-west-1": "rest.lb.example.net → 192.0.2.1",
	} {
		if where[client] != want {
			t.Errorf("%s: %s, want %s", client, where[client], want)
		}
	}
	lines := got.Lines()
	want := []string{
		"app.example.com: 62 of 62 places are answered with other endpoints than before, while nothing fails.",
		"and 51 more changes: -o json has all. Afterwards 37 places are answered with 192.0.2.1, 25 places are answered " +
			"with 192.0.2.2",
		"endpoints that are answered no more (60): ad.lb.example.net, ae.lb.example.net, af.lb.example.net, " +
			"ag.lb.example.net and 56 more",
		"names outside the zones are not looked up (ad.lb.example.net, ae.lb.example.net, af.lb.example.net, " +
			"ag.lb.example.net and 56 more): what one stands for may be the same as a new endpoint",
		"endpoints that are new (2): 192.0.2.1, 192.0.2.2",
		"types that are answered no more: AAAA and every other type. The CNAME answers every type that its target has; " +
			"clients that use IPv6 now will use IPv4",
		"resolvers keep the old answers for up to 1h, longer than the promised RTO of 3m. Set their TTL to 60 or less " +
			"first, and wait for 1h",
		"latencies are estimated from distances, those of a country from one of its cities; Route 53 goes by measurements " +
			"of its own",
	}
	if diff := cmp.Diff(want, append(lines[:1:1], lines[11:]...)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTakeovers(t *testing.T) {
	simple := func(s *zone.ResourceRecordSet) {}
	v6 := func(s zone.ResourceRecordSet, address string) zone.ResourceRecordSet {
		s.Type, s.ResourceRecords = zone.AAAA, []string{address}
		return s
	}
	for _, c := range []struct {
		name          string
		before, after []zone.ResourceRecordSet
		want          []string
	}{
		{"the same endpoints", latencies(), []zone.ResourceRecordSet{app("a", "c1", "192.0.2.1", latency("eu-west-1")),
			app("b", "c2", "192.0.2.2", latency("us-east-1"))},
			[]string{"app.example.com: everybody is answered with the same endpoints as before.",
				"latencies are estimated from distances, those of a country from one of its cities; Route 53 goes by " +
					"measurements of its own"}},
		{"one address becomes a failover", []zone.ResourceRecordSet{app("", "", "192.0.2.1", simple)},
			[]zone.ResourceRecordSet{app("a", "c1", "192.0.2.1", role(zone.Primary)),
				app("b", "c2", "192.0.2.2", role(zone.Secondary))},
			[]string{"app.example.com: everybody is answered with the same endpoints as before."}},
		{"one address becomes weights", []zone.ResourceRecordSet{app("", "", "192.0.2.1", simple)},
			[]zone.ResourceRecordSet{app("a", "", "192.0.2.1", weight(2)), app("b", "", "192.0.2.2", weight(1))},
			[]string{"app.example.com: everybody is answered with other endpoints than before, while nothing fails.",
				"everyone: 192.0.2.1 → 192.0.2.1 67 %, 192.0.2.2 33 %", "endpoints that are new (1): 192.0.2.2"}},
		{"a CNAME inside the zone is followed", []zone.ResourceRecordSet{cname("", "lb.example.com", 60, simple),
			named("lb.example.com", app("", "", "192.0.2.1", simple))},
			[]zone.ResourceRecordSet{app("", "", "192.0.2.1", simple), v6(app("", "", "", simple), "2001:db8::1"),
				named("lb.example.com", app("", "", "192.0.2.1", simple))},
			[]string{"app.example.com: everybody is answered with the same endpoints as before.",
				"endpoints that are new (1): 2001:db8::1",
				"types that are answered no more: every other type. The CNAME answers every type that its target has",
				"types that are new: AAAA"}},
		{"IPv6 is gone", []zone.ResourceRecordSet{app("", "", "192.0.2.1", simple),
			v6(app("", "", "", simple), "2001:db8::1")}, []zone.ResourceRecordSet{app("", "", "192.0.2.1", simple)},
			[]string{"app.example.com: everybody is answered with the same endpoints as before.",
				"endpoints that are answered no more (1): 2001:db8::1",
				"types that are answered no more: AAAA"}},
		{"IPv6 is new", []zone.ResourceRecordSet{app("", "", "192.0.2.1", simple)},
			[]zone.ResourceRecordSet{app("", "", "192.0.2.1", simple), v6(app("", "", "", simple), "2001:db8::1")},
			[]string{"app.example.com: everybody is answered with the same endpoints as before.",
				"endpoints that are new (1): 2001:db8::1",
				"types that are new: AAAA"}},
		{"places without an answer get one",
			[]zone.ResourceRecordSet{app("de", "", "192.0.2.1", location(zone.GeoLocation{CountryCode: "DE"}))},
			[]zone.ResourceRecordSet{app("", "", "192.0.2.1", simple)},
			[]string{"app.example.com: 1 of 2 places is answered with other endpoints than before, while nothing fails.",
				"anywhere else: NODATA → 192.0.2.1"}},
	} {
		if diff := cmp.Diff(c.want, takeover(t, c.before, c.after).Lines()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	if got := fmt.Sprint(takeover(t, latencies(), latencies()).OldTTLSeconds); got != "60" {
		t.Errorf("old TTL %s", got)
	}
}
