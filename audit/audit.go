// Package audit answers what is wrong with the failover of hosted zones: it reads zones, health checks and what is
// known of load balancers, and lists findings with the change that mends each.
//
// The rules are an ordered list of pure checks (rules). What a finding says about answers is never a second copy of a
// routing rule: whatif supposes failures, and steer tells who is answered with what. Likewise health judges what a
// check can say, and failover how long a failover takes.
//
// Every name is asked for a client of every place that the records tell apart, and one that nothing is known of, and
// for every outcome that chance can have.
package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/cidr"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/quota"
)

// An Input is what is audited. Only State is needed; what else is known makes more findings possible and no finding
// wrong.
type Input struct {
	// State is the zones to judge with all of their record sets, and all health checks of the account. A check that no
	// record set here cites counts as orphaned, so zones should not be left out. Where a check's Healthy is known, it
	// tells which groups have nothing healthy now.
	State plan.State `json:"state"`

	// Judged are the ids of the zones whose findings are wanted, and of what concerns no zone by itself; empty means all.
	// The others are needed all the same: they may share load balancers and health checks with these.
	Judged []string `json:"-"`

	// LoadBalancers are those that are known; nil means that nobody asked.
	LoadBalancers []LoadBalancer `json:"loadBalancers,omitempty"`
	// AllLoadBalancers says that there are no others: an alias of one that is not listed is dangling.
	AllLoadBalancers bool `json:"allLoadBalancers,omitempty"`

	// Collections are the CIDR collections of IP-based routing; one that is missing has no blocks.
	Collections []cidr.Collection `json:"collections,omitempty"`

	// Policies, which failover.Default has completed, say which RTO their hostnames have been promised.
	Policies []failover.Policy `json:"policies,omitempty"`
	// RTO is the promise for hostnames without a policy; 0 is none.
	RTO failover.Duration `json:"rto,omitempty"`

	// Reports are what single checkers say, by the id of the check.
	Reports map[string][]health.Report `json:"reports,omitempty"`

	Provider failover.Provider `json:"provider,omitempty"` // empty means AWS
	Limits   quota.Limits      `json:"limits,omitzero"`    // zero means quota.Default on AWS, none on an engine
	// RecordSetLimits are how many record sets single zones may have, by id; Limits is for the others.
	RecordSetLimits map[string]int `json:"recordSetLimits,omitempty"`
}

// What a Region says about its load balancers.
type (
	LoadBalancer = failover.Balancer
	Rule         = failover.ListenerRule
	TargetGroup  = failover.TargetGroup
)

// A Severity says how bad a finding is.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical" // a failure will take down what it should not, or will not be left
	Warning  Severity = "warning"  // failover works, and not as it seems to
	Info     Severity = "info"     // good to know
)

// rank orders severities, worst first.
func (s Severity) rank() int { return slices.Index([]Severity{Critical, Warning, Info}, s) }

// A Finding is one thing that is wrong.
type Finding struct {
	ID       string   `json:"id"` // the rule, "shared-fate"; stable
	Severity Severity `json:"severity"`
	// what the fix changes: record sets and load balancers, then health checks; sorted
	Objects   []string `json:"objects"`
	Hostnames []string `json:"hostnames"` // whose users are affected; sorted, may be empty
	Why       string   `json:"why"`
	Fix       string   `json:"fix"`
	Reference string   `json:"reference"` // "r53: A.9"
}

// A rule is one pure check.
type rule func(a *auditor, add func(Finding))

// rules are all checks in the order of what has to be mended first.
func rules() []rule {
	return []rule{
		unjudged,         // every group can be answered at all
		belowDelegations, // every record set is served
		aliasTargets,     // every alias has a target
		nothingHealthy,   // no group answers with what is known to be down
		sharedFate,       // no application takes others down through a shared load balancer
		danglingChecks,   // every cited health check exists
		ownFailover,      // no check follows the failover it controls
		wrongEndpoint,    // every check probes what its member sends clients to
		crossedChecks,    // no calculated check counts another member's endpoint
		wrongApplication, // every check reaches the application that it stands for
		greenTargetless,  // no check is healthy while its application has no healthy target
		blindChecks,      // every check sees the application, not only the load balancer
		constantChecks,   // every check can fail and can succeed
		invertedChecks,   // no check says the opposite by accident
		uncheckedGroups,  // every group can fail over
		stuckMembers,     // every member is left when all behind it fails
		sharedChecks,     // no single check empties a group
		failoverRoles,    // failover groups have both roles, each with a health
		zeroWeights,      // weights of 0 mean what they seem to
		singleRegions,    // latency groups have somewhere to go
		missingDefaults,  // every client has an answer
		sameTargets,      // members of a group do not end at one endpoint
		unequalTimers,    // members of a group fail and recover at one speed
		recoveryTimes,    // failover is as fast as promised
		failOpenSurprise, // what was taken out stays out
		borrowedChecks,   // what Bulkhead made is cited by what Bulkhead made
		brokenChildren,   // every child of a calculated check exists
		orphanedChecks,   // every check is used
		splitCheckers,    // checkers agree
		quotas,           // there is room
		costs,            // and what it costs
	}
}

// Audit lists what is wrong, worst first; within a severity in the order of the rules, then by object. The same input
// gives the same findings. It changes nothing.
func Audit(in Input) []Finding {
	a := newAuditor(in)
	findings := []Finding{}
	for _, r := range rules() {
		var found []Finding
		r(a, func(f Finding) {
			f.Objects, f.Hostnames = checksLast(sortedUnique(f.Objects)), sortedUnique(f.Hostnames)
			found = append(found, f)
		})
		found = merge(found)
		slices.SortStableFunc(found, func(a, b Finding) int { return slices.Compare(a.Objects, b.Objects) })
		findings = append(findings, slices.DeleteFunc(found, func(f Finding) bool { return !a.concerns(f) })...)
	}
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Compare(a.Severity.rank(), b.Severity.rank()) })
	return findings
}

// ExitStatus is what a command that audits exits with: 3 when there is a finding of the severity or a worse one, else
// 0.
func ExitStatus(findings []Finding, atLeast Severity) int {
	if slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity.rank() <= atLeast.rank() }) {
		return 3
	}
	return 0
}

// provider is where the records live.
func (in Input) provider() failover.Provider { return cmp.Or(in.Provider, failover.AWS) }

func sortedUnique(list []string) []string {
	list = slices.Sorted(slices.Values(list))
	if list == nil {
		return []string{}
	}
	return slices.Compact(list)
}

// checksLast puts health checks behind all else, so that findings are not ordered by ids that say nothing.
func checksLast(objects []string) []string {
	slices.SortStableFunc(objects, func(a, b string) int {
		switch ca, cb := strings.HasPrefix(a, checkPrefix), strings.HasPrefix(b, checkPrefix); {
		case ca && !cb:
			return 1
		case cb && !ca:
			return -1
		}
		return 0
	})
	return objects
}

// plural writes a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
