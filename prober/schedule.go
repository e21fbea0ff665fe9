package prober

import (
	"container/heap"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/bulkhead-dns/bulkhead/health"
)

const (
	// jitter is the greatest part of a pause that is left out at random, so that checkers drift apart and no check comes
	// later than its interval says.
	jitter = 0.05
	// confirmations is how many re-probes after a first failure fit into one interval. See Options.FastConfirmation.
	confirmations = 5
	// slack is how much before its time a probe may start, so that one wake-up serves many: a wake-up costs more than a
	// probe does.
	slack = 10 * time.Millisecond
	// unmadeEvery and internalEvery bound how often probes that could not be made, and refused probes, are logged.
	unmadeEvery   = 10 * time.Second
	internalEvery = 10 * time.Minute
)

// A task is one checker's work with one check. Everything in it is guarded by Prober.mu.
type task struct {
	entry   *entry
	checker int // index in Options.Checkers

	wanted   bool               // the check is to be probed by this checker
	running  bool               // a probe is in flight or its report is being delivered
	reprobe  bool               // the next probe is due as soon as the running one ends
	cancel   context.CancelFunc // ends that probe
	starts   uint               // times the machine started: a result of an earlier start is dropped
	machine  *health.Machine    // of a wanted task
	report   health.Report      // the latest, when reported
	reported bool

	due   time.Time
	place int // in the queue, or nowhere
}

// nowhere is the place of a task that is not queued: idle or running.
const nowhere = -1

// start begins with a new machine and a first probe at a random time within the interval. p.mu is held.
func (p *Prober) start(t *task, healthy bool) {
	t.wanted = true
	t.machine = health.NewMachine(t.entry.check.Config.Threshold(), healthy)
	p.forgetResults(t)
	if !t.running { // else its end queues the next
		p.enqueue(t, firstPause(t))
	}
}

// stop ends the probing of a task. p.mu is held.
func (p *Prober) stop(t *task) {
	t.wanted, t.machine = false, nil
	p.forgetResults(t)
	if t.place != nowhere {
		heap.Remove(&p.queue, t.place)
	}
}

func (p *Prober) forgetResults(t *task) {
	t.starts++
	t.report, t.reported = health.Report{}, false
	if t.running {
		t.cancel()
	}
}

// firstPause spreads the first probes of checks over their interval.
func firstPause(t *task) time.Duration {
	return time.Duration(rand.Float64() * float64(t.entry.check.Config.Interval()))
}

// nextPause is the time from the end of one probe to the start of the next. r53: B.3.
func (p *Prober) nextPause(t *task) time.Duration {
	pause := float64(t.entry.check.Config.Interval())
	if p.o.FastConfirmation && (t.machine.Healthy() && t.machine.Against() > 0 || t.entry.expectant()) {
		pause /= confirmations
	}
	return time.Duration(pause * (1 - jitter*rand.Float64()))
}

// enqueue makes a task wait, and wakes the scheduler if it is the first in line. p.mu is held.
func (p *Prober) enqueue(t *task, pause time.Duration) {
	t.due = time.Now().Add(pause)
	if t.place == nowhere {
		heap.Push(&p.queue, t)
	} else {
		heap.Fix(&p.queue, t.place)
	}
	if t.place == 0 {
		p.look()
	}
}

// look wakes the scheduler.
func (p *Prober) look() {
	select {
	case p.wake <- struct{}{}:
	default: // it is going to look already
	}
}

// Run probes until ctx ends and every probe in flight has returned; results that come in after the end are dropped. It
// may be called once. Checks may be set before it; their first probes are spread over the interval from its start.
func (p *Prober) Run(ctx context.Context) error {
	p.mu.Lock()
	if p.running {
		p.mu.Unlock()
		return errors.New("the prober runs already")
	}
	p.running = true
	now := time.Now()
	for _, t := range p.queue {
		t.due = now.Add(firstPause(t))
	}
	heap.Init(&p.queue)
	p.mu.Unlock()

	// Probes must not inherit a deadline of ctx: it would look like the endpoint's time-out.
	probeCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var probes sync.WaitGroup
	defer probes.Wait()
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-p.wake:
		}
		pause, waiting := p.launch(probeCtx, &probes)
		if waiting {
			timer.Reset(pause)
		}
	}
}

