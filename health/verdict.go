package health

import (
	"fmt"
	"time"
)

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

// A Status is the verdict over all checkers of one check, or over all children of a CALCULATED one.
type Status struct {
	Healthy  bool
	Checkers int // reports that were counted, or children
	For      int // of these, how many say healthy
	// Reason says in one line which rule decided: quorum, disabled, no report, children; and whether it was inverted.
	Reason string
}

// QuorumPercent is the share of checkers that must be exceeded for a check to be healthy. r53: B.4, G.1 4.
const QuorumPercent = 18

// Aggregate decides an endpoint check from the reports of its live checkers: healthy iff more than 18 % say so; then
// Inverted and Disabled apply (r53: B.6). measured is the verdict before these two, to be kept and passed as previous
// the next time: with no report it stands, and previous nil means healthy, the initial status (r53: B.4). Reports of
// other checks must not be passed.
func Aggregate(c Config, reports []Report, previous *bool) (s Status, measured bool) {
	measured = value(previous, true)
	if value(c.Disabled, false) {
		// Probing has stopped: reports that are still around say nothing. r53: B.6.
		return disabled(c), measured
	}
	s.Checkers = len(reports)
	for i := range reports {
		if reports[i].Healthy {
			s.For++
		}
	}
	switch {
	case s.Checkers > 0:
		measured = s.For*100 > s.Checkers*QuorumPercent
		s.Reason = fmt.Sprintf("%d of %d checkers say healthy; more than %d %% are needed", s.For, s.Checkers, QuorumPercent)
	case previous == nil:
		s.Reason = "no report yet; a check starts healthy"
	default:
		s.Reason = "no report of a live checker; the last verdict stands"
	}
	return invert(c, s, measured), measured
}

// Calculate decides a CALCULATED check: healthy iff at least HealthThreshold of its children are, by their final
// statuses, which child returns; then Inverted and Disabled apply. A child that is disabled counts as its own final
// status says, and child must return true for one that is missing. r53: B.4, B.6.
func Calculate(c Config, child func(id string) (healthy bool)) Status {
	if value(c.Disabled, false) {
		return disabled(c)
	}
	s := Status{Checkers: len(c.ChildHealthChecks)}
	for _, id := range c.ChildHealthChecks {
		if child(id) {
			s.For++
		}
	}
	threshold := value(c.HealthThreshold, 0)
	s.Reason = fmt.Sprintf("%d of %d children are healthy; %d are needed", s.For, s.Checkers, threshold)
	return invert(c, s, s.For >= threshold)
}

// disabled is the forced status: healthy, or unhealthy when also inverted. r53: B.6.
func disabled(c Config) Status {
	return invert(c, Status{Reason: "disabled: forced healthy"}, true)
}

func invert(c Config, s Status, healthy bool) Status {
	s.Healthy = healthy
	if value(c.Inverted, false) {
		s.Healthy = !healthy
		s.Reason += "; inverted"
	}
	return s
}
