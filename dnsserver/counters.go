package dnsserver

import "sync/atomic"

// Counters are totals since the start, over all workers. Each query counts once as UDPQueries or TCPQueries, and once
// by its result: Dropped, or one of the replies from Answers to ServFail.
type Counters struct {
	UDPQueries, TCPQueries uint64

	Dropped   uint64 // not answered: too short, a response, or from port 0
	Answers   uint64 // NOERROR with records in the answer section, or truncated
	Referrals uint64 // NOERROR with a delegation
	NoData    uint64 // NOERROR without an answer
	NXDomain  uint64
	FormErr   uint64
	NotImp    uint64
	Refused   uint64
	BadVers   uint64
	ServFail  uint64

	Truncated  uint64 // replies with TC set, whatever else they count as
	FailOpen   uint64 // replies with a member picked although all members are unhealthy. r53: A.4
	SendErrors uint64 // UDP replies that the operating system refused to send
}

// A counter is an index in a tally.
type counter int

const (
	udpQueries counter = iota
	tcpQueries
	dropped
	answers
	referrals
	noData
	nxDomain
	formErr
	notImp
	refused
	badVers
	servFail
	truncated
	failOpen
	sendErrors
	numCounters
)

// A tally has the counters of one batch. Only one goroutine uses it.
type tally [numCounters]uint64

// totals are the sums of tallies. The padding keeps the counters of two workers in different cache lines.
type totals struct {
	n [numCounters]atomic.Uint64
	_ [128]byte
}

// add adds a tally to the totals and clears it. So there is one atomic operation for a batch, not one for each packet.
func (t *totals) add(b *tally) {
	for i, n := range b {
		if n != 0 {
			t.n[i].Add(n)
			b[i] = 0
		}
	}
}

// Counters returns the totals. It may count a query as received but not yet by its result, or the other way round.
func (s *Server) Counters() Counters {
	var sum tally
	for i := range sum {
		for w := range s.udpTotals {
			sum[i] += s.udpTotals[w].n[i].Load()
		}
		sum[i] += s.tcpTotals.n[i].Load()
	}
	return Counters{
		UDPQueries: sum[udpQueries],
		TCPQueries: sum[tcpQueries],
		Dropped:    sum[dropped],
		Answers:    sum[answers],
		Referrals:  sum[referrals],
		NoData:     sum[noData],
		NXDomain:   sum[nxDomain],
		FormErr:    sum[formErr],
		NotImp:     sum[notImp],
		Refused:    sum[refused],
		BadVers:    sum[badVers],
		ServFail:   sum[servFail],
		Truncated:  sum[truncated],
		FailOpen:   sum[failOpen],
		SendErrors: sum[sendErrors],
	}
}
