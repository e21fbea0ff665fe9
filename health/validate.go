package health

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of the API model and the quota of children. r53: B.2.
const (
	maxString           = 255 // characters in ResourcePath, FullyQualifiedDomainName, SearchString
	maxIPAddress        = 45
	maxFailureThreshold = 10
	maxHealthThreshold  = 256
	maxChildren         = 255 // the model says 256, the quota 255
	minRegions          = 3
	maxRegions          = 64
)

func refuse(format string, a ...any) error {
	return &InvalidInput{Message: fmt.Sprintf(format, a...)}
}

// refuseParameter is the form of what the service itself refuses, refuseXML of what the schema does. r53: B.8.
func refuseParameter(format string, a ...any) error {
	return refuse("Invalid parameter : "+format, a...)
}

func refuseXML(rule, format string, a ...any) error {
	return refuse("Invalid XML ; "+rule+": "+format, a...)
}

// validate judges the config c as it would be stored. Of what carried holds, the part that depends on the place and
// the moment is judged too: address, interval, children.
func validate(c, carried Config, r Rules) error {
	for _, step := range []func() error{
		func() error { return validateSchema(c, carried, r) },
		func() error { return validateMembers(c) },
		func() error { return validateEndpoint(c) },
		func() error { return validateAddress(carried.IPAddress, r) },
		func() error { return validateChildren(carried.ChildHealthChecks, r) },
	} {
		err := step()
		if err != nil {
			return err
		}
	}
	return nil
}

// validateSchema applies the XML schema's enumerations, ranges and lengths. r53: B.2.
func validateSchema(c, carried Config, r Rules) error {
	switch c.Type {
	case HTTP, HTTPS, HTTPStrMatch, HTTPSStrMatch, TCP, Calculated:
	case cloudWatchMetric:
		return refuseParameter("CLOUDWATCH_METRIC health checks need Amazon CloudWatch, which this engine does not have. " +
			"Use an endpoint type or CALCULATED.")
	case recoveryControl:
		return refuseParameter("RECOVERY_CONTROL health checks need Application Recovery Controller, which this engine " +
			"does not have. Use Disabled and Inverted of an endpoint check to force a status.")
	default:
		return refuseEnumeration(string(c.Type), []string{"HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP",
			"CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL"})
	}
	if carried.RequestInterval != nil {
		err := validateInterval(*carried.RequestInterval, r)
		if err != nil {
			return err
		}
	}
	for _, n := range []struct {
		name     string
		v        *int
		min, max int
	}{
		{"Port", c.Port, 1, 65535},
		{"FailureThreshold", c.FailureThreshold, 1, maxFailureThreshold},
		{"HealthThreshold", c.HealthThreshold, 0, maxHealthThreshold},
	} {
		switch {
		case n.v == nil:
		case *n.v < n.min:
			return refuseXML("cvc-minInclusive-valid",
				"Value '%d' is not facet-valid with respect to minInclusive '%d' for type '%s'.", *n.v, n.min, n.name)
		case *n.v > n.max:
			return refuseXML("cvc-maxInclusive-valid",
				"Value '%d' is not facet-valid with respect to maxInclusive '%d' for type '%s'.", *n.v, n.max, n.name)
		}
	}
	for _, s := range []struct {
		name, v string
		max     int
	}{
		{"IPAddress", c.IPAddress, maxIPAddress},
		{"ResourcePath", c.ResourcePath, maxString},
		{"FullyQualifiedDomainName", c.FullyQualifiedDomainName, maxString},
		{"SearchString", c.SearchString, maxString},
	} {
		if n := utf8.RuneCountInString(s.v); n > s.max {
			return refuseXML("cvc-maxLength-valid",
				"Value '%s' with length = '%d' is not facet-valid with respect to maxLength '%d' for type '%s'.",
				s.v, n, s.max, s.name)
		}
	}
	return validateRegions(c.Regions)
}

func refuseEnumeration(v string, accepted []string) error {
	return refuseXML("cvc-enumeration-valid",
		"Value '%s' is not facet-valid with respect to enumeration '[%s]'. It must be a value from the enumeration.",
		v, strings.Join(accepted, ", "))
}

