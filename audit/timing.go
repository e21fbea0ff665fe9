package audit

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/whatif"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// highestTTL is the TTL in seconds beyond which Route 53's guide does not go for records with health checks. r53: D.2.
const highestTTL = 60

// longTTL is the TTL in seconds from which it is told where nothing is promised: then resolvers keep an answer for
// longer than a check with the usual timers takes to fail.
const longTTL = 120

// check returns the endpoint check of a member, nil when it has none.
func (a *auditor) check(m *member) *health.Config {
	if c := a.Checks[m.Set.HealthCheckID]; c != nil && c.Config.Type.IsEndpoint() {
		return &c.Config
	}
	return nil
}

// unequalTimers finds groups whose members do not fail equally fast.
func unequalTimers(a *auditor, add func(Finding)) {
	for _, g := range a.routed() {
		timers := map[string][]*member{}
		for _, m := range g.Members {
			if c := a.check(m); c != nil {
				key := fmt.Sprintf("%d × %s", c.Threshold(), short(c.Interval()))
				timers[key] = append(timers[key], m)
			}
		}
		if len(timers) < 2 {
			continue
		}
		var texts []string
		var objects []*member
		for _, key := range slices.Sorted(maps.Keys(timers)) {
			worst := failover.Objectives(a.pseudoPolicy(timers[key]...), a.in.provider()).Detection.Worst
			texts = append(texts, fmt.Sprintf("%s for %s (detected within %s)", key, few(identifiers(timers[key])),
				short(worst)))
			objects = append(objects, timers[key]...)
		}
		add(Finding{ID: "timers-unequal", Severity: Warning, Objects: describeAll(objects), Hostnames: g.Hostnames(),
			Why: "Members of this group fail at different speeds: " + listed(texts) + ".",
			Fix: "Give all of these checks one FailureThreshold and one RequestInterval (the interval cannot be changed: " +
				"create checks anew).", Reference: "r53: D.1"})
	}
}

func identifiers(members []*member) []string {
	var list []string
	for _, m := range members {
		list = append(list, cmp.Or(m.Set.SetIdentifier, m.String()))
	}
	return list
}

// pseudoPolicy is the policy that would have made a member, as far as its timing goes.
func (a *auditor) pseudoPolicy(members ...*member) failover.Policy {
	var p failover.Policy
	for _, m := range members {
		c := a.check(m)
		p.Spec.Regions = append(p.Spec.Regions, failover.Region{Name: m.Set.SetIdentifier, TTL: longestTTL(m),
			HealthCheck: &failover.HealthCheck{Type: string(c.Type), RequestInterval: new(int(c.Interval() / time.Second)),
				FailureThreshold: new(c.Threshold()), CheckerRegions: c.Regions}})
	}
	return p
}

// longestTTL is the longest that an answer of a member is kept, nil for load balancers alone.
func longestTTL(m *member) *int64 {
	var longest *int64
	m.Walk(func(m *member) {
		if ttl := m.Set.TTL; ttl != nil && (longest == nil || *ttl > *longest) {
			longest = ttl
		}
	})
	return longest
}

// recoveryTimes finds groups that fail over more slowly than promised, and TTLs that are too long where nothing is
// promised. r53: D.1, D.2.
func recoveryTimes(a *auditor, add func(Finding)) {
	for _, g := range a.routed() {
		checked := slices.DeleteFunc(slices.Clone(g.Members), func(m *member) bool { return a.check(m) == nil })
		if len(checked) == 0 || len(g.Members) < 2 || g.Problem != nil {
			a.kept(g, add)
			continue
		}
		rto := failover.Objectives(a.pseudoPolicy(checked...), a.in.provider())
		parts := fmt.Sprintf("%s at worst (detection %s, propagation %s, TTL %s)", short(rto.Worst),
			short(rto.Detection.Worst),
			short(rto.Propagation.Worst), short(rto.TTL.Worst))
		promise := a.promise(g)
		switch {
		case promise.rto > 0 && rto.Worst > promise.rto:
			add(Finding{ID: "rto-missed", Severity: Critical, Objects: describeAll(checked), Hostnames: g.Hostnames(),
				Why: fmt.Sprintf("A failover takes %s; %s promises %s.", parts, promise.by, short(promise.rto)),
				Fix: a.faster(checked, promise.rto), Reference: "r53: D.1"})
		case promise.rto == 0:
			long := slices.DeleteFunc(checked, func(m *member) bool { t := longestTTL(m); return t == nil || *t <= longTTL })
			if len(long) > 0 {
				add(Finding{ID: "ttl-long", Severity: Warning, Objects: describeAll(long), Hostnames: g.Hostnames(),
					Why: fmt.Sprintf("Resolvers keep answers for up to %s, and go on sending clients to a member that has failed: a "+
						"failover takes %s.", short(rto.TTL.Worst), parts),
					Fix: fmt.Sprintf("Set TTL to %d, which the guide of Route 53 advises for records with health checks.",
						highestTTL),
					Reference: "r53: D.2"})
			}
		}
	}
}

