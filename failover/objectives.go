package failover

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bulkhead-dns/bulkhead/health"
)

// A Span is a time in the ordinary and in the worst case.
type Span struct {
	Typical time.Duration `json:"typical"`
	Worst   time.Duration `json:"worst"`
}

// An RTO is how long a failover takes, from the moment an endpoint fails until clients are answered with another one.
// The embedded Span is the sum of detection, propagation and TTL. What a client does with open connections is not in
// it.
type RTO struct {
	Span
	// Detection is the time until the check is unhealthy, when every probe takes as long as it can to fail: t of r53: D.1
	// is what health.Type.SlowestFailure says, 6 s for HTTP and HTTPS, 8 s where a string is looked for, 10 s for TCP.
	Detection Span `json:"detection"`
	// AtOnce is the detection when probes are answered badly at once (t is 0), as by a load balancer without healthy
	// targets.
	AtOnce      Span `json:"atOnce"`
	Propagation Span `json:"propagation"` // from the check's status to DNS answers
	TTL         Span `json:"ttl"`         // how long resolvers keep the old answer
	Recovery    Span `json:"recovery"`    // until the check is healthy again, after the endpoint is
}

// Figures of r53: D.1. Propagation on AWS is a third party's estimate (unconfirmed).
const (
	awsCheckersPerRegion = 2
	engineCheckers       = 3  // assumed: one in each of three places
	confirmations        = 5  // re-probes of the engine that fit into one interval after a first failure
	aliasTTL             = 60 // seconds; r53: A.9
)

// Objectives computes the RTO of a policy that Default has completed: the slowest of its Regions. r53: D.1.
//
// On the engine a first failed probe is confirmed by quick ones (docs/route53-compatibility.md), so that only the first
// waits for the interval.
func Objectives(p Policy, provider Provider) RTO {
	var slowest RTO
	for _, r := range p.Spec.Regions {
		ttl := int64(aliasTTL)
		if r.TTL != nil {
			ttl = *r.TTL
		}
		rto := objectives(*r.HealthCheck, time.Duration(ttl)*time.Second, provider)
		if rto.Worst > slowest.Worst {
			slowest = rto
		}
	}
	return slowest
}

func objectives(h HealthCheck, ttl time.Duration, provider Provider) RTO {
	n := engineCheckers
	rto := RTO{Propagation: Span{50 * time.Millisecond, 500 * time.Millisecond}, TTL: Span{ttl / 2, ttl}}
	if provider == AWS {
		n = awsCheckersPerRegion * or(len(h.CheckerRegions), len(health.CheckerRegions()))
		rto.Propagation = Span{7500 * time.Millisecond, 10 * time.Second}
	}
	// The share of healthy checkers must fall to 18 %, and must exceed it again. r53: B.4.
	stay := n * health.QuorumPercent / 100
	interval, more := time.Duration(h.interval())*time.Second, time.Duration(h.threshold()-1)
	first := Span{part(interval, n-stay, n+1), interval}
	rto.Detection = h.detection(first, health.Type(h.Type).SlowestFailure(), provider)
	rto.AtOnce = h.detection(first, 0, provider)
	rto.Recovery = Span{part(interval, stay+1, n+1) + more*interval, interval + more*interval}
	rto.Typical = rto.Detection.Typical + rto.Propagation.Typical + rto.TTL.Typical
	rto.Worst = rto.Detection.Worst + rto.Propagation.Worst + rto.TTL.Worst
	return rto
}

// detection is the time until enough checkers have turned, when the first failing probe begins after first and every
// failing probe takes t. r53: D.1.
func (h HealthCheck) detection(first Span, t time.Duration, provider Provider) Span {
	again := time.Duration(h.interval()) * time.Second
	if provider == Engine {
		again /= confirmations
	}
	rest := t + time.Duration(h.threshold()-1)*(again+t)
	return Span{first.Typical + rest, first.Worst + rest}
}

// part is a/b of d, to a tenth of a second, or to a hundredth of d where that is finer.
func part(d time.Duration, a, b int) time.Duration {
	return (d * time.Duration(a) / time.Duration(b)).Round(min(100*time.Millisecond, d/100))
}

