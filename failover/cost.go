package failover

import (
	"fmt"
	"time"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/quota"
)

// A Cost is US cents a month, at AWS's prices of July 2024, public partition, no volume agreement. r53: F.
type Cost int64

// String writes the cost as 3.50 USD.
func (c Cost) String() string { return fmt.Sprintf("%d.%02d USD", c/100, c%100) }

// CheckCost is what one health check costs, whether it is one of the free ones or not: plan.CheckCents, by
// plan.InsideAWS. r53: F.
func CheckCost(c health.Config) Cost { return Cost(plan.CheckCents(c, plan.InsideAWS(c))) }

// PolicyCost is what the health checks of a policy that Default has completed cost, without the free ones of an
// account; the engine costs nothing. Load balancers that are looked up count as AWS endpoints, and names as
// plan.InsideAWS says; addresses do not: whose they are is not known. r53: F.
func PolicyCost(p Policy, provider Provider) Cost {
	var cost Cost
	if provider == AWS {
		for _, r := range p.Spec.Regions {
			h := *r.HealthCheck
			c := health.Config{Type: health.Type(h.Type), RequestInterval: h.RequestInterval,
				FullyQualifiedDomainName: h.HostHeader}
			lb := r.LoadBalancer
			if lb != nil && h.HostHeader == "" {
				c.FullyQualifiedDomainName = lb.DNSName
			}
			if lb == nil && len(r.Addresses) > 0 {
				c.IPAddress = r.Addresses[0]
			}
			lookedUp := lb != nil && c.FullyQualifiedDomainName == ""
			cost += Cost(plan.CheckCents(c, lookedUp || plan.InsideAWS(c)))
		}
	}
	return cost
}

// StateCost is what all health checks of a state cost on AWS, the first 50 of AWS endpoints free of their base price.
// It is what plan.MonthlyCents says of them, as in a plan. r53: F.
func StateCost(s plan.State) Cost {
	configs := func(yield func(health.Config) bool) {
		for i := range s.Checks {
			if !yield(s.Checks[i].Config) {
				return
			}
		}
	}
	return Cost(plan.MonthlyCents(configs))
}

// A Use is how much of an account's quotas a state takes. r53: C.8.
type Use struct {
	HealthChecks int            `json:"healthChecks"`
	RecordSets   map[string]int `json:"recordSets"` // by zone id
	// Creating is the least time in which AWS lets all checks be created: 50 at once, then one every two seconds.
	Creating time.Duration `json:"creating"`
	// CreatingDays is the number of days the creates take where an account still has the older cap of 1,000 in 24 hours.
	CreatingDays int `json:"creatingDays"`
}

// Quotas of creating health checks. r53: C.8.
const (
	createBurst  = 50
	createEvery  = 2 * time.Second
	createPerDay = 1000
)

// Usage counts what a state takes if nothing of it exists yet.
func Usage(s plan.State) Use {
	n := len(s.Checks)
	u := Use{HealthChecks: n, RecordSets: map[string]int{}, CreatingDays: (n + createPerDay - 1) / createPerDay}
	for _, r := range s.Records {
		u.RecordSets[r.ZoneID]++
	}
	u.Creating = time.Duration(max(0, n-createBurst)) * createEvery
	return u
}

// Exceeds says in sentences which limits a use goes over, nothing when none. A limit of 0 is no limit.
func (u Use) Exceeds(l quota.Limits) []string {
	var over []string
	if l.HealthChecks > 0 && u.HealthChecks > l.HealthChecks {
		over = append(over, fmt.Sprintf("%d health checks are needed, the account's limit is %d", u.HealthChecks,
			l.HealthChecks))
	}
	for _, id := range sortedKeys(u.RecordSets) {
		if n := u.RecordSets[id]; l.RecordSetsPerZone > 0 && n > l.RecordSetsPerZone {
			over = append(over, fmt.Sprintf("%d record sets are needed in zone %s, its limit is %d", n, id, l.RecordSetsPerZone))
		}
	}
	return over
}
