package controller

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// hashOf stands for what a plan does. Verdicts that come and go do not change it: it has to stand until somebody has read it.
func hashOf(p plan.Plan) string {
	h := sha256.New()
	e := json.NewEncoder(h)
	for _, s := range p.Steps {
		if s.Wait == nil {
			// Plain values always have a JSON form.
			_ = e.Encode(s)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// short is how people name a plan: the beginning of its hash.
func short(hash string) string { return hash[:min(16, len(hash))] }

// making lists the policies of a plan whose checks it makes, marks or changes.
func making(planned plan.Plan) []string {
	var keys []string
	for _, s := range planned.Steps {
		switch s.Kind {
		case plan.CreateCheck, plan.TagCheck, plan.UpdateCheck:
			keys = append(keys, plan.PolicyOf(s.Check.Key))
		}
	}
	return keys
}

// waitedFor are the policies whose checks need a verdict before the records of a plan change.
func waitedFor(planned plan.Plan) (keys []string) {
	for _, s := range planned.Steps {
		if s.Wait != nil {
			for _, key := range s.Wait.Checks {
				keys = append(keys, plan.PolicyOf(key))
			}
		}
	}
	return keys
}

// removes reports whether a plan takes a record set away or replaces one.
func removes(planned plan.Plan) bool {
	return slices.ContainsFunc(planned.Steps, func(s plan.Step) bool {
		return s.Batch != nil && slices.ContainsFunc(s.Batch.Changes, func(c plan.RecordChange) bool { return c.Action != zone.Create })
	})
}

// changing are the policies of which a plan changes or deletes what exists.
func changing(planned plan.Plan) (keys []string) {
	for _, s := range planned.Steps {
		switch {
		case s.Kind == plan.UpdateCheck || s.Kind == plan.DeleteCheck:
			keys = append(keys, plan.PolicyOf(s.Check.Key))
		case s.Batch != nil:
			for _, c := range s.Batch.Changes {
				if c.Action != zone.Create {
					keys = append(keys, c.Policy)
				}
			}
		}
	}
	return keys
}

// policiesIn are the policies that the steps of a plan are for, sorted.
func policiesIn(planned plan.Plan) []string {
	var keys []string
	for _, s := range planned.Steps {
		keys = append(keys, policiesOf(s)...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// policiesOf are the policies that a step is for.
func policiesOf(s plan.Step) (keys []string) {
	switch {
	case s.Check != nil:
		keys = append(keys, plan.PolicyOf(s.Check.Key))
	case s.Wait != nil:
		for _, key := range s.Wait.Checks {
			keys = append(keys, plan.PolicyOf(key))
		}
	case s.Batch != nil:
		for _, c := range s.Batch.Changes {
			keys = append(keys, c.Policy)
		}
	}
	return slices.DeleteFunc(keys, func(key string) bool { return key == "" })
}
