package controller

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/tagging"
)

// Changes and deletions within a time count together: a namespace that is deleted by accident, or a value that is wrong everywhere, does
// not go through in one go. Each namespace is counted by itself. Over the account, what namespaces ask for at the same time counts, none
// for more than a tenth, and where that is too much, those that ask for most wait: nobody's changes keep another's from being made.
const (
	guardWindow  = 10 * time.Minute
	guardPercent = 30
	guardFrom    = 10 // policies; of fewer, a share means nothing
	guardShare   = 10 // percent of the account that one namespace counts for at most
)

// A changed policy is one of which something that existed was changed or removed.
type changed struct {
	key string
	at  time.Time
}

// A survey is what all units that are ready would do together.
type survey struct {
	changing  map[*unit][]string // units that change or remove what exists, with the policies that they do it to
	untouched []*unit            // those that have nothing to do
}

// survey plans for the units that are ready, and for those that wait for the guard, all at once. What an administrator has allowed, and
// what was judged when its policy was deleted, is not counted as a change.
func (r *round) survey(ready []*unit) (survey, error) {
	concerned := slices.Clone(ready)
	for _, u := range r.units {
		if u.guarded && !slices.Contains(ready, u) {
			concerned = append(concerned, u)
		}
	}
	proposals := r.proposals(concerned)
	planned, err := proposals[0].diff(proposals[0].tasks, r.loose())
	if refused := (*plan.Refused)(nil); err != nil && !errors.As(err, &refused) {
		return survey{}, err
	}
	keys, touched, all := make(map[string]bool), make(map[string]bool), false
	for _, key := range changing(planned) {
		keys[key] = true
	}
	for _, key := range policiesIn(planned) {
		touched[key] = true
	}
	for _, f := range planned.Refusals {
		touched[f.Policy], all = true, all || f.Policy == ""
	}
	for _, h := range planned.Held {
		touched[plan.PolicyOf(h.Key)] = true
	}
	for _, f := range planned.Reports {
		touched[f.Policy] = touched[f.Policy] || f.Kind == plan.RoutingWaits
	}
	s := survey{changing: make(map[*unit][]string)}
	for _, u := range concerned {
		work := all
		for _, t := range u.tasks {
			removes := t.intent == destroy || t.intent == release
			if removes {
				keys[t.key] = !t.asked && !t.retained && !t.succeeded && r.has(t.key) && !r.isMarked(t.key)
			}
			work = work || removes || t.intent == withdraw || t.intent == program && touched[t.key]
			if keys[t.key] && t.intent != leave && !u.granted {
				s.changing[u] = append(s.changing[u], t.key)
			}
		}
		if !work {
			s.untouched = append(s.untouched, u)
		}
	}
	return s, nil
}

// guard leaves out what changes too much at once.
func (r *round) guard(s survey) {
	r.recent = slices.DeleteFunc(r.recent, func(c changed) bool { return r.now.Sub(c.at) >= guardWindow })
	owned, asking, counts := r.owned(), make(map[string][]*unit), make(map[string]map[string]bool)
	asks := make(map[string]int) // policies, by namespace
	count := func(key string) {
		namespace := namespaceOf(key)
		if counts[namespace] == nil {
			counts[namespace] = make(map[string]bool)
		}
		counts[namespace][key] = true
	}
	for _, c := range r.recent {
		count(c.key)
	}
	for u, keys := range s.changing {
		asking[u.namespace] = append(asking[u.namespace], u)
		asks[u.namespace] += len(keys)
		for _, key := range keys {
			count(key)
		}
	}
	before := r.held
	r.held = make(map[string]string)
	for _, u := range r.units {
		if u.guarded { // unless it is held again
			u.guarded, u.due = false, r.now
		}
	}
	all := 0
	for namespace, keys := range owned {
		all += had(keys, counts[namespace])
	}
	for namespace, keys := range counts {
		if owned[namespace] == nil {
			all += len(keys)
		}
	}
	for _, namespace := range slices.Sorted(maps.Keys(counts)) {
		has, asked := had(owned[namespace], counts[namespace]), len(counts[namespace])
		if len(asking[namespace]) > 0 && tooMany(asked, has) {
			r.hold("namespace "+namespace, fmt.Sprintf("namespace %s changes or deletes %d of its %d hostnames of %s within %s, more than %d %%", namespace, asked, has,
				r.region, guardWindow, guardPercent), asking[namespace], before)
			delete(asking, namespace)
			continue
		}
	}
	r.guardAccount(asking, asks, all, before)
}