// A promise is an RTO, and who made it.
type promise struct {
	rto time.Duration // 0: none
	by  string
}

// promisesOf are the promises of policies by hostname, the shortest where several are for one.
func promisesOf(policies []failover.Policy) map[string]promise {
	promises := map[string]promise{}
	for _, p := range policies {
		name, err := zone.ParseName(p.Spec.Hostname)
		if err != nil {
			continue
		}
		made := promise{time.Duration(p.Spec.Objectives.RTO), "policy " + p.Key()}
		promises[whatif.Host(name)] = shorter(promises[whatif.Host(name)], made)
	}
	return promises
}

func shorter(a, b promise) promise {
	if b.rto > 0 && (a.rto == 0 || b.rto < a.rto) {
		return b
	}
	return a
}

// promise is the shortest RTO of the names by which users come to a group: what is promised for a name holds for its
// aliases. Input.RTO is for groups for none of whose names a policy promises anything.
func (a *auditor) promise(g *group) promise {
	var p promise
	for _, name := range g.Hostnames() {
		p = shorter(p, a.promises[name])
	}
	if p.rto == 0 {
		return promise{time.Duration(a.in.RTO), "the audit"}
	}
	return p
}

// kept finds groups without checks of their own whose answers alone are kept for longer than is promised.
func (a *auditor) kept(g *group, add func(Finding)) {
	promise := a.promise(g)
	listening := slices.DeleteFunc(slices.Clone(g.Members), func(m *member) bool { return !a.listens(m) })
	if promise.rto == 0 || len(listening) == 0 || len(g.Members) < 2 {
		return
	}
	longest := int64(0)
	for _, m := range listening {
		ttl := int64(highestTTL) // of load balancers. r53: A.9
		if t := longestTTL(m); t != nil {
			ttl = *t
		}
		longest = max(longest, ttl)
	}
	if d := time.Duration(longest) * time.Second; d >= promise.rto {
		add(Finding{ID: "rto-missed", Severity: Critical, Objects: describeAll(listening), Hostnames: g.Hostnames(),
			Why: fmt.Sprintf("Resolvers keep answers for %s, which leaves nothing of the %s that %s promises for detection.",
				short(d),
				short(promise.rto), promise.by),
			Fix: "Set a shorter TTL, on addresses instead of aliases of load balancers (whose TTL is fixed at 60), or " +
				"promise more time.",
			Reference: "r53: D.1, D.2"})
	}
}

// faster names the settings nearest to those that are, and still fast enough, in the order in which failover looks for
// them: the threshold stays as high as it can, because it keeps single bad probes from moving clients, then the TTL as
// long, then the interval, because short ones cost money.
func (a *auditor) faster(members []*member, promise time.Duration) string {
	slowest := 1
	for _, m := range members {
		slowest = max(slowest, a.check(m).Threshold())
	}
	for threshold := slowest; threshold >= 1; threshold-- {
		for _, ttl := range []int64{math.MaxInt32, 60, 30} {
			for _, interval := range []int{30, 10} {
				p := a.pseudoPolicy(members...)
				for i := range p.Spec.Regions {
					limit(&p.Spec.Regions[i], interval, threshold, ttl)
				}
				rto := failover.Objectives(p, a.in.provider())
				if rto.Worst <= promise {
					return fmt.Sprintf("Set %s: %s at worst. An interval cannot be changed: where it is longer, create the check "+
						"anew.",
						settings(p), short(rto.Worst))
				}
			}
		}
	}
	return "No setting that Route 53 takes is fast enough: promise more time, or keep traffic in the standby Region " +
		"all along."
}

// limit makes a Region no slower than this. r53: B.2.
func limit(r *failover.Region, interval, threshold int, ttl int64) {
	h := r.HealthCheck
	h.RequestInterval = new(min(interval, *h.RequestInterval))
	h.FailureThreshold = new(min(threshold, *h.FailureThreshold))
	if r.TTL != nil {
		r.TTL = new(min(ttl, *r.TTL))
	}
}

// settings names the slowest of a policy's settings.
func settings(p failover.Policy) string {
	interval, threshold, ttl := 0, 0, int64(-1)
	for _, r := range p.Spec.Regions {
		interval = max(interval, *r.HealthCheck.RequestInterval)
		threshold = max(threshold, *r.HealthCheck.FailureThreshold)
		if r.TTL != nil {
			ttl = max(ttl, *r.TTL)
		}
	}
	text := fmt.Sprintf("RequestInterval to %d and FailureThreshold to %d at most", interval, threshold)
	if ttl >= 0 {
		text += fmt.Sprintf(", and TTL to %d", ttl)
	}
	return text
}

// short writes a duration without what is zero: 2m50s, 3m.
func short(d time.Duration) string { return failover.Duration(d).String() }
