// Package health decides whether an endpoint is healthy: what a check asks for, how one checker's results become its
// state, who of the checkers has a vote on a check, and how their votes become one verdict.
//
// Everything is a function of its arguments: time is passed in, nothing is probed here. Rules are Route 53's, cited as
// r53: B.1 to B.8 where they are applied:
//
//   - a config is complete after Normalize: every default that the API echoes is filled in;
//   - a checker's state changes after FailureThreshold consecutive results against it, in both directions (Machine);
//   - a checker votes while its lease can be believed (Contact) and its Region is assigned to the check (Voters);
//   - a check is healthy when more than 18 % of its checkers say so (Aggregate), a CALCULATED check when enough of its
//     children are (Calculate);
//   - Inverted reverses that verdict, Disabled replaces it;
//   - Verdicts holds the verdict of every check and since when it is so.
package health

import (
	"slices"
	"strings"
	"time"
)

// A Type is a Route 53 health check type.
type Type string

// The types the engine runs. CLOUDWATCH_METRIC and RECOVERY_CONTROL are refused at creation: they need services that
// exist only in AWS. r53: B.1.
const (
	HTTP          Type = "HTTP"
	HTTPS         Type = "HTTPS"
	HTTPStrMatch  Type = "HTTP_STR_MATCH"
	HTTPSStrMatch Type = "HTTPS_STR_MATCH"
	TCP           Type = "TCP"
	Calculated    Type = "CALCULATED"
)

// The types that Route 53 knows and the engine refuses.
const (
	cloudWatchMetric Type = "CLOUDWATCH_METRIC"
	recoveryControl  Type = "RECOVERY_CONTROL"
)

// IsEndpoint says that checkers probe something for a check of this type: all types but CALCULATED.
func (t Type) IsEndpoint() bool { return t == TCP || t.IsHTTP() }

// IsHTTP says that the probe asks for a page, with or without TLS.
func (t Type) IsHTTP() bool {
	return t == HTTP || t == HTTPS || t.MatchesString()
}

// IsTLS says that the probe speaks TLS.
func (t Type) IsTLS() bool { return t == HTTPS || t == HTTPSStrMatch }

// MatchesString says that the probe looks for SearchString in the body.
func (t Type) MatchesString() bool { return t == HTTPStrMatch || t == HTTPSStrMatch }

// Config is Route 53's HealthCheckConfig. Pointers tell an absent element from its zero value. r53: B.2.
type Config struct {
	IPAddress                string   `json:"ipAddress,omitempty"` // literal IPv4 or IPv6
	Port                     *int     `json:"port,omitempty"`      // 1..65535
	Type                     Type     `json:"type"`
	ResourcePath             string   `json:"resourcePath,omitempty"` // as given; Path is what is requested
	FullyQualifiedDomainName string   `json:"fullyQualifiedDomainName,omitempty"`
	SearchString             string   `json:"searchString,omitempty"`
	RequestInterval          *int     `json:"requestInterval,omitempty"`  // seconds: 10 or 30; the engine also takes 1..9
	FailureThreshold         *int     `json:"failureThreshold,omitempty"` // 1..10
	MeasureLatency           *bool    `json:"measureLatency,omitempty"`
	Inverted                 *bool    `json:"inverted,omitempty"`
	Disabled                 *bool    `json:"disabled,omitempty"`
	HealthThreshold          *int     `json:"healthThreshold,omitempty"`   // 0..256, CALCULATED only
	ChildHealthChecks        []string `json:"childHealthChecks,omitempty"` // ids, CALCULATED only
	EnableSNI                *bool    `json:"enableSNI,omitempty"`
	Regions                  []string `json:"regions,omitempty"` // of CheckerRegions; empty means all

	// What follows belongs to types that the engine refuses. It is here so that a request that carries it is answered
	// as Route 53 answers; no accepted config has it.
	AlarmIdentifier              *AlarmIdentifier `json:"-"`
	InsufficientDataHealthStatus string           `json:"-"`
	RoutingControlArn            string           `json:"-"`
}

// An AlarmIdentifier names a CloudWatch alarm in a request.
type AlarmIdentifier struct{ Region, Name string }

// A Check is a health check as the API stores it.
type Check struct {
	ID              string `json:"id"` // lower-case UUID
	CallerReference string `json:"callerReference"`
	Version         int64  `json:"version"` // starts at 1, +1 per successful update
	Config          Config `json:"config"`
}

// Defaults of absent elements. r53: B.2.
const (
	defaultRequestInterval  = 30 // seconds
	defaultFailureThreshold = 3
)

// Path is the request target of the probe: ResourcePath with a leading "/", which is also what an absent path means.
// r53: B.2.
func (c Config) Path() string {
	if strings.HasPrefix(c.ResourcePath, "/") {
		return c.ResourcePath
	}
	return "/" + c.ResourcePath
}

// PortNumber is the port probed: 80 for HTTP and 443 for HTTPS when absent, 0 where there is none. r53: B.2.
func (c Config) PortNumber() int {
	switch {
	case c.Port != nil:
		return *c.Port
	case c.Type.IsTLS():
		return 443
	case c.Type.IsHTTP():
		return 80
	}
	return 0
}

// Interval is the pause between the end of one probe and the start of the next; 30 s when absent. r53: B.2, B.3.
func (c Config) Interval() time.Duration {
	return time.Duration(value(c.RequestInterval, defaultRequestInterval)) * time.Second
}

// Threshold is the number of consecutive results that turns a checker, 1..10; 3 when absent. r53: B.4.
func (c Config) Threshold() int { return value(c.FailureThreshold, defaultFailureThreshold) }

// Probed says that checkers have work with this check: it has an endpoint and is not disabled. r53: B.6.
func (c Config) Probed() bool { return c.Type.IsEndpoint() && !value(c.Disabled, false) }

// SendsSNI says that the probe names the endpoint in its ClientHello: EnableSNI, true for HTTPS types when absent, and
// a name to send. r53: B.2, B.3.
func (c Config) SendsSNI() bool {
	return c.Type.IsTLS() && value(c.EnableSNI, true) && c.FullyQualifiedDomainName != ""
}

// CheckerRegions returns the Regions that Route 53's checkers run in. r53: B.4.
func CheckerRegions() []string {
	return []string{"us-east-1", "us-west-1", "us-west-2", "eu-west-1",
		"ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "sa-east-1"}
}

// value is what p points to, or def when the element is absent.
func value[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}

// clone copies what c refers to, so that changing the copy never shows in c.
func (c Config) clone() Config {
	for _, p := range []**int{&c.Port, &c.RequestInterval, &c.FailureThreshold, &c.HealthThreshold} {
		*p = clonePointer(*p)
	}
	for _, p := range []**bool{&c.MeasureLatency, &c.Inverted, &c.Disabled, &c.EnableSNI} {
		*p = clonePointer(*p)
	}
	c.AlarmIdentifier = clonePointer(c.AlarmIdentifier)
	c.ChildHealthChecks = slices.Clone(c.ChildHealthChecks)
	c.Regions = slices.Clone(c.Regions)
	return c
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return new(*p)
}
