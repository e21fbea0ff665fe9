// Package bench measures whole paths across rooms, at three sizes of a zone: what must not grow with it is seen not to.
// A figure that needs a machine to mean something is reported as a ratio against a peer measured in the same run.
package bench

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/bulkhead-dns/bulkhead/dnsserver"
	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

var sizes = []int{10, 10_000, 1_000_000}

// A world is a zone of n record sets, every pair of them one application in two Regions, compiled.
type world struct {
	zone    zone.HostedZone
	records *zone.Records
	view    *steer.View
}

var facts = zone.Facts{
	HealthCheckExists: func(string) bool { return true },
	ServiceTarget:     func(string, zone.Name) (bool, bool) { return false, false },
}

func member(app int, region, value string) *zone.ResourceRecordSet {
	ttl := int64(60)
	return &zone.ResourceRecordSet{
		Name: zone.MustParseName(fmt.Sprintf("app%d.example.com", app)), Type: zone.A, SetIdentifier: region, Region: region,
		TTL: &ttl, ResourceRecords: []string{value}, HealthCheckID: fmt.Sprintf("check-%d-%s", app, region),
	}
}

func newWorld(tb testing.TB, n int) *world {
	tb.Helper()
	atlas, err := geo.New(geo.Options{Places: []geo.Place{
		{Name: "near eu-west-1", Region: "eu-west-1", ClientSubnets: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}},
	}})
	if err != nil {
		tb.Fatal(err)
	}
	w := &world{
		zone: zone.HostedZone{ID: "Z0123456789ABCDEFGHIJ", Name: zone.MustParseName("example.com"),
			NameServers: []string{"ns-1.awsdns-00.com"}},
		records: zone.NewRecords(),
	}
	e := steer.NewView(atlas).Edit()
	e.PutZone(w.zone)
	put := func(sets ...*zone.ResourceRecordSet) {
		for _, s := range sets {
			w.records.Put(s)
		}
		if err := e.SetGroup(w.zone.ID, sets[0].Name, sets[0].Type, sets); err != nil {
			tb.Fatal(err)
		}
	}
	for _, s := range zone.NewApexRecords(w.zone) {
		put(s)
	}
	for app := range n / 2 {
		put(member(app, "eu-central-1", "192.0.2.2"), member(app, "eu-west-1", "192.0.2.1"))
	}
	w.view = e.Commit()
	return w
}

// each runs a benchmark at every size.
func each(b *testing.B, f func(b *testing.B, w *world, n int)) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) { f(b, newWorld(b, n), n) })
	}
}

// BenchmarkVerdictFlip is a health check that turns, up to the table that DNS answers by.
func BenchmarkVerdictFlip(b *testing.B) {
	each(b, func(b *testing.B, w *world, n int) {
		check := w.view.Check("check-3-eu-west-1")
		var table *steer.Table
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			table = table.With(check, i%2 == 1)
		}
		runtime.KeepAlive(table)
	})
}

// BenchmarkRecordChange is one UPSERT: validated against the zone, applied, and compiled into the next view.
func BenchmarkRecordChange(b *testing.B) {
	each(b, func(b *testing.B, w *world, n int) {
		s := member(3, "eu-west-1", "192.0.2.1")
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			changed := *s
			changed.ResourceRecords = []string{fmt.Sprintf("192.0.2.%d", i%250+1)}
			next, effects, err := w.records.Apply(w.zone, []zone.Change{{Action: zone.Upsert, ResourceRecordSet: changed}},
				facts)
			if err != nil {
				b.Fatal(err)
			}
			w.records = next
			for _, d := range effects {
				e := w.view.Edit()
				if err := e.SetGroup(w.zone.ID, d.New.Name, d.New.Type, w.records.Group(d.New.Name, d.New.Type)); err != nil {
					b.Fatal(err)
				}
				w.view = e.Commit()
			}
		}
	})
}

// BenchmarkQuery is a query and its answer over loopback UDP, one at a time. Beside it the same packets go to a bare
// echo server; x/echo is our time over the echo's, the part of it that is not the kernel's and the client's.
func BenchmarkQuery(b *testing.B) {
	each(b, func(b *testing.B, w *world, n int) {
		server, err := dnsserver.New(dnsserver.Options{Addr: "127.0.0.1:0"})
		if err != nil {
			b.Fatal(err)
		}
		server.Publish(w.view, nil)
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		go func() { ended <- server.Run(ctx) }()
		defer func() {
			stop()
			if err := <-ended; err != nil {
				b.Error(err)
			}
		}()
		echo := startEcho(b)
		query := packed(b, fmt.Sprintf("app%d.example.com.", n/4))
		ours, theirs := dial(b, server.Addr().String()), dial(b, echo)
		var oursTook, theirsTook time.Duration
		buf := make([]byte, 4096)
		b.ReportAllocs()
		for b.Loop() {
			oursTook += exchange(b, ours, query, buf)
			theirsTook += exchange(b, theirs, query, buf)
		}
		b.ReportMetric(float64(oursTook)/float64(theirsTook), "x/echo")
	})
}

// packed is a query with EDNS Client Subnet.
func packed(b *testing.B, name string) []byte {
	b.Helper()
	m := new(dns.Msg).SetQuestion(name, dns.TypeA)
	opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: 1232}}
	opt.Option = append(opt.Option, &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24,
		Address: net.IPv4(10, 1, 2, 0).To4()})
	m.Extra = append(m.Extra, opt)
	out, err := m.Pack()
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// startEcho answers every packet with itself.
func startEcho(b *testing.B) string {
	b.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			if _, err := conn.WriteToUDPAddrPort(buf[:n], from); err != nil {
				return
			}
		}
	}()
	b.Cleanup(func() {
		conn.Close()
		<-done
	})
	return conn.LocalAddr().String()
}

func dial(b *testing.B, addr string) net.Conn {
	b.Helper()
	conn, err := net.Dial("udp", addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return conn
}

func exchange(b *testing.B, conn net.Conn, query, buf []byte) time.Duration {
	start := time.Now()
	if _, err := conn.Write(query); err != nil {
		b.Fatal(err)
	}
	n, err := conn.Read(buf)
	if err != nil {
		b.Fatal(err)
	}
	if n < len(query) {
		b.Fatalf("%d bytes came back for a query of %d", n, len(query))
	}
	return time.Since(start)
}

// The answer that BenchmarkQuery times is the one a user near eu-west-1 is meant to get, and the one after a flip is
// the other.
func TestWhatIsMeasuredIsRight(t *testing.T) {
	w := newWorld(t, 1000)
	q := steer.Query{Name: zone.MustParseName("app7.example.com").AppendWire(nil), Type: zone.A,
		Client: netip.MustParsePrefix("10.1.2.3/32"), ECS: true}
	for _, c := range []struct {
		table *steer.Table
		last  byte
	}{
		{nil, 1},
		{(*steer.Table)(nil).With(w.view.Check("check-7-eu-west-1"), false), 2},
	} {
		var a steer.Answer
		steer.Decide(w.view, c.table, &q, &a)
		if a.Outcome != steer.Answered || a.N != 1 {
			t.Fatalf("outcome %v with %d links", a.Outcome, a.N)
		}
		if wire := a.Links[0].RRs.Wire; wire[len(wire)-1] != c.last {
			t.Errorf("answer ends in %d, want 192.0.2.%d", wire[len(wire)-1], c.last)
		}
	}
}
