// Package rate says how fast an account may call the Route 53 API: which rates Route 53 has, and the token bucket that
// counts them. The engine's API refuses what is faster, and the client slows down before AWS refuses. r53: C.8.
package rate

import (
	"time"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Rate is the size and the speed of a token bucket.
type Rate struct {
	Capacity int           // tokens of a full bucket
	Interval time.Duration // how long one token takes to come back
}

// Account is the rate of all requests of an account.
func Account() Rate { return Rate{50, time.Second / 10} }

// Changes is the rate of changes of records and zones, which have costs.
func Changes() Rate { return Rate{1500, time.Second / 100} }

// Operation is the rate of one operation. The rates of operations whose names begin with Update are (unconfirmed): they
// are taken for those of an operation that is not listed.
func Operation(name string) Rate {
	switch name {
	case "AssociateVPCWithHostedZone":
		return Rate{20, time.Second / 5}
	case "DisassociateVPCFromHostedZone":
		return Rate{10, time.Second / 5}
	case "ChangeCidrCollection", "CreateCidrCollection", "DeleteCidrCollection":
		return Rate{40, time.Second / 5}
	case "CreateHealthCheck":
		return Rate{50, 2 * time.Second}
	case "DeleteHealthCheck":
		return Rate{15, time.Second / 3}
	case "CreateHostedZone", "CreateReusableDelegationSet":
		return Rate{40, time.Second / 2}
	case "DeleteHostedZone", "DeleteReusableDelegationSet":
		return Rate{40, time.Second / 5}
	case "CreateTrafficPolicyInstance", "DeleteTrafficPolicyInstance":
		return Rate{1, time.Second}
	case "GetHealthCheckStatus", "GetHealthCheckLastFailureReason":
		return Rate{4, time.Second}
	}
	return Rate{50, time.Second / 10}
}

// ZoneCost is what it costs to create or to delete a hosted zone, in changes.
const ZoneCost = 2

// BatchCost is what a change batch costs. An UPSERT costs 2, because it is a deletion and a creation, as in the limits
// of a batch (r53: C.6).
func BatchCost(changes []zone.Change) int {
	cost := 0
	for _, c := range changes {
		if cost++; c.Action == zone.Upsert {
			cost++
		}
	}
	return cost
}
