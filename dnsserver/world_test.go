package dnsserver

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// The zone of these tests: an application in two Regions under latency routing, with a health check for each.
const (
	westAddr, centralAddr   = "192.0.2.1", "192.0.2.2"
	westCheck, centralCheck = "check-west", "check-central"

	officeAddr, elsewhereAddr = "192.0.2.3", "192.0.2.4" // of blocks.example.com, by 10.7.0.0/20
)

// world builds the zone example.com for clients near eu-west-1 (10.1.0.0/16 by client subnet) and near eu-central-1
// (10.2.0.0/16 by client subnet, and 127.0.0.0/8 by source).
func world(t testing.TB) *steer.View {
	t.Helper()
	atlas, err := geo.New(geo.Options{Places: []geo.Place{
		{Name: "near eu-west-1", Region: "eu-west-1", ClientSubnets: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}},
		{Name: "near eu-central-1", Region: "eu-central-1",
			ClientSubnets: []netip.Prefix{netip.MustParsePrefix("10.2.0.0/16")},
			Sources:       []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	z := zone.HostedZone{ID: "Z1", Name: "example.com.", NameServers: []string{"ns-1.awsdns-00.com",
		"ns-512.awsdns-00.net"}}
	e := steer.NewView(atlas).Edit()
	e.PutZone(z)
	put := func(name zone.Name, rrtype zone.RRType, members ...*zone.ResourceRecordSet) {
		t.Helper()
		for _, m := range members {
			m.Name, m.Type = name, rrtype
		}
		if err := e.SetGroup(z.ID, name, rrtype, members); err != nil {
			t.Fatalf("%s %s: %v", name, rrtype, err)
		}
	}
	for _, s := range zone.NewApexRecords(z) {
		put(s.Name, s.Type, s)
	}
	put("app1.example.com.", zone.A,
		&zone.ResourceRecordSet{SetIdentifier: "west", Region: "eu-west-1", TTL: ttl(60), ResourceRecords: []string{westAddr},
			HealthCheckID: westCheck},
		&zone.ResourceRecordSet{SetIdentifier: "central", Region: "eu-central-1", TTL: ttl(60),
			ResourceRecords: []string{centralAddr}, HealthCheckID: centralCheck})
	put("blocks.example.com.", zone.A,
		&zone.ResourceRecordSet{SetIdentifier: "office", CidrRoutingConfig: &zone.CidrRoutingConfig{CollectionID: "C1",
			LocationName: "office"},
			TTL: ttl(60), ResourceRecords: []string{officeAddr}},
		&zone.ResourceRecordSet{SetIdentifier: "elsewhere", CidrRoutingConfig: &zone.CidrRoutingConfig{CollectionID: "C1",
			LocationName: "*"},
			TTL: ttl(60), ResourceRecords: []string{elsewhereAddr}})
	if err := e.PutCIDRCollection("C1",
		map[string][]netip.Prefix{"office": {netip.MustParsePrefix("10.7.0.0/20")}}); err != nil {
		t.Fatal(err)
	}
	put("www.example.com.", zone.CNAME, simple("app1.example.com."))
	put("away.example.com.", zone.CNAME, simple("example.net."))
	put("two.example.com.", zone.A, simple("192.0.2.7", "192.0.2.8"))
	put("many.example.com.", zone.A, simple(manyAddresses()...))
	put("sub.example.com.", zone.NS, simple("ns1.sub.example.com."))
	put("ns1.sub.example.com.", zone.A, simple("192.0.2.53"))
	put(`\052.wild.example.com.`, zone.TXT, simple(`"wild"`))
	return e.Commit()
}

// tableOf holds the verdicts of app1's two checks.
func tableOf(v *steer.View, west, central bool) *steer.Table {
	var t *steer.Table
	return t.With(v.Check(westCheck), west).With(v.Check(centralCheck), central)
}

func ttl(seconds int64) *int64 { return &seconds }

func simple(values ...string) *zone.ResourceRecordSet {
	return &zone.ResourceRecordSet{TTL: ttl(300), ResourceRecords: values}
}

// manyAddresses are more than a UDP message can hold, and as many as Route 53 allows.
func manyAddresses() []string {
	var values []string
	for i := range 400 {
		values = append(values, fmt.Sprintf("192.0.%d.%d", 100+i/200, i%200))
	}
	return values
}

// start runs a server until the test ends and demands that it ends without an error.
func start(t *testing.T, o Options, change func(*Server)) *Server {
	t.Helper()
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

// exchange asks the server at addr and demands a reply.
func exchange(t *testing.T, net, addr string, q *dns.Msg) *dns.Msg {
	t.Helper()
	client := &dns.Client{Net: net, Timeout: time.Minute, UDPSize: dns.MaxMsgSize}
	reply, _, err := client.Exchange(q, addr)
	if err != nil {
		t.Fatalf("%s over %s: %v", q.Question[0].String(), net, err)
	}
	return reply
}

// withSubnet adds a client subnet to a query.
func withSubnet(q *dns.Msg, prefix string) *dns.Msg {
	p := netip.MustParsePrefix(prefix)
	family := uint16(1)
	if p.Addr().Is6() {
		family = 2
	}
	q.SetEdns0(1232, false)
	q.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{
		Code: dns.EDNS0SUBNET, Family: family, SourceNetmask: uint8(p.Bits()), Address: p.Addr().AsSlice(),
	}}
	return q
}
