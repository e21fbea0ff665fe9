package alb

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Rule is one rule of a load balancer's listener. It matches when every condition that is set matches; a condition
// matches when one of its values does. Values may use the wildcards * (any number of characters, also none) and ?
// (exactly one).
type Rule struct {
	Priority int      `json:"priority"`        // 1..50000, unique; the lowest that matches wins
	Hosts    []string `json:"hosts,omitempty"` // host header without port, any case, up to 128 characters each
	Paths    []string `json:"paths,omitempty"` // path of the URL without query, case-sensitive, up to 128 characters each
	Action   Action   `json:"action"`
}

// An Action is what a rule does with a request: exactly one member is set.
type Action struct {
	TargetGroup   string         `json:"targetGroup,omitempty"` // forward to the group of this name
	FixedResponse *FixedResponse `json:"fixedResponse,omitempty"`
}

// A FixedResponse is an answer that the load balancer gives by itself.
type FixedResponse struct {
	StatusCode  int    `json:"statusCode"`            // 2xx, 4xx or 5xx
	ContentType string `json:"contentType,omitempty"` // "" means text/plain
	MessageBody string `json:"messageBody,omitempty"` // up to 1024 characters
}

// Limits of Elastic Load Balancing.
const (
	maxPriority       = 50000
	maxConditionValue = 128
	maxMessageBody    = 1024
	MaxRules          = 100
)

// notFound is the default action, as the AWS Load Balancer Controller sets it for an Ingress without a default backend.
func notFound() Action { return Action{FixedResponse: &FixedResponse{StatusCode: 404}} }

// matches reports whether the rule applies to a request for a host (lower case, without port) and a path.
func (r Rule) matches(host, path string) bool {
	matchHost := func(pattern string) bool { return wildcard(strings.ToLower(pattern), host) }
	matchPath := func(pattern string) bool { return wildcard(pattern, path) }
	return (len(r.Hosts) == 0 || slices.ContainsFunc(r.Hosts, matchHost)) &&
		(len(r.Paths) == 0 || slices.ContainsFunc(r.Paths, matchPath))
}

// wildcard matches s against a pattern with * and ?. On a mismatch it lets the latest * take one byte more, so that it
// takes at most len(pattern)*len(s) turns.
func wildcard(pattern, s string) bool {
	p, i := 0, 0
	star, taken := -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, taken = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			taken++
			p, i = star+1, taken
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// checkRules reports every fault of a listener's rules at once. groups are the target groups that actions may name.
func checkRules(rules []Rule, fallback Action, groups map[string]bool) error {
	var faults []error
	if len(rules) > MaxRules {
		faults = append(faults, fmt.Errorf("%d rules: a listener takes up to %d", len(rules), MaxRules))
	}
	seen := map[int]bool{}
	for _, r := range rules {
		if r.Priority < 1 || r.Priority > maxPriority {
			faults = append(faults, fmt.Errorf("rule priority %d: use 1 to %d", r.Priority, maxPriority))
		}
		if seen[r.Priority] {
			faults = append(faults, fmt.Errorf("rule priority %d is used twice", r.Priority))
		}
		seen[r.Priority] = true
		if err := errors.Join(r.CheckConditions(), r.Action.check(groups)); err != nil {
			faults = append(faults, fmt.Errorf("rule %d: %w", r.Priority, err))
		}
	}
	if err := fallback.check(groups); err != nil {
		faults = append(faults, fmt.Errorf("default action: %w", err))
	}
	return errors.Join(faults...)
}

func (r Rule) CheckConditions() error {
	if len(r.Hosts)+len(r.Paths) == 0 {
		return errors.New("no condition: give hosts or paths, or make it the default action")
	}
	var faults []error
	for _, v := range slices.Concat(r.Hosts, r.Paths) {
		if v == "" || len(v) > maxConditionValue {
			faults = append(faults, fmt.Errorf("condition value %.140q has %d characters: use 1 to %d", v, len(v),
				maxConditionValue))
		}
	}
	for _, p := range r.Paths {
		if p != "" && p[0] != '/' && p[0] != '*' {
			faults = append(faults, fmt.Errorf("path %q matches nothing: begin with / or *", p))
		}
	}
	return errors.Join(faults...)
}

func (a Action) check(groups map[string]bool) error {
	f := a.FixedResponse
	switch {
	case (a.TargetGroup == "") == (f == nil):
		return errors.New("an action is either a target group or a fixed response")
	case f == nil && !groups[a.TargetGroup]:
		return fmt.Errorf("there is no target group %q", a.TargetGroup)
	case f == nil:
		return nil
	case f.StatusCode/100 != 2 && f.StatusCode/100 != 4 && f.StatusCode/100 != 5:
		return fmt.Errorf("fixed response with status %d: use 2xx, 4xx or 5xx", f.StatusCode)
	case len(f.MessageBody) > maxMessageBody:
		return fmt.Errorf("fixed response with %d characters: use up to %d", len(f.MessageBody), maxMessageBody)
	}
	return nil
}
