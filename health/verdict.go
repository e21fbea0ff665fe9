package health

import "time"

// A Machine is one checker's state for one check: it turns after FailureThreshold consecutive results against its state, in both
// directions.. r53: B.4.
type Machine struct {
	// unexported
}

// NewMachine starts a machine with the check's FailureThreshold (1..10) in the given state; Route 53 starts healthy.
func NewMachine(threshold int, healthy bool) *Machine { panic("contract") }

// Observe takes one probe result and reports whether the state changed.
func (m *Machine) Observe(ok bool, at time.Time) (changed bool) { panic("contract") }

// Healthy is the state; Against the number of consecutive results against it; Since when it last changed.
func (m *Machine) Healthy() bool    { panic("contract") }
func (m *Machine) Against() int     { panic("contract") }
func (m *Machine) Since() time.Time { panic("contract") }

// A Report is what one checker says about one check.
type Report struct {
	Check     string    `json:"check"`
	Checker   string    `json:"checker"`   // unique: "<node>/<region>"
	Region    string    `json:"region"`    // the checker's Region label
	IPAddress string    `json:"ipAddress"` // the checker's source address
	Healthy   bool      `json:"healthy"`   // the machine's state, not the last probe
	Since     time.Time `json:"since"`     // last change of state
	// Status and CheckedTime are of the last probe: "Success: HTTP Status Code 200, OK" or "Failure: …". r53: B.7.
	Status      string    `json:"status"`
	CheckedTime time.Time `json:"checkedTime"`
	// Failure and FailureTime are of the last failed probe; empty when none failed yet.
	Failure     string    `json:"failure,omitempty"`
	FailureTime time.Time `json:"failureTime,omitzero"`
	// Latency is how long the last probe took.
	Latency time.Duration `json:"latency"`
}

// A Status is the verdict over all checkers of one check.
type Status struct {
	Healthy  bool
	Checkers int // fresh reports that were counted
	For      int // of these, how many say healthy
	// Reason says in one line which rule decided: quorum, disabled, no report (last verdict stands) …
	Reason string
}

// QuorumPercent is the share of checkers that must be exceeded for a check to be healthy. r53: B.4.
const QuorumPercent = 18

// Aggregate decides an endpoint check from the reports of its live checkers: healthy iff more than 18 % say so; then Inverted and
// Disabled (r53: B.6). With no report the previous measured verdict stands; previous nil means healthy (initial status), and the result's
// inversion is applied on top of the measured value. Reports of other checks must not be passed.
func Aggregate(c Config, reports []Report, previous *bool) (s Status, measured bool) {
	panic("contract")
}

// Calculate decides a CALCULATED check from its children's final statuses. A missing child counts as healthy. r53: B.4.
func Calculate(c Config, child func(id string) (healthy bool)) Status { panic("contract") }