// launch starts every probe that is due, as far as MaxInFlight allows, and returns how long to wait for the next.
func (p *Prober) launch(ctx context.Context, probes *sync.WaitGroup) (pause time.Duration, waiting bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for len(p.queue) > 0 {
		t := p.queue[0]
		if early := t.due.Sub(now); early > slack {
			return early, true
		}
		if p.inFlight == p.o.MaxInFlight {
			return 0, false // the end of a probe wakes us
		}
		heap.Pop(&p.queue)
		t.running = true
		p.inFlight++
		probeCtx, cancel := context.WithCancel(ctx)
		t.cancel = cancel
		j := job{t, t.starts, t.entry.check, p.o.Checkers[t.checker]}
		probes.Go(func() {
			defer cancel()
			p.run(probeCtx, j)
		})
	}
	return 0, false
}

// A job is a task as it was when its probe started.
type job struct {
	task    *task
	start   uint
	check   health.Check
	checker Checker
}

// run makes one probe, delivers its report and queues the next.
func (p *Prober) run(ctx context.Context, j job) {
	began := time.Now()
	result := p.probe(ctx, j)
	ended := time.Now()

	p.mu.Lock()
	t := j.task
	var report health.Report
	var changed bool
	counts := t.starts == j.start && ctx.Err() == nil
	if counts && result.unmade != nil {
		if n := p.unmade.due(ended, unmadeEvery); n > 0 {
			p.o.Logger.Warn("probes could not be made; their results are missing",
				slog.Int("probes", n), slog.Any("err", result.unmade))
		}
		counts = false
	}
	if counts {
		report, changed = t.observe(j, result, ended, ended.Sub(began))
	}
	p.mu.Unlock()

	if counts {
		p.o.OnReport(report, changed)
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	reprobe := t.reprobe
	t.running, t.reprobe, t.cancel = false, false, nil
	p.inFlight--
	switch {
	case !t.wanted:
		p.forget(t.entry)
	case reprobe:
		p.enqueue(t, 0)
	case t.starts != j.start:
		p.enqueue(t, firstPause(t))
	default:
		p.enqueue(t, p.nextPause(t)-time.Since(ended))
	}
	if p.inFlight == p.o.MaxInFlight-1 {
		p.look()
	}
}

// observe takes a result into the machine and the report. p.mu is held.
func (t *task) observe(j job, r result, at time.Time, latency time.Duration) (health.Report, bool) {
	changed := t.machine.Observe(r.ok, at) || !t.reported
	t.reported = true
	t.report.Check, t.report.Checker, t.report.Region = j.check.ID, j.checker.Name, j.checker.Region
	if j.checker.IPAddress.IsValid() {
		t.report.IPAddress = j.checker.IPAddress.String()
	}
	t.report.Healthy, t.report.Since = t.machine.Healthy(), t.machine.Since()
	t.report.Status, t.report.CheckedTime, t.report.Latency = r.status, at, latency
	if !r.ok {
		t.report.Failure, t.report.FailureTime = r.status, at
	}
	return t.report, changed
}

// warnInternal logs a probe that was refused. The check's owner is told less: whoever runs the engine has to see which
// address it is.
func (p *Prober) warnInternal(check string, a netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := p.internal.due(time.Now(), internalEvery); n > 0 {
		p.o.Logger.Warn("probes of internal addresses are refused; "+
			"allow those that are yours with --probe-allow or probeAllow",
			slog.Int("probes", n), slog.String("check", check), slog.String("address", a.String()))
	}
}

// A warning is logged now and then, with the number of events since the last time.
type warning struct {
	events int
	logged time.Time
}

// due counts an event, and returns how many to log now; 0 when it is not time yet.
func (w *warning) due(now time.Time, every time.Duration) int {
	w.events++
	if now.Sub(w.logged) < every {
		return 0
	}
	n := w.events
	w.events, w.logged = 0, now
	return n
}

// A queue is a heap of tasks by due time.
type queue []*task

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push is for container/heap.
func (q *queue) Push(x any) {
	t := x.(*task)
	t.place = len(*q)
	*q = append(*q, t)
}

// Pop is for container/heap.
func (q *queue) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	t.place = nowhere
	return t
}
