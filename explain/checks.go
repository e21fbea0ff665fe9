package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// check judges a check by its checkers' reports.
func (x *explainer) check(id string) Check {
	c := x.Checks[id]
	if c == nil {
		return Check{ID: id, Health: Missing, Reason: "the check does not exist, which counts as healthy"}
	}
	s := Check{ID: id, Key: c.Key, Asks: asks(c.Config), Health: Unhealthy}
	if x.Verdict(id, scenario{}) {
		s.Health = Healthy
	}
	reports := x.in.Reports[id]
	for _, r := range reports {
		if r.CheckedTime.After(s.CheckedAt) {
			s.CheckedAt = r.CheckedTime
		}
		if r.Failure != "" && (s.LastFailure == nil || r.FailureTime.After(s.LastFailure.At)) {
			s.LastFailure = &Failure{r.FailureTime, r.Failure}
		}
	}
	if c.Owned() {
		s.Hold = c.Hold()
	}
	switch {
	case c.Config.Disabled != nil && *c.Config.Disabled:
		s.Reason = "disabled"
	case !c.Config.Type.IsEndpoint():
		status := health.Calculate(c.Config, func(child string) bool { return x.Verdict(child, scenario{}) })
		s.Checkers, s.For = status.Checkers, status.For
		s.Reason = fmt.Sprintf("%d of %d children healthy", s.For, s.Checkers)
	case len(reports) > 0:
		status, _ := health.Aggregate(c.Config, reports, nil)
		s.Checkers, s.For = status.Checkers, status.For
		s.Reason = fmt.Sprintf("%d of %d healthy", s.For, s.Checkers)
		if complaints := complaints(reports); complaints != "" {
			s.Reason += ": " + complaints
		}
	case c.Healthy != nil:
		s.Reason = fmt.Sprintf("%s as the provider has it", s.Health)
	default:
		s.Health, s.Reason = Unknown, "no checker has reported"
		if _, asked := x.in.Reports[id]; !asked {
			s.Reason = "not asked"
		}
	}
	if c.Config.Inverted != nil && *c.Config.Inverted {
		s.Reason = strings.TrimPrefix(s.Reason+", inverted", ", ")
	}
	switch s.Hold {
	case plan.ForcedOut, plan.ForcedIn:
		s.Reason = s.Hold.String()
	case plan.Turned:
		s.Reason = s.Hold.String() + " (" + s.Reason + ")"
	}
	return s
}

// complaints counts what checkers say that see a failure, most frequent first.
func complaints(reports []health.Report) string {
	counts := map[string]int{}
	for _, r := range reports {
		if !r.Healthy {
			counts[brief(cmp.Or(r.Failure, r.Status))]++
		}
	}
	texts := make([]string, 0, len(counts))
	for text := range counts {
		texts = append(texts, text)
	}
	slices.SortFunc(texts, func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) })
	for i, text := range texts {
		texts[i] = strconv.Itoa(counts[text]) + "× " + text
	}
	return strings.Join(texts, ", ")
}

// brief shortens a checker's status: "HTTP 503", or its first sentence. r53: B.7.
func brief(status string) string {
	status = strings.TrimPrefix(status, "Failure: ")
	if text, found := strings.CutPrefix(status, "Resolved IP: "); found {
		_, status, _ = strings.Cut(text, ". ")
	}
	if code, found := strings.CutPrefix(status, "HTTP Status Code "); found {
		code, _, _ = strings.Cut(code, ",")
		return "HTTP " + code
	}
	sentence, _, _ := strings.Cut(status, ". ")
	return strings.TrimSuffix(sentence, ".")
}

// asks words what a check's checkers do.
func asks(c health.Config) string {
	if !c.Type.IsEndpoint() {
		threshold := 0
		if c.HealthThreshold != nil {
			threshold = *c.HealthThreshold
		}
		return fmt.Sprintf("%s: %d of %d children", c.Type, threshold, len(c.ChildHealthChecks))
	}
	endpoint := cmp.Or(c.FullyQualifiedDomainName, c.IPAddress)
	if c.IPAddress != "" && c.FullyQualifiedDomainName != "" {
		endpoint = c.IPAddress + " as " + c.FullyQualifiedDomainName
	}
	if port := c.PortNumber(); port != 0 {
		endpoint += ":" + strconv.Itoa(port)
	}
	if c.Type.IsHTTP() {
		endpoint += c.Path()
	}
	return fmt.Sprintf("%s every %d s, %d in a row: %s", c.Type, int(c.Interval().Seconds()), c.Threshold(), endpoint)
}
