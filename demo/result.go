package demo

import "time"

// A Result is all that the demo measured, and whether it went as promised.
type Result struct {
	StartedAt        time.Time `json:"startedAt"`
	RequestInterval  int       `json:"requestInterval"`  // seconds
	FailureThreshold int       `json:"failureThreshold"` // consecutive probes
	Seconds          float64   `json:"seconds"`          // how long the demo took
	Engine           Engine    `json:"engine"`
	Applied          Applied   `json:"applied"`
	// Chapters are "granular" and "all-or-nothing", in this order.
	Chapters     []Chapter     `json:"chapters"`
	Expectations []Expectation `json:"expectations"`
	Held         bool          `json:"held"` // every expectation held
}

// Applied is what plan and apply made of the FailoverPolicies of the first chapter.
type Applied struct {
	Policies     int            `json:"policies"`
	HealthChecks int            `json:"healthChecks"`
	RecordSets   int            `json:"recordSets"`
	WriteCalls   int            `json:"writeCalls"` // as planned
	Calls        map[string]int `json:"calls"`      // made until the plan was executed, by operation, reads included
}

// An Engine says where things were reached.
type Engine struct {
	API     string   `json:"api"`
	DNS     string   `json:"dns"`
	Regions []Region `json:"regions"`
}

// A Region of the lab, as its load balancer is seen from outside.
type Region struct {
	Name         string `json:"name"`
	LoadBalancer string `json:"loadBalancer"`
	HostedZoneID string `json:"hostedZoneId"`
	Address      string `json:"address"`
}

// A Chapter is one way of keeping records through one fault.
type Chapter struct {
	Name    string `json:"name"`
	Records string `json:"records"` // how records and health checks are set up
	Fault   string `json:"fault"`
	// CausedAt is when the fault was caused; all seconds of the chapter count from it. HealedAfter is when it was mended.
	CausedAt    time.Time    `json:"causedAt"`
	HealedAfter float64      `json:"healedAfter"`
	Events      []Event      `json:"events"`
	Users       []UserReport `json:"users"`
}

// An Event is something that happened in a chapter.
type Event struct {
	Seconds float64 `json:"seconds"`
	Kind    Kind    `json:"kind"`
	Text    string  `json:"text"`
}

// A UserReport is what one user went through in a chapter.
type UserReport struct {
	User
	MovedTo string `json:"movedTo,omitempty"` // the Region they were served from while away from home
	// MovedAfter and ReturnedAfter are when DNS first answered another Region, and their own again; nil when it did not.
	MovedAfter    *float64 `json:"movedAfter"`
	ReturnedAfter *float64 `json:"returnedAfter"`
	Requests      int      `json:"requests"`
	Failed        int      `json:"failed"`
	Timeline      []Moment `json:"timeline"`
}

// An Expectation is one promise and whether it held.
type Expectation struct {
	Text string `json:"text"`
	Held bool   `json:"held"`
}

func (c *Chapter) user(application, place string) UserReport {
	for _, u := range c.Users {
		if u.Application == application && u.Place == place {
			return u
		}
	}
	return UserReport{}
}

// judge compares what happened with what Bulkhead promises.
func judge(chapters []Chapter, faulty, other string) []Expectation {
	granular, old := &chapters[0], &chapters[1]
	app1, app2 := granular.user("app1", faulty), granular.user("app2", faulty)
	expect := []Expectation{
		{"app1's users near " + faulty + " moved to " + other, app1.MovedTo == other && app1.MovedAfter != nil},
		{"app1's users returned to " + faulty + " after it was mended",
			app1.ReturnedAfter != nil && *app1.ReturnedAfter > granular.HealedAfter},
		{"app2's users near " + faulty + " never moved", app2.Requests > 0 && app2.MovedAfter == nil},
		{"app2's users saw no failed request", app2.Failed == 0 && granular.user("app2", other).Failed == 0},
		{"users near " + other + " never moved",
			granular.user("app1", other).MovedAfter == nil && granular.user("app2", other).MovedAfter == nil},
	}
	dragged, back := old.user("app2", faulty), old.user("app2", faulty)
	return append(expect,
		Expectation{"the old way dragged app2's users near " + faulty + " to " + other,
			dragged.MovedTo == other && dragged.MovedAfter != nil},
		Expectation{"the old way brought them back after app1 was mended", back.ReturnedAfter != nil},
	)
}
