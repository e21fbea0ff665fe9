package health

import "time"

// A Machine is one checker's state for one check: it turns after FailureThreshold consecutive results against its
// state, in both directions. It believes the results it is given, in the order given. r53: B.4, G.1 5.
type Machine struct {
	threshold int
	healthy   bool
	against   int
	since     time.Time
}

// NewMachine starts a machine with the check's FailureThreshold (1..10, less counts as 1) in the given state; Route 53
// starts healthy.
func NewMachine(threshold int, healthy bool) *Machine {
	return &Machine{threshold: max(threshold, 1), healthy: healthy}
}

// Observe takes one probe result and reports whether the state changed. A result that agrees with the state forgets
// those against it.
func (m *Machine) Observe(ok bool, at time.Time) (changed bool) {
	if m.since.IsZero() {
		m.since = at
	}
	if ok == m.healthy {
		m.against = 0
		return false
	}
	m.against++
	if m.against < m.threshold {
		return false
	}
	m.healthy, m.against, m.since = ok, 0, at
	return true
}

// SetThreshold changes how many results turn the machine from now on. State and count stay; only a result can turn it.
func (m *Machine) SetThreshold(threshold int) { m.threshold = max(threshold, 1) }

// Healthy is the state.
func (m *Machine) Healthy() bool { return m.healthy }

// Against is the number of consecutive results against the state, 0 up to the threshold less 1.
func (m *Machine) Against() int { return m.against }

// Since is when the state last changed, or the time of the first result before any change, or zero before any result.
func (m *Machine) Since() time.Time { return m.since }
