package prober

import "time"

// hintGap is the least time between two hints on one check. What comes earlier changes nothing.
const hintGap = time.Second

// ProbeNow makes a check's next probe due at once at every checker of this process that probes it, because somebody who
// sees the endpoint's surroundings expects it to have changed. It is a hint and no verdict: the probes decide as
// always, and the number of consecutive results asked for is still met.
//
// With FastConfirmation the check is probed for one interval at the pace of confirmations: what the hint is about may
// reach the endpoint a moment after the first probe, and a recovery is confirmed as fast as a failure. A check that
// gets hints all the time is probed once a second at most, beside its own pace. A hint on a check that is not there is
// ignored.
func (p *Prober) ProbeNow(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.checks[id]
	now := time.Now()
	if e == nil || now.Sub(e.hinted) < hintGap {
		return
	}
	e.hinted = now
	for _, t := range e.tasks {
		switch {
		case !t.wanted:
		case t.running: // what it finds may be of before the change
			t.reprobe = true
		default:
			p.enqueue(t, 0)
		}
	}
}

// expectant says that a hint came less than one interval ago.
func (e *entry) expectant() bool { return time.Since(e.hinted) < e.check.Config.Interval() }
