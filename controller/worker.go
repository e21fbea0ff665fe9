package controller

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A worker brings the units of one account and Region about. It has no state that another worker could not do without: what it
// remembers saves calls, and says what to leave alone for a while.
//
// A round takes the units whose time has come, in turns by namespace, and never waits: not for a verdict, not for name servers, not
// for a person. What has to wait comes back in a later round, and nobody waits for it.
type worker struct {
	region   string
	provider failover.Provider
	applier  *apply.Applier
	log      *slog.Logger
	resync   time.Duration

	// Set before each round.
	clusterName string                   // what people call the cluster; may be empty
	cluster     string                   // its identity, by which what was made for it is known again; empty: nothing is
	classes     map[string]classRule     // by name of the class: what becomes of what nobody asks for any more
	classOf     map[string]string        // the class of each policy that there is an object of
	zones       []zone.HostedZone        // in which there may be something of the cluster's
	healthy     func(check string) *bool // what polls have found lately; nil: nothing

	units  map[string]*unit  // by name
	served map[string]uint64 // turn in which a namespace had its last one
	turn   uint64
	force  []string
	recent []changed         // what was changed lately, for the guards
	held   map[string]string // plans that wait for an administrator's word, by whose they are

	state   plan.State // as it was read, with what was written since
	readAt  time.Time  // zero: not read yet
	read    uint64     // count of writes when it was read
	writes  uint64     // count of writes
	stale   bool       // something is not as the state says
	asked   time.Time  // when the account was read last because of what other clusters may have done
	due     time.Time  // when everything is compared although nothing is asked anew
	open    []string   // changes that not all name servers answer by yet
	quiet   time.Time  // before which no check is deleted: changes of a controller before this one may be under way
	limits  *quota.Limits
	limited time.Time // when limits were read

	missing   map[string]time.Time // since when nobody asks for policies that have something here
	abandoned []string             // of these, the policies that are gone without a trace
}

// A classRule is what a class says about what nobody asks for any more.
type classRule struct {
	hold            time.Duration // how long what was asked for stays
	removeAbandoned bool
}

// A roundReport is what a round has done.
type roundReport struct {
	idle    bool              // nothing was asked of the provider
	steps   map[plan.Kind]int // that were executed
	drifted []string          // policies that were corrected although nothing was asked anew
	next    time.Time         // when to come back although nothing changes
}

// How much a round takes on before it lets others be seen: policies that come up meanwhile have their turn in the next one.
const (
	engineSlice = 25
	awsSlice    = 10
	roundTime   = time.Second
	maxPlans    = 12 // for one slice
)

// A round is one round at work.
type round struct {
	*worker
	now     time.Time
	tasks   []task             // of the cluster
	left    map[string]outcome // tasks that are left out of this round
	first   map[string]time.Duration
	later   map[string]bool // policies of which only deletions are left, which have to wait
	wrote   map[string]bool // policies of which something was written
	allowed map[string]bool // policies whose refused plan was executed, because somebody had allowed it
	report  roundReport
}

// round brings units about as far as possible without waiting, and remembers what became of each. force are the hashes of plans that
// an administrator has allowed. An error is about the account as a whole; the next round goes on where this one ended.
func (w *worker) round(ctx context.Context, tasks []task, force []string, now time.Time) (roundReport, error) {
	w.begin()
	w.arrange(w.withLeftovers(tasks, now), force, now)
	r := &round{worker: w, now: now, tasks: tasks, left: make(map[string]outcome), first: make(map[string]time.Duration), later: make(map[string]bool),
		wrote: make(map[string]bool), allowed: make(map[string]bool), report: roundReport{steps: make(map[plan.Kind]int)}}
	resync := !now.Before(w.due)
	if resync {
		for _, u := range w.units {
			u.due = now
		}
	}
	if len(w.ready(now)) == 0 && !resync && len(r.unreadZones()) == 0 {
		r.report.idle, r.report.next = true, w.next()
		return r.report, nil
	}
	if err := r.look(ctx, resync); err != nil {
		return r.report, err
	}
	if resync {
		// Controllers that started together do not come back together.
		w.due = now.Add(w.resync - rand.N(w.resync/10+1))
	}
	survey, err := r.survey(w.ready(now))
	if err != nil {
		return r.report, err
	}
	r.guard(survey)
	for _, u := range survey.untouched {
		r.conclude(u)
	}
	if err := r.work(ctx, w.ready(now)); err != nil {
		return r.report, err
	}
	r.report.next = w.next()
	return r.report, nil
}

// begin makes what a worker has none of yet.
func (w *worker) begin() {
	if w.units == nil {
		w.units, w.served, w.missing, w.held = make(map[string]*unit), make(map[string]uint64), make(map[string]time.Time), make(map[string]string)
	}
}

