package dnsserver

import "sync/atomic"

// Counters are totals since start, summed over workers when read. Every query that came in is counted once as
// UDPQueries or TCPQueries and once as what became of it: Dropped or one of the replies from Answers to ServFail.
type Counters struct {
	UDPQueries, TCPQueries uint64

	Dropped   uint64 // not answered: too short, itself a response, or from port 0
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
	FailOpen   uint64 // replies where every member was unhealthy and one was picked nevertheless. r53: A.4
	SendErrors uint64 // UDP replies that the system refused to send
}

// A counter is an index of a tally.
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

// A tally counts while a batch is answered; it belongs to one goroutine.
type tally [numCounters]uint64

// totals is where tallies are added up. The padding keeps the words of one worker out of the cache lines of the next.
type totals struct {
	n [numCounters]atomic.Uint64
	_ [128]byte
}

// add moves a tally into the totals and empties it: one atomic operation for what a batch counted, not for every
// packet.
func (t *totals) add(b *tally) {
	for i, n := range b {
		if n != 0 {
			t.n[i].Add(n)
			b[i] = 0
		}
	}
}

// Counters reads the totals. Counters of one query may be read apart when it is being answered at that moment.
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
