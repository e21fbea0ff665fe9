package health

import (
	"slices"
	"time"
)

// A Verdict is the status of a check and since when the check has been healthy or unhealthy.
type Verdict struct {
	Status
	Since time.Time // when this node came to the present Healthy; the first decision when it never changed
}

// Verdicts holds the verdict of every check as one node decides it. Three things go in: which checks there are (Put,
// Delete), who reports on them (the votes given to Decide) and whose reports are in doubt (Contact). The verdict is a
// function of the three, and of the last verdict where nobody votes.
type Verdicts map[string]*decided

// A decided check.
type decided struct {
	config Config
	// measured is the last verdict that votes gave, before Inverted and Disabled; nil until there was a vote.
	measured *bool
	verdict  Verdict
	parents  []string // CALCULATED checks that count this one
}

// Put adds a check or replaces its config. last is the verdict as measured that is known from an earlier run, nil for
// none; it is used for a check without a vote so far. Put returns the state in which a checker starts to probe the
// check: the last verdict as measured, healthy when there is none. The check's verdict is decided by the next Decide
// that names it.
func (v Verdicts) Put(c Check, last *bool) (healthy bool) {
	d, ok := v[c.ID]
	if !ok {
		d = &decided{}
		v[c.ID] = d
		for id, other := range v { // a parent may be known before its child
			if slices.Contains(other.config.ChildHealthChecks, c.ID) {
				d.parents = append(d.parents, id)
			}
		}
	}
	v.unlink(d, c.ID)
	d.config = c.Config
	for _, child := range d.config.ChildHealthChecks {
		if child, ok := v[child]; ok {
			child.parents = append(child.parents, c.ID)
		}
	}
	if d.measured == nil {
		d.measured = clonePointer(last)
	}
	return value(d.measured, true)
}

// Delete forgets a check and returns the CALCULATED checks that counted it: their verdicts are to be decided again.
func (v Verdicts) Delete(id string) (parents []string) {
	d, ok := v[id]
	if !ok {
		return nil
	}
	delete(v, id)
	v.unlink(d, id)
	return d.parents
}

// unlink takes a check out of its children's parents.
func (v Verdicts) unlink(d *decided, id string) {
	for _, child := range d.config.ChildHealthChecks {
		if c, ok := v[child]; ok {
			c.parents = slices.DeleteFunc(c.parents, func(parent string) bool { return parent == id })
		}
	}
}

// Decide decides the given checks at now, and after them the CALCULATED checks that count them. votes returns who
// reports on a check. Decide returns whether each check that it decided is healthy; one that is deleted is: records
// that still cite it are answered (r53: A.10). A CALCULATED check is never a child (r53: B.8), so one level of parents
// is enough.
func (v Verdicts) Decide(
	ids []string, votes func(id string) (votes []Vote, doubt Doubt), now time.Time,
) (healthy map[string]bool) {
	healthy = map[string]bool{}
	var calculated []string
	for _, id := range ids {
		d, ok := v[id]
		switch {
		case !ok:
			healthy[id] = true
		case d.config.Type == Calculated:
			calculated = append(calculated, id)
		default:
			ballot, doubt := votes(id)
			status, measured := Aggregate(d.config, Voters(d.config, ballot, doubt), d.measured)
			if status.Checkers > 0 {
				d.measured = &measured
			}
			healthy[id] = d.turn(status, now)
			calculated = append(calculated, d.parents...)
		}
	}
	for _, id := range calculated {
		d := v[id]
		healthy[id] = d.turn(Calculate(d.config, v.countsAsHealthy), now)
	}
	return healthy
}

// turn replaces the verdict.
func (d *decided) turn(s Status, now time.Time) (healthy bool) {
	since := d.verdict.Since
	if since.IsZero() || s.Healthy != d.verdict.Healthy {
		since = now
	}
	d.verdict = Verdict{s, since}
	return s.Healthy
}

// countsAsHealthy is the final status of a child. A missing one counts as healthy. r53: B.4.
func (v Verdicts) countsAsHealthy(child string) bool {
	d, ok := v[child]
	return !ok || d.verdict.Healthy
}

// Verdict returns the verdict of a check; ok is false when there is no such check.
func (v Verdicts) Verdict(id string) (verdict Verdict, ok bool) {
	if d, ok := v[id]; ok {
		return d.verdict, true
	}
	return Verdict{}, false
}

// Measured returns the verdicts that votes gave, before Inverted and Disabled, by check: what the next run starts from.
func (v Verdicts) Measured() map[string]bool {
	measured := make(map[string]bool, len(v))
	for id, d := range v {
		if d.measured != nil {
			measured[id] = *d.measured
		}
	}
	return measured
}

// Unhealthy is the number of unhealthy checks.
func (v Verdicts) Unhealthy() (n int) {
	for _, d := range v {
		if !d.verdict.Healthy {
			n++
		}
	}
	return n
}