// intervals lists the request intervals of a provider, slowest first. r53: B.2.
func intervals(provider Provider) []int {
	if provider == AWS {
		return []int{30, 10}
	}
	return []int{30, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}
}

// unmet says why a policy's RTO cannot be met, with the nearest setting that can and its cost; it is empty when it can.
// Nearest is the first of candidates.
func unmet(p Policy, fastest Fastest, provider Provider) string {
	want := time.Duration(p.Spec.Objectives.RTO)
	now := Objectives(p, provider)
	if now.Worst <= want {
		return ""
	}
	reason := fmt.Sprintf("cannot be met: the worst case is %s (detection %s, propagation %s, TTL %s)", short(now.Worst),
		short(now.Detection.Worst), short(now.Propagation.Worst), short(now.TTL.Worst))
	best, found := p, false
	for _, candidate := range candidates(p, fastest, provider) {
		rto := Objectives(candidate, provider)
		if rto.Worst <= want {
			best, found = candidate, true
			break
		}
		if rto.Worst < Objectives(best, provider).Worst {
			best = candidate
		}
	}
	rto := Objectives(best, provider)
	if !found {
		return fmt.Sprintf("%s; the fastest that is accepted here, %s, takes %s", reason, settings(best), short(rto.Worst))
	}
	reason = fmt.Sprintf("%s; %s takes %s", reason, settings(best), short(rto.Worst))
	before, after := PolicyCost(p, provider), PolicyCost(best, provider)
	switch {
	case provider != AWS:
	case before == after:
		reason += fmt.Sprintf(", for %s a month as before", after)
	default:
		reason += fmt.Sprintf(", for %s a month instead of %s", after, before)
	}
	return reason
}

// candidates are faster forms of a policy, nearest first: the threshold stays as high as it can, because it keeps
// single bad probes from moving clients; then TTLs of addresses stay as they are, no shorter than resolvers heed (r53:
// D.2); then the interval stays as long as it can, because short ones cost money.
func candidates(p Policy, fastest Fastest, provider Provider) []Policy {
	var list []Policy
	for threshold := slowestThreshold(p); threshold >= max(1, fastest.FailureThreshold); threshold-- {
		for _, ttl := range []int64{maxTTL, 60, 30} {
			for _, interval := range intervals(provider) {
				if interval >= fastest.RequestInterval {
					list = append(list, p.faster(interval, threshold, ttl))
				}
			}
		}
	}
	return list
}

func slowestThreshold(p Policy) int {
	threshold := 0
	for _, r := range p.Spec.Regions {
		threshold = max(threshold, r.HealthCheck.threshold())
	}
	return threshold
}

// faster returns the policy with timers and TTLs that are at most these.
func (p Policy) faster(interval, threshold int, ttl int64) Policy {
	p.Spec.Regions = slices.Clone(p.Spec.Regions)
	for i := range p.Spec.Regions {
		r := &p.Spec.Regions[i]
		h := *r.HealthCheck
		h.RequestInterval = new(min(interval, h.interval()))
		h.FailureThreshold = new(min(threshold, h.threshold()))
		r.HealthCheck = &h
		if r.TTL != nil {
			r.TTL = new(min(ttl, *r.TTL))
		}
	}
	return p
}

// settings says what a policy is set to: in one breath where all Regions have the same, else by Region.
func settings(p Policy) string {
	var texts []string
	same := true
	for _, r := range p.Spec.Regions {
		text := fmt.Sprintf("requestInterval %d, failureThreshold %d", r.HealthCheck.interval(), r.HealthCheck.threshold())
		if r.TTL != nil {
			text += fmt.Sprintf(", ttl %d", *r.TTL)
		}
		same = same && (len(texts) == 0 || texts[0] == text)
		texts = append(texts, text)
	}
	if same {
		return texts[0]
	}
	for i := range texts {
		texts[i] = p.Spec.Regions[i].Name + " with " + texts[i]
	}
	return strings.Join(texts, " and ")
}
