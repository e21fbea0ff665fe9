package steer_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// The sizes show that nothing here grows with the zone.
func sizes() []int { return []int{10, 10_000, 1_000_000} }

const checks = 1000 // health checks, shared by the applications

// application returns the i-th name and its record sets: by turns two simple ones, and a pair by latency with health
// checks.
func application(i int) (zone.Name, []*zone.ResourceRecordSet) {
	n := zone.Name(fmt.Sprintf("app-%d.example.com.", i))
	ttl := int64(60)
	a := func(host int) []string {
		return []string{fmt.Sprintf("10.%d.%d.%d", host>>16&255, host>>8&255, host&255)}
	}
	if i%3 != 2 {
		return n, []*zone.ResourceRecordSet{{Name: n, Type: zone.A, TTL: &ttl, ResourceRecords: a(i)}}
	}
	check := fmt.Sprintf("check-%d", i%checks)
	return n, []*zone.ResourceRecordSet{
		{Name: n, Type: zone.A, TTL: &ttl, ResourceRecords: a(i), SetIdentifier: "eu-central-1", Region: "eu-central-1",
			HealthCheckID: check},
		{Name: n, Type: zone.A, TTL: &ttl, ResourceRecords: a(i + 1), SetIdentifier: "eu-west-1", Region: "eu-west-1",
			HealthCheckID: check},
	}
}

// applications builds a zone of so many record sets.
func applications(tb testing.TB, recordSets int) *steer.View {
	tb.Helper()
	atlas, err := geo.New(geo.Options{Places: []geo.Place{
		{Region: "eu-west-1", ClientSubnets: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}},
		{Region: "eu-central-1", ClientSubnets: []netip.Prefix{netip.MustParsePrefix("10.2.0.0/16")}},
	}})
	if err != nil {
		tb.Fatal(err)
	}
	e := steer.NewView(atlas).Edit()
	e.PutZone(zone.HostedZone{ID: "Z1", Name: "example.com."})
	for i := 0; recordSets > 0; i++ {
		n, members := application(i)
		if err := e.SetGroup("Z1", n, zone.A, members); err != nil {
			tb.Fatal(err)
		}
		recordSets -= len(members)
	}
	return e.Commit()
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// eachSize runs a benchmark on views of all sizes, and reports the bytes of a record set in the view.
func eachSize(b *testing.B, run func(*testing.B, *steer.View)) {
	for _, size := range sizes() {
		before := heap()
		v := applications(b, size)
		perSet := float64(heap()-before) / float64(size)
		b.Run(fmt.Sprintf("%d record sets", size), func(b *testing.B) {
			b.ReportAllocs()
			run(b, v)
			b.ReportMetric(perSet, "B/record-set")
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, kind := range []struct {
		name string
		app  int
	}{{"simple", 0}, {"latency", 2}} {
		b.Run(kind.name, func(b *testing.B) {
			eachSize(b, func(b *testing.B, v *steer.View) {
				table := (*steer.Table)(nil).With(v.Check("check-2"), false)
				var queries []*steer.Query // many names, so that caches hold what they would in use
				for i := 0; i < 3000; i += 3 {
					n, _ := application(kind.app + i)
					q := &steer.Query{Name: n.AppendWire(nil), Type: zone.A, Client: netip.MustParsePrefix("10.2.3.4/32"), ECS: true,
						Rand: uint64(i)}
					var a steer.Answer
					if steer.Decide(v, table, q, &a); a.Outcome == steer.Answered {
						queries = append(queries, q)
					}
				}
				var a steer.Answer
				i := 0
				for b.Loop() {
					steer.Decide(v, table, queries[i%len(queries)], &a)
					i++
				}
			})
		})
	}
}

// BenchmarkDecideByPlace is a decision by each policy that asks where the client is, among ten members.
func BenchmarkDecideByPlace(b *testing.B) {
	w := newWorld()
	w.must(b, "place Ashburn ; country=US-VA at=39.04,-77.49 subnet=10.2.0.0/16")
	w.must(b, "zone example.com Z1")
	for i, m := range []struct{ region, area string }{
		{"eu-west-1", "country=IE"}, {"eu-central-1", "country=DE"}, {"us-east-1", "country=US-VA"},
		{"us-west-2", "country=US"},
		{"ap-south-1", "country=IN"}, {"sa-east-1", "continent=SA"}, {"ca-central-1", "continent=NA"},
		{"eu-north-1", "continent=EU"},
		{"af-south-1", "continent=AF"}, {"ap-east-1", "country=*"},
	} {
		location := fmt.Sprintf("l%d", i)
		w.must(b, fmt.Sprintf("blocks 4b2f7c1e-9a35-4d1c-8c0e-2f6b7d8e9a01 %s 10.%d.0.0/16 10.%d.2.0/24", location, i, i))
		for policy, attribute := range map[string]string{
			"latency": "region=" + m.region, "geolocation": m.area, "geoproximity": "bias=5 near=" + m.region,
			"IP-based": "cidr=4b2f7c1e-9a35-4d1c-8c0e-2f6b7d8e9a01/" + location,
		} {
			w.must(b, fmt.Sprintf("record %s.example.com A 60 192.0.2.%d ; id=%d check=c%d %s", policy, i, i, i, attribute))
		}
	}
	v := w.view(b)
	for _, policy := range []string{"latency", "geolocation", "geoproximity", "IP-based"} {
		b.Run(policy, func(b *testing.B) {
			q := &steer.Query{Name: zone.MustParseName(policy + ".example.com").AppendWire(nil), Type: zone.A,
				Client: netip.MustParsePrefix("10.2.2.0/24"), ECS: true}
			var a steer.Answer
			b.ReportAllocs()
			for b.Loop() {
				if steer.Decide(v, nil, q, &a); a.Outcome != steer.Answered {
					b.Fatal(a.Outcome)
				}
			}
		})
	}
}

func BenchmarkDecideNXDomain(b *testing.B) {
	eachSize(b, func(b *testing.B, v *steer.View) {
		q := &steer.Query{Name: zone.MustParseName("no.such.name.example.com").AppendWire(nil), Type: zone.A}
		var a steer.Answer
		for b.Loop() {
			steer.Decide(v, nil, q, &a)
		}
	})
}

// BenchmarkFlip is a failover: one verdict turns.
func BenchmarkFlip(b *testing.B) {
	eachSize(b, func(b *testing.B, v *steer.View) {
		var table *steer.Table
		check := v.Check("check-2")
		for b.Loop() {
			table = table.With(check, !table.Healthy(check))
		}
	})
}

// BenchmarkChange is a change batch of one record set: SetGroup and Commit.
func BenchmarkChange(b *testing.B) {
	eachSize(b, func(b *testing.B, v *steer.View) {
		n, old := application(0)
		_, other := application(1)
		i := 0
		for b.Loop() {
			e := v.Edit()
			members := old
			if i++; i%2 == 0 {
				members = other
			}
			if err := e.SetGroup("Z1", n, zone.A, members); err != nil {
				b.Fatal(err)
			}
			v = e.Commit()
		}
	})
}
