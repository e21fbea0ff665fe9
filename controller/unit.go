package controller

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// A unit is one hostname at work: all that policies of the cluster ask for it. It is planned, written, waited for, refused and tried
// again by itself. What others ask for does not matter to it.
type unit struct {
	name       string // the hostname, or a policy's key where there is none
	namespace  string // whose turn is used
	tasks      []*task
	digest     string             // of what is asked
	due        time.Time          // when it is looked at again; zero: when something changes
	pause      time.Duration      // the last one
	outcomes   map[string]outcome // by policy
	written    uint64             // the worker's count of writes after the last one for this unit
	settled    bool               // what was read after the last write was as wanted
	repeats    int                // rounds that wrote something since it was settled
	granted    bool               // an administrator has allowed what it asks for
	guarded    bool               // it waits, because its namespace changes too much at once
	everywhere bool               // of guarded: because too much changes over the account
	anew       []string           // checks whose tags other clusters change, and that decide what becomes of it
	follows    bool               // it waits until other Regions have followed
	agreed     time.Time          // since when all Regions ask for the same routing, and another one is to change it
}

// An outcome is what became of a task: the condition Programmed.
type outcome struct {
	done            bool
	reason, message string
	awaits          bool // a healthy verdict, and nothing else
	held            bool // what changes waits until an operator undoes what he has made of its check by hand
}

// The pauses of a unit that does not get done: the first ones, by what it waits for, and the longest.
const (
	firstPause    = 5 * time.Second
	engineVerdict = 300 * time.Millisecond // engines probe at once
	awsVerdict    = 10 * time.Second       // AWS begins within half a minute
	longestPause  = 5 * time.Minute
	mostRepeats   = 6 // a change may need some writes: a check, its records, what it replaces
)

// wait leaves a unit alone for a while, longer each time.
func (u *unit) wait(first time.Duration, now time.Time) {
	longest := longestPause
	if u.follows {
		longest = longestAgreement
	}
	u.pause = min(max(first, 2*u.pause), longest)
	u.due = now.Add(u.pause)
}

// done reports whether all of its tasks are done, or have nothing to do.
func (u *unit) done() bool {
	for _, t := range u.tasks {
		if t.intent != leave && !u.outcomes[t.key].done {
			return false
		}
	}
	return true
}

// until is when one of the tasks is something else by time alone; zero for never.
func (u *unit) until() (next time.Time) {
	for _, t := range u.tasks {
		next = earlier(next, t.until)
	}
	return next
}

// earlier returns the earlier of two times, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// arrange sorts tasks into units. What is asked anew is ready at once; what is asked as before goes on as it was.
func (w *worker) arrange(tasks []task, force []string, now time.Time) {
	byName := make(map[string][]*task)
	for i := range tasks {
		byName[tasks[i].unit()] = append(byName[tasks[i].unit()], &tasks[i])
	}
	units := make(map[string]*unit, len(byName))
	for name, list := range byName {
		slices.SortStableFunc(list, func(a, b *task) int { return cmp.Or(cmp.Compare(b.intent, a.intent), strings.Compare(a.key, b.key)) })
		digest := digestOf(list)
		u := w.units[name]
		if u == nil || u.digest != digest {
			u = &unit{name: name, digest: digest, due: now, outcomes: make(map[string]outcome)}
			if before := w.units[name]; before != nil {
				u.written, u.outcomes = before.written, before.outcomes
			}
		}
		if u.guarded && !slices.Equal(force, w.force) {
			u.due = now
		}
		u.tasks, u.namespace = list, list[0].namespace
		u.tell()
		units[name] = u
	}
	w.units, w.force = units, force
}

// tell notes the outcomes of the tasks that are left alone, and forgets those of tasks that are gone.
func (u *unit) tell() {
	outcomes := make(map[string]outcome, len(u.tasks))
	for _, t := range u.tasks {
		if t.intent != leave {
			if o, known := u.outcomes[t.key]; known {
				outcomes[t.key] = o
			}
		}
	}
	for _, t := range u.tasks {
		if _, known := outcomes[t.key]; !known && t.intent == leave && t.refusal != nil {
			outcomes[t.key] = outcome{reason: t.refusal.reason, message: t.refusal.message}
		}
	}
	u.outcomes = outcomes
}

// digestOf is the same for the same tasks.
func digestOf(tasks []*task) string {
	h := sha256.New()
	e := json.NewEncoder(h)
	for _, t := range tasks {
		if t.intent != leave {
			// Nothing in it fails to encode: names, numbers and pointers to them.
			_ = e.Encode([]any{t.key, t.intent, t.hostname, t.zones, t.desired, t.limit, t.forced, t.takeOver})
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// ready are the units whose time has come, in the order of their turns: one of each namespace, then the next of each. The namespace
// that was served longest ago begins.
func (w *worker) ready(now time.Time) []*unit {
	byNamespace := make(map[string][]*unit)
	for _, u := range w.units {
		if !u.due.IsZero() && !now.Before(u.due) {
			byNamespace[u.namespace] = append(byNamespace[u.namespace], u)
		}
	}
	var namespaces []string
	for namespace, units := range byNamespace {
		namespaces = append(namespaces, namespace)
		slices.SortFunc(units, func(a, b *unit) int { return cmp.Or(a.due.Compare(b.due), strings.Compare(a.name, b.name)) })
	}
	slices.SortFunc(namespaces, func(a, b string) int { return cmp.Or(cmp.Compare(w.served[a], w.served[b]), strings.Compare(a, b)) })
	var order []*unit
	for turn := 0; ; turn++ {
		before := len(order)
		for _, namespace := range namespaces {
			if units := byNamespace[namespace]; turn < len(units) {
				order = append(order, units[turn])
			}
		}
		if len(order) == before {
			return order
		}
	}
}

// serve notes that a unit had its turn.
func (w *worker) serve(u *unit) {
	w.turn++
	w.served[u.namespace] = w.turn
}

// nudge has policies looked at again at once: something that they wait for has happened.
func (w *worker) nudge(keys map[string]bool, now time.Time) {
	for _, u := range w.units {
		for _, t := range u.tasks {
			if keys[t.key] && !u.done() {
				u.due = now
			}
		}
	}
}

// outcomes are those of all policies. Of two tasks with one key, at most one is more than left alone, and that one is told of.
func (w *worker) outcomes() map[string]outcome {
	all := make(map[string]outcome, len(w.units))
	for _, leaving := range []bool{true, false} {
		for _, u := range w.units {
			for _, t := range u.tasks {
				if o, known := u.outcomes[t.key]; known && leaving == (t.intent == leave) {
					all[t.key] = o
				}
			}
		}
	}
	return all
}
