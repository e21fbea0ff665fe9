// Package explain answers which answer every place gets, why, and what would change it.
//
// It reads what a provider holds (plan.State) and what checkers say (health.Report), and asks whatif, once for every
// place that the records tell apart: as things are, while nothing fails, and after one Region or all of them failed.
// No routing rule is repeated here: who answers whom is always steer's word, what a check says is always health's, and
// how long a failover takes is failover's.
//
//   - Applications lists the applications that Bulkhead owns, Region by Region;
//   - Name explains any name of the hosted zones, whoever made its records.
//
// Where chance decides, shares are computed from the weights. The health of load balancers is not read: it counts as
// good until a failure is supposed.
package explain

import (
	"cmp"
	"time"

	"github.com/bulkhead-dns/bulkhead/cidr"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// An Input is what is known. Only State is needed.
type Input struct {
	// State is the hosted zones, their record sets, and all health checks of the account, as apply.Read returns them.
	State plan.State
	// Reports are what single checkers say, by the id of the check. A check without an entry has no known verdict, and
	// counts as healthy, as it does at Route 53 until there is data. r53: B.4.
	Reports map[string][]health.Report
	// LoadBalancers are those that are known. Applications says where one answers probes itself, and where none of an
	// application's targets is healthy while its checkers say that it is.
	LoadBalancers []failover.Balancer
	// Collections are the CIDR collections of IP-based routing; one that is missing has no blocks.
	Collections []cidr.Collection
	// Policies, which failover.Default has completed, are what is wanted. What is not among them is told from the tags of
	// checks.
	Policies []failover.Policy
	Provider failover.Provider // empty means AWS
	// GeoIP is a MaxMind DB that says where the addresses of clients are; empty means that nobody knows.
	GeoIP []byte
}

func (in Input) provider() failover.Provider { return cmp.Or(in.Provider, failover.AWS) }

// A Health is what is known of a health check.
type Health string

// The states of a check. Unknown is one whose checkers nobody asked or none of whom has reported; it counts as healthy.
// Missing is a check that does not exist, which counts as healthy too (r53: A.10).
const (
	Healthy   Health = "healthy"
	Unhealthy Health = "unhealthy"
	Unknown   Health = "unknown"
	Missing   Health = "missing"
)

// A Check is a health check with what its checkers say.
type Check struct {
	ID       string `json:"id,omitempty"`
	Key      string `json:"key,omitempty"` // "<namespace>/<policy>/<region>"; empty for one that Bulkhead does not own
	Asks     string `json:"asks"`          // what checkers do, in words
	Health   Health `json:"health"`
	Checkers int    `json:"checkers"` // that have reported, or children of a calculated check
	For      int    `json:"for"`      // of these, how many say healthy
	Reason   string `json:"reason"`   // "0 of 16 healthy: 16× HTTP 503"
	// Hold is what somebody has made of a check of ours by hand: Reason says it in words.
	Hold plan.Hold `json:"hold,omitempty"`
	// CheckedAt is when the last probe was reported. LastFailure is the last one that is known of, whether the check is
	// healthy now or not.
	CheckedAt   time.Time `json:"checkedAt,omitzero"`
	LastFailure *Failure  `json:"lastFailure,omitempty"`
}

// A Failure is a failed probe.
type Failure struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"` // as the checker words it
}

// An Answer is what one client gets.
type Answer struct {
	Client   string  `json:"client"`   // "near eu-west-1"
	Outcome  string  `json:"outcome"`  // "answered", or as DNS spells it
	Shares   []Share `json:"shares"`   // largest first; several where chance decides
	FailOpen bool    `json:"failOpen"` // nothing was healthy somewhere on the way, so all counted as healthy. r53: A.4
}

// A Share is one of the answers that a client may get.
type Share struct {
	Path   []string `json:"path"`   // SetIdentifiers, from the name asked for to the record set that answers
	Target string   `json:"target"` // the load balancer, or the values
	// Percent is of the answers, rounded so that all shares add up to 100; those of a multivalue answer overlap, and each
	// is rounded by itself. Fraction is the same from 0 to 1, not rounded.
	Percent  int     `json:"percent"`
	Fraction float64 `json:"fraction"`
	Down     bool    `json:"down,omitempty"` // in a Scenario: it is supposed to have failed
}