// look reads the account when what is known of it does not do: nothing is known, it is old, or something was written for a unit that is
// to be compared now.
func (r *round) look(ctx context.Context, resync bool) error {
	r.judge()
	old := r.readAt.IsZero() || r.now.Sub(r.readAt) > r.refresh() || r.stale || resync
	old = r.forgetOthers() || old
	if old || len(r.unreadZones()) > 0 || slices.ContainsFunc(r.ready(r.now), func(u *unit) bool { return u.written > r.read }) {
		return r.readState(ctx)
	}
	return nil
}

// refresh is how old what is known of the account may be when something is planned: other Regions' controllers change theirs.
func (w *worker) refresh() time.Duration {
	if w.provider == failover.AWS {
		return awsRefresh
	}
	return engineRefresh
}

// readState reads the account.
func (r *round) readState(ctx context.Context) error {
	state, err := r.applier.Read(ctx, r.zonesToRead())
	if err != nil {
		return err
	}
	if r.readAt.IsZero() && r.provider == failover.AWS {
		r.quiet = r.now.Add(time.Minute)
	}
	r.state, r.readAt, r.read, r.stale = state, r.now, r.writes, false
	r.judge()
	r.arrange(r.withLeftovers(r.tasks, r.now), r.force, r.now)
	return nil
}

// judge fills in the verdicts that polls have found.
func (r *round) judge() {
	for i := range r.state.Checks {
		c := &r.state.Checks[i]
		if c.Healthy = nil; r.healthy != nil {
			c.Healthy = r.healthy(c.ID)
		}
	}
}

// work takes units in turns, a slice at a time, until the round has taken its time.
func (r *round) work(ctx context.Context, ready []*unit) error {
	size, begun := engineSlice, time.Now()
	if r.provider == failover.AWS {
		size = awsSlice
	}
	for slice := range slices.Chunk(ready, size) {
		if time.Since(begun) > roundTime {
			return nil // the others are still ready
		}
		if err := r.slice(ctx, slice); err != nil {
			return err
		}
		for _, u := range slice {
			r.serve(u)
			r.conclude(u)
		}
	}
	return nil
}

// conclude notes what became of a unit, and when to come back to it.
func (r *round) conclude(u *unit) {
	outcomes := make(map[string]outcome, len(u.tasks))
	first, later, wrote := time.Duration(0), false, false
	for _, t := range u.tasks {
		o, left := r.left[t.key]
		switch {
		case left:
			first = max(first, r.first[t.key])
		case t.intent == leave:
			o = u.outcomes[t.key]
		default:
			o = done(t)
		}
		if o.reason != "" {
			outcomes[t.key] = o
		}
		later, wrote = later || r.later[t.key], wrote || r.wrote[t.key]
	}
	if u.settled && wrote {
		for _, t := range u.tasks {
			if r.wrote[t.key] && t.intent == program {
				r.report.drifted = append(r.report.drifted, t.key)
			}
		}
	}
	u.outcomes, u.guarded = outcomes, false
	switch {
	case !u.done():
		u.wait(max(first, engineVerdict), r.now)
	case later:
		u.due = r.now.Add(r.verdictPause())
	case wrote:
		u.settled = false
		u.due = r.now.Add(r.verifyPause())
	case u.written > r.read: // compared with what was written, not with what was read
		u.due = r.now.Add(r.verifyPause())
	default:
		u.due, u.pause, u.settled, u.repeats, u.granted = time.Time{}, 0, true, 0, false
		u.anew, u.follows, u.agreed = nil, false, time.Time{}
	}
	if wrote {
		u.written = r.writes
	}
}

// verdictPause is how long a first verdict takes, or name servers take.
func (w *worker) verdictPause() time.Duration {
	if w.provider == failover.AWS {
		return awsVerdict
	}
	return engineVerdict
}

// verifyPause is when what was written is read again and compared: what Route 53 gives back may be another text than it was given.
func (w *worker) verifyPause() time.Duration {
	if w.provider == failover.AWS {
		return time.Minute // its lists may be as old
	}
	return 0
}

// done is the outcome of a task that was brought about.
func done(t *task) outcome {
	switch t.intent {
	case program:
		return outcome{done: true, reason: v1alpha1.ReasonProgrammed, message: "this Region's health check and records are as wanted"}
	case withdraw:
		return outcome{done: true, reason: v1alpha1.ReasonRemoved, message: "its source has vanished, the hold period is over, and this Region's record is removed"}
	case release:
		return outcome{done: true, reason: v1alpha1.ReasonRemoved, message: "it is deleted, and this Region's health check and records go"}
	case destroy:
		return outcome{done: true, reason: v1alpha1.ReasonRemoved, message: "this Region's health check and records are removed"}
	}
	return outcome{}
}

// next is when something is to be done although nothing changes.
func (w *worker) next() time.Time {
	next := w.due
	for _, u := range w.units {
		next = earlier(earlier(next, u.due), u.until())
	}
	return next
}

// unreadZones are zones that units may have records in and that the state was not read of.
func (r *round) unreadZones() []zone.HostedZone {
	return slices.DeleteFunc(r.zonesToRead(), func(z zone.HostedZone) bool {
		return slices.ContainsFunc(r.state.Zones, func(known zone.HostedZone) bool { return known.ID == z.ID })
	})
}