// validateInterval accepts 10 and 30 as AWS, and what the rules allow below 10. r53: B.2, B.8.
func validateInterval(seconds int, r Rules) error {
	var accepted []string
	for n := max(r.MinRequestInterval, 1); r.MinRequestInterval > 0 && n < 10; n++ {
		accepted = append(accepted, strconv.Itoa(n))
	}
	accepted = append(accepted, "10", "30")
	if !slices.Contains(accepted, strconv.Itoa(seconds)) {
		return refuseEnumeration(strconv.Itoa(seconds), accepted)
	}
	return nil
}

// validateRegions accepts none, which means all, or at least three of the checker Regions. r53: B.2, B.4, G.1 18.
func validateRegions(regions []string) error {
	if len(regions) == 0 {
		return nil
	}
	known := CheckerRegions()
	for i, region := range regions {
		if !slices.Contains(known, region) {
			return refuseEnumeration(region, known)
		}
		// Not stated by AWS (unconfirmed); one Region named three times would defeat the minimum.
		if slices.Contains(regions[:i], region) {
			return refuseParameter("Region %s is listed more than once.", region)
		}
	}
	if n := len(regions); n < minRegions || n > maxRegions {
		return refuseParameter("Regions must have between %d and %d members, not %d.", minRegions, maxRegions, n)
	}
	return nil
}

// validateMembers refuses elements that the type does not have. r53: B.2 "Applies to", B.8.
func validateMembers(c Config) error {
	kind := "Basic"
	if c.Type == Calculated {
		kind = "Calculated"
	}
	endpoint, calculated := c.Type.IsEndpoint(), c.Type == Calculated
	for _, m := range []struct {
		present, applies bool
		what             string
	}{
		{c.AlarmIdentifier != nil, false, "an metric region"}, // the article is Route 53's
		{c.InsufficientDataHealthStatus != "", false, "an insufficient data health status"},
		{c.RoutingControlArn != "", false, "a routing control ARN"},
		{c.HealthThreshold != nil, calculated, "a health threshold"},
		{len(c.ChildHealthChecks) > 0, calculated, "child health checks"},
		{c.IPAddress != "", endpoint, "an IP address"},
		{c.FullyQualifiedDomainName != "", endpoint, "a fully qualified domain name"},
		{c.Port != nil, endpoint, "a port"},
		{c.RequestInterval != nil, endpoint, "a request interval"},
		{c.FailureThreshold != nil, endpoint, "a failure threshold"},
		{value(c.MeasureLatency, false), endpoint, "latency measurement"},
		{len(c.Regions) > 0, endpoint, "regions"},
	} {
		if m.present && !m.applies {
			return refuseParameter("%s health checks must not have %s specified.", kind, m.what)
		}
	}
	switch {
	case c.ResourcePath != "" && !c.Type.IsHTTP():
		return refuseParameter("Health checks with %s type must not have a resource path specified.", c.Type)
	case c.SearchString != "" && !c.Type.MatchesString():
		return refuseParameter("Health checks with %s type must not have a search string specified.", c.Type)
	case c.SearchString == "" && c.Type.MatchesString():
		return refuseParameter("Health checks with %s type must have a search string specified.", c.Type)
	case value(c.EnableSNI, false) && !c.Type.IsTLS():
		return refuseParameter("Health checks with %s type must not enable SNI support.", c.Type)
	case calculated && c.HealthThreshold == nil:
		// What AWS does without one is (unconfirmed). Taking 0 would make a check that never fails by mistake.
		return refuseParameter("Calculated health checks must have a health threshold specified.")
	}
	return nil
}

// validateEndpoint refuses an endpoint that cannot be probed. r53: B.2, B.8.
func validateEndpoint(c Config) error {
	if !c.Type.IsEndpoint() {
		return nil
	}
	switch {
	case c.IPAddress == "" && c.FullyQualifiedDomainName == "":
		return refuseParameter("IP address and fully qualified domain name can not be both empty.")
	case c.Type == TCP && c.IPAddress != "" && c.FullyQualifiedDomainName != "":
		return refuse("TCP health checks that have IP address must not have a fully qualified domain name specified.")
	case c.Type == TCP && c.Port == nil:
		// TCP has no default port; that AWS refuses its absence is (unconfirmed), but there is nothing to connect to.
		return refuseParameter("TCP health checks must have a port specified.")
	}
	// Both become lines of the request: nothing in them may end the line. AWS's own check is (unconfirmed).
	if i := strings.IndexFunc(c.ResourcePath, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
		return refuseParameter("Resource path %q has a control character; use percent encoding.", c.ResourcePath)
	}
	switch {
	case !IsXMLText(c.ResourcePath):
		return refuseParameter("Resource path %q has a character that XML does not have.", c.ResourcePath)
	case !IsXMLText(c.SearchString):
		return refuseParameter("Search string %q has a character that XML does not have.", c.SearchString)
	}
	return validateDomainName(c.FullyQualifiedDomainName)
}

