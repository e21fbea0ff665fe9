package node

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/bulkhead-dns/bulkhead/dnsserver"
)

// registry describes the node to Prometheus. Everything is read at scrape time; nothing is counted twice.
func (n *Node) registry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, c := range dnsCounters {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: c.name, Help: c.help, ConstLabels: c.labels},
			func() float64 { return float64(c.read(n.dns.Counters())) }))
	}
	r.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "bulkhead_store_connected",
			Help: "Whether the state follows etcd (1) or is the last known (0).",
		}, func() float64 {
			if connected, _ := n.store.Connected(); connected {
				return 1
			}
			return 0
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "bulkhead_store_disconnected_seconds",
			Help: "How long the state has not followed etcd; 0 while it does.",
		}, func() float64 {
			connected, since := n.store.Connected()
			if connected {
				return 0
			}
			return time.Since(since).Seconds()
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "bulkhead_health_checks",
			Help: "Health checks that exist.",
		}, func() float64 { return float64(n.store.State().CheckCount()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "bulkhead_health_checks_unhealthy",
			Help: "Health checks whose verdict is unhealthy.",
		}, func() float64 { return float64(n.picture.unhealthy()) }),
	)
	return r
}

type dnsCounter struct {
	name, help string
	labels     prometheus.Labels
	read       func(dnsserver.Counters) uint64
}

const (
	queriesName  = "bulkhead_dns_queries_total"
	queriesHelp  = "DNS queries received."
	answersName  = "bulkhead_dns_responses_total"
	answersHelp  = "DNS responses by outcome."
	outcomeLabel = "outcome"
)

var dnsCounters = []dnsCounter{
	{queriesName, queriesHelp, prometheus.Labels{"transport": "udp"},
		func(c dnsserver.Counters) uint64 { return c.UDPQueries }},
	{queriesName, queriesHelp, prometheus.Labels{"transport": "tcp"},
		func(c dnsserver.Counters) uint64 { return c.TCPQueries }},
	{answersName, answersHelp, prometheus.Labels{outcomeLabel: "answer"},
		func(c dnsserver.Counters) uint64 { return c.Answers }},
	{answersName, answersHelp, prometheus.Labels{outcomeLabel: "nodata"},
		func(c dnsserver.Counters) uint64 { return c.NoData }},
	{answersName, answersHelp, prometheus.Labels{outcomeLabel: "nxdomain"},
		func(c dnsserver.Counters) uint64 { return c.NXDomain }},
	{answersName, answersHelp, prometheus.Labels{outcomeLabel: "refused"},
		func(c dnsserver.Counters) uint64 { return c.Refused }},
	{answersName, answersHelp, prometheus.Labels{outcomeLabel: "servfail"},
		func(c dnsserver.Counters) uint64 { return c.ServFail }},
	{answersName, answersHelp, prometheus.Labels{outcomeLabel: "formerr"},
		func(c dnsserver.Counters) uint64 { return c.FormErr }},
	{answersName, answersHelp, prometheus.Labels{outcomeLabel: "notimp"},
		func(c dnsserver.Counters) uint64 { return c.NotImp }},
	{answersName, answersHelp, prometheus.Labels{outcomeLabel: "referral"},
		func(c dnsserver.Counters) uint64 { return c.Referrals }},
	{answersName, answersHelp, prometheus.Labels{outcomeLabel: "badvers"},
		func(c dnsserver.Counters) uint64 { return c.BadVers }},
	{"bulkhead_dns_send_errors_total", "DNS responses that the system refused to send.", nil,
		func(c dnsserver.Counters) uint64 { return c.SendErrors }},
	{"bulkhead_dns_dropped_total", "DNS packets dropped without a response.", nil,
		func(c dnsserver.Counters) uint64 { return c.Dropped }},
	{"bulkhead_dns_truncated_total", "DNS responses sent with TC set.", nil,
		func(c dnsserver.Counters) uint64 { return c.Truncated }},
	{"bulkhead_dns_fail_open_total", "DNS answers given although every member was unhealthy.", nil,
		func(c dnsserver.Counters) uint64 { return c.FailOpen }},
}
