package plan

import (
	"slices"
	"testing"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// A record set at or below a name that its zone delegates is served by nobody. RFC 1034 section 4.2.1.
func TestNamesBelowADelegation(t *testing.T) {
	child := zone.HostedZone{ID: "ZCHILD", Name: "dev.example.com."}
	in := func(z zone.HostedZone, s State) State {
		s.Zones, s.Records = append(slices.Clone(s.Zones), z), slices.Clone(s.Records)
		for i := range s.Records {
			s.Records[i].ZoneID = z.ID
		}
		return s
	}
	cut := simple("dev.example.com", zone.NS, "ns1.example.net.", "ns2.example.net.")
	for _, host := range []string{"app1.dev.example.com", "dev.example.com", "a.b.dev.example.com"} {
		w := newWorld(exampleZone(), child)
		w.put(cut, simple("x.dev.example.com", zone.NS, "ns1.example.net."))
		desired := latency("team/app1", host, "eu-west-1")
		p, err := Diff(w.state(), desired, Guard{Force: true})
		wantRefusals(t, p, err, host+". A eu-west-1: nobody would be answered with it: the zone example.com. (ZEXAMPLE) "+
			"delegates dev.example.com. to ns1.example.net., ns2.example.net., and the account has no public zone of that "+
			"name. Make that zone in this account, or choose another hostname")
		w.reach(t, in(child, desired), Guard{})

		// What was there before the delegation moves into the child zone, and leaves the parent.
		w = newWorld(exampleZone(), child)
		w.reach(t, desired, Guard{})
		w.put(cut)
		p = w.reach(t, in(child, desired), Guard{})
		wantSteps(t, p, nil, "wait team/app1/eu-west-1", "change-records", "  DELETE "+host+". A eu-west-1",
			"change-records", "  CREATE "+host+". A eu-west-1")
		if n := w.records[child.ID].Len(); n != 1 {
			t.Errorf("%d record sets in the child zone, want 1", n)
		}
	}
	w := newWorld(exampleZone())
	w.put(simple("example.com", zone.NS, "ns1.example.net."), cut)
	p, err := Diff(w.state(), latency("team/app1", "device.example.com", "eu-west-1"), Guard{})
	wantRefusals(t, p, err)
}