// validateDomainName accepts letters, digits, hyphens and underscores in labels of 1 to 63, with or without final dot.
func validateDomainName(name string) error {
	if name == "" {
		return nil
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if len(label) < 1 || len(label) > 63 {
			return refuseParameter("Fully qualified domain name %q has a label of %d octets; 1 to 63 are accepted.",
				name, len(label))
		}
		i := strings.IndexFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
		})
		if i >= 0 {
			return refuseParameter("Fully qualified domain name %q may have letters, digits, '-', '_' and '.' only.", name)
		}
	}
	return nil
}

// validateAddress refuses a literal address that no checker may probe. r53: B.5, B.8.
func validateAddress(literal string, r Rules) error {
	if literal == "" {
		return nil
	}
	a, err := netip.ParseAddr(literal)
	if err != nil || a.Zone() != "" {
		return refuseParameter("IP address %q is neither an IPv4 nor an IPv6 address.", literal)
	}
	if Forbidden(a, r.AllowedAddresses) {
		version := 4
		if a.Is6() {
			version = 6
		}
		text := fmt.Sprintf("IPv%d address %s is forbidden.", version, literal)
		if r.AddressHint != "" {
			text += " " + r.AddressHint
		}
		return &InvalidInput{Message: text}
	}
	return nil
}

// validateChildren wants existing children that are not calculated themselves; for the other kind the message says that
// they do not exist. r53: B.2, B.8, G.1 20.
func validateChildren(children []string, r Rules) error {
	if n := len(children); n > maxChildren {
		return refuseParameter("Health checks must not have more than %d child health checks, not %d.", maxChildren, n)
	}
	var missing []string
	seen := make(map[string]bool, len(children))
	for _, id := range children {
		// Not stated by AWS (unconfirmed); a child named twice would be counted twice.
		if seen[id] {
			return refuseParameter("Child health check ID %s is listed more than once.", id)
		}
		seen[id] = true
		var child Config
		var exists bool
		if r.Child != nil {
			child, exists = r.Child(id)
		}
		if !exists || child.Type == Calculated {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		return refuseParameter("Child health check IDs do not exist or are deleted: %s", strings.Join(missing, ", "))
	}
	return nil
}

// validateUpdate refuses what an update may not carry. r53: B.2 "Mut", G.1 18.
func validateUpdate(old Config, u Update) error {
	c := u.Config
	switch {
	case c.Type != "":
		return refuseParameter("Type can not be changed: it is %s. Create another health check.", old.Type)
	case c.RequestInterval != nil:
		return refuseParameter("Request interval can not be changed. Create another health check.")
	case c.MeasureLatency != nil:
		return refuseParameter("Measure latency can not be changed. Create another health check.")
	case c.RoutingControlArn != "":
		return refuseParameter("Routing control ARN can not be changed.")
	case c.IPAddress != "" && old.IPAddress == "":
		return refuseParameter("IP address can not be added to a health check that has none: " +
			"it probes its fully qualified domain name. Create another health check.")
	}
	given := map[string]bool{
		"FullyQualifiedDomainName": c.FullyQualifiedDomainName != "",
		"Regions":                  len(c.Regions) > 0,
		"ResourcePath":             c.ResourcePath != "",
		"ChildHealthChecks":        len(c.ChildHealthChecks) > 0,
	}
	for _, name := range u.ResetElements {
		both, known := given[name]
		if !known {
			return refuseEnumeration(name, []string{"FullyQualifiedDomainName", "Regions", "ResourcePath", "ChildHealthChecks"})
		}
		// Which of the two AWS applies is (unconfirmed); refusing loses nothing.
		if both {
			return refuseParameter("%s can not be reset and set in one request.", name)
		}
	}
	return nil
}
