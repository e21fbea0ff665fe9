// Package health decides whether an endpoint is healthy: what a check asks for, how one checker's results become its state, and
// how the states of all checkers become one verdict.
//
// Everything is a function of its arguments: time is passed in, nothing is probed here. Rules are Route 53's (B.1 to B.6).
package health

// A Type is a Route 53 health check type.
type Type string

// The types the engine runs. CLOUDWATCH_METRIC and RECOVERY_CONTROL are refused at creation: they need AWS. r53: B.1.
const (
	HTTP          Type = "HTTP"
	HTTPS         Type = "HTTPS"
	HTTPStrMatch  Type = "HTTP_STR_MATCH"
	HTTPSStrMatch Type = "HTTPS_STR_MATCH"
	TCP           Type = "TCP"
	Calculated    Type = "CALCULATED"
)

// Config is Route 53's HealthCheckConfig. Pointers tell an absent element from its zero value. r53: B.2.
type Config struct {
	IPAddress                string   `json:"ipAddress,omitempty"`
	Port                     *int     `json:"port,omitempty"` // 1..65535
	Type                     Type     `json:"type"`
	ResourcePath             string   `json:"resourcePath,omitempty"`
	FullyQualifiedDomainName string   `json:"fullyQualifiedDomainName,omitempty"`
	SearchString             string   `json:"searchString,omitempty"`
	RequestInterval          *int     `json:"requestInterval,omitempty"`  // seconds: 10 or 30; the engine also takes 1..9
	FailureThreshold         *int     `json:"failureThreshold,omitempty"` // 1..10
	MeasureLatency           *bool    `json:"measureLatency,omitempty"`
	Inverted                 *bool    `json:"inverted,omitempty"`
	Disabled                 *bool    `json:"disabled,omitempty"`
	HealthThreshold          *int     `json:"healthThreshold,omitempty"` // 0..256, CALCULATED only
	ChildHealthChecks        []string `json:"childHealthChecks,omitempty"`
	EnableSNI                *bool    `json:"enableSNI,omitempty"`
	Regions                  []string `json:"regions,omitempty"`
}

// A Check is a health check as the API stores it.
type Check struct {
	ID              string `json:"id"` // lower-case UUID
	CallerReference string `json:"callerReference"`
	Version         int64  `json:"version"` // starts at 1, +1 per successful update
	Config          Config `json:"config"`
}

// Rules are the limits of the place a check is created in.
type Rules struct {
	// MinRequestInterval is the smallest accepted interval in seconds; 0 means 10, as on AWS. The engine sets 1: values from
	// MinRequestInterval to 9 are then accepted beside 10 and 30.
	MinRequestInterval int
	// AllowPrivateAddresses accepts literal addresses that AWS refuses (r53: B.5), which on-prem and lab checks need.
	AllowPrivateAddresses bool
	// Child returns an existing check by id, for CALCULATED checks.
	Child func(id string) (Config, bool)
}

// Normalize validates a config for creation and returns it with every default filled in, as the API echoes it. The error is
// *InvalidInput with Route 53's message. r53: B.2, B.5, B.8.
func Normalize(c Config, r Rules) (Config, error) { panic("contract") }

// An Update is UpdateHealthCheckRequest: nil or empty members are left alone, ResetElements are cleared.
type Update struct {
	Config        Config   // only what the request carried; Type, RequestInterval, MeasureLatency must be absent
	ResetElements []string // FullyQualifiedDomainName, Regions, ResourcePath, ChildHealthChecks
}

// ApplyUpdate returns the config after an update, validated as Normalize does. It never changes old.
func ApplyUpdate(old Config, u Update, r Rules) (Config, error) { panic("contract") }

// InvalidInput is Route 53's error for a config that is refused.
type InvalidInput struct{ Message string }

func (e *InvalidInput) Error() string { return e.Message }
