package health

import "net/netip"

// Rules are the limits of the place a check is created in.
type Rules struct {
	// MinRequestInterval is the smallest accepted interval in seconds; 0 means 10, as on AWS. The engine sets 1: values
	// from MinRequestInterval to 9 are then accepted beside 10 and 30, an extension of the engine.
	MinRequestInterval int
	// AllowedAddresses are internal addresses (r53: B.5) that are accepted all the same; none, as on AWS, without any.
	AllowedAddresses []netip.Prefix
	// AddressHint is a sentence that the refusal of an address ends with: what the place would accept. May be empty.
	AddressHint string
	// Child returns an existing check by id, for CALCULATED checks; nil means that none exists.
	Child func(id string) (Config, bool)
}

// InvalidInput is Route 53's error for a config that is refused.
type InvalidInput struct{ Message string }

// Error is the message as the API gives it.
func (e *InvalidInput) Error() string { return e.Message }

// Normalize validates a config for creation and returns a copy with every default filled in, as the API echoes it. The
// error is *InvalidInput with Route 53's message. r53: B.2, B.5, B.8.
func Normalize(c Config, r Rules) (Config, error) {
	c = c.clone()
	err := validate(c, c, r)
	if err != nil {
		return Config{}, err
	}
	return withDefaults(c), nil
}

// withDefaults fills in what Route 53 echoes for absent elements. ResourcePath and Regions stay absent, and a path
// stays as given: a client that compares what it sent with what it reads back must find no difference. r53: B.2 "Echo".
func withDefaults(c Config) Config {
	setDefault(&c.Inverted, false)
	setDefault(&c.Disabled, false)
	if !c.Type.IsEndpoint() {
		c.MeasureLatency, c.EnableSNI = nil, nil // only false is accepted there, and it says nothing
		return c
	}
	if port := c.PortNumber(); port != 0 {
		setDefault(&c.Port, port)
	}
	setDefault(&c.RequestInterval, defaultRequestInterval)
	setDefault(&c.FailureThreshold, defaultFailureThreshold)
	setDefault(&c.MeasureLatency, false)
	setDefault(&c.EnableSNI, c.Type.IsTLS()) // true for HTTPS is (unconfirmed) and what the console does
	return c
}

func setDefault[T any](p **T, def T) {
	if *p == nil {
		*p = &def
	}
}

// An Update is UpdateHealthCheckRequest: nil or empty members are left alone, ResetElements are cleared.
type Update struct {
	Config        Config   // only what the request carried; Type, RequestInterval, MeasureLatency must be absent
	ResetElements []string // FullyQualifiedDomainName, Regions, ResourcePath, ChildHealthChecks
}

// ApplyUpdate returns the config after an update, validated as Normalize does. It never changes old. Address, interval
// and children that the update leaves alone are not judged again: a check may outlive the rules it was created under,
// or one of its children, and must still be changeable. r53: B.2, B.8.
func ApplyUpdate(old Config, u Update, r Rules) (Config, error) {
	err := validateUpdate(old, u)
	if err != nil {
		return Config{}, err
	}
	c, with := old.clone(), u.Config.clone()
	for _, name := range u.ResetElements {
		switch name {
		case "FullyQualifiedDomainName":
			c.FullyQualifiedDomainName = ""
		case "Regions":
			c.Regions = nil
		case "ResourcePath":
			c.ResourcePath = ""
		case "ChildHealthChecks":
			c.ChildHealthChecks = nil
		}
	}
	replaceString(&c.IPAddress, with.IPAddress)
	replaceString(&c.ResourcePath, with.ResourcePath)
	replaceString(&c.FullyQualifiedDomainName, with.FullyQualifiedDomainName)
	replaceString(&c.SearchString, with.SearchString)
	replaceString(&c.InsufficientDataHealthStatus, with.InsufficientDataHealthStatus)
	replacePointer(&c.Port, with.Port)
	replacePointer(&c.FailureThreshold, with.FailureThreshold)
	replacePointer(&c.Inverted, with.Inverted)
	replacePointer(&c.Disabled, with.Disabled)
	replacePointer(&c.HealthThreshold, with.HealthThreshold)
	replacePointer(&c.EnableSNI, with.EnableSNI)
	replacePointer(&c.AlarmIdentifier, with.AlarmIdentifier)
	replaceList(&c.ChildHealthChecks, with.ChildHealthChecks)
	replaceList(&c.Regions, with.Regions)
	err = validate(c, with, r)
	if err != nil {
		return Config{}, err
	}
	return withDefaults(c), nil
}

func replaceString(p *string, s string) {
	if s != "" {
		*p = s
	}
}

func replacePointer[T any](p **T, v *T) {
	if v != nil {
		*p = v
	}
}

func replaceList(p *[]string, v []string) {
	if len(v) > 0 {
		*p = v
	}
}