// guardAccount leaves out what changes too much at once over many namespaces: those that ask for most wait, until somebody allows it. They
// keep nobody else from being served, and no part of what waits goes by itself.
func (r *round) guardAccount(asking map[string][]*unit, asks map[string]int, all int, before map[string]string) {
	share := func(namespace string) int { return min(asks[namespace], max(1, all*guardShare/100)) }
	var held []*unit
	n := 0
	for namespace, units := range asking {
		if slices.ContainsFunc(units, func(u *unit) bool { return u.everywhere }) {
			held = append(held, units...)
			delete(asking, namespace)
			continue
		}
		n += share(namespace)
	}
	mostFirst := func(a, b string) int {
		return cmp.Or(cmp.Compare(asks[b], asks[a]), strings.Compare(a, b))
	}
	for _, namespace := range slices.SortedFunc(maps.Keys(asking), mostFirst) {
		if !tooMany(n, all) {
			break
		}
		n -= share(namespace)
		held = append(held, asking[namespace]...)
	}
	if len(held) == 0 {
		return
	}
	r.hold("account", fmt.Sprintf("more than %d %% of the %d hostnames of %s would be changed or deleted at the same time, in many namespaces", guardPercent, all,
		r.region), held, before)
	for _, u := range held {
		u.everywhere = u.guarded
	}
}

func tooMany(n, all int) bool { return all >= guardFrom && n*100 > all*guardPercent }

// had is how many policies a namespace has, with those that it had and that are counted.
func had(owned []string, counted map[string]bool) int {
	n := len(counted)
	for _, key := range owned {
		if !counted[key] {
			n++
		}
	}
	return n
}

// isMarked reports whether all that a policy has here is to be removed already.
func (r *round) isMarked(key string) bool { return !r.has(key) || r.removalOf(key) != "" }

// loose is a guard for plans that are counted, not executed.
func (r *round) loose() plan.Guard {
	return plan.Guard{Regions: []string{r.region}, Cluster: r.cluster, ClusterName: r.clusterName, Engine: r.provider == failover.Engine, Many: true, Force: true, Limits: new(quota.Limits)}
}

// hold leaves units out that change too much together, unless an administrator has given the hash of what they do.
func (r *round) hold(whose, why string, units []*unit, before map[string]string) {
	slices.SortFunc(units, func(a, b *unit) int { return strings.Compare(a.name, b.name) })
	hash := r.hashOfUnits(units)
	if slices.Contains(r.force, hash) {
		for _, u := range units {
			u.granted, u.guarded, u.due = true, false, r.now
		}
		return
	}
	r.held[whose] = fmt.Sprintf("%s. Nothing of it is done. To do it all the same, annotate the class with %s=%s, which stands for this plan alone", why,
		v1alpha1.ForcePlanAnnotation, hash)
	if r.held[whose] != before[whose] {
		r.log.Warn("plan refused", "region", r.region, "plan", hash, "reason", why)
	}
	for _, u := range units {
		outcomes := maps.Clone(u.outcomes)
		for _, t := range u.tasks {
			if t.intent != leave {
				outcomes[t.key] = outcome{reason: v1alpha1.ReasonPending, message: why + ". It waits until fewer change at a time, or until an administrator allows it: " +
					v1alpha1.ForcePlanAnnotation + "=" + hash}
			}
		}
		u.outcomes, u.guarded, u.due = outcomes, true, r.now.Add(longestPause)
	}
}

// hashOfUnits stands for what units do.
func (r *round) hashOfUnits(units []*unit) string {
	h := sha256.New()
	for _, p := range r.proposals(units) {
		// A plan that is refused has a hash as well.
		planned, _ := p.diff(p.tasks, r.loose())
		h.Write([]byte(hashOf(planned)))
	}
	return short(hex.EncodeToString(h.Sum(nil)))
}

// counted notes what was changed or removed of what existed, but for what an administrator has allowed.
func (r *round) counted(steps []plan.Step) {
	keys := changing(plan.Plan{Steps: steps})
	for _, s := range steps {
		if s.Kind == plan.TagCheck && slices.ContainsFunc(s.Check.Tags, func(t tagging.Tag) bool { return t.Key == tagRemoval && t.Value != "" && t.Value != never }) {
			keys = append(keys, plan.PolicyOf(s.Check.Key))
		}
	}
	for _, u := range r.units {
		for _, t := range u.tasks {
			if !u.granted && !t.asked && slices.Contains(keys, t.key) {
				r.recent = append(r.recent, changed{t.key, r.now})
			}
		}
	}
}

// refusedPlans are the plans that wait for an administrator's word, in an order of their own.
func (w *worker) refusedPlans() []string {
	var list []string
	for _, whose := range slices.Sorted(maps.Keys(w.held)) {
		list = append(list, w.held[whose])
	}
	return list
}
