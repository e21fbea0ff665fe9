package awslike

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Policy is an IAM policy document, as far as Route 53 needs it: Allow statements with actions, resources and the
// conditions of change batches.
type Policy struct {
	Version   string
	Statement []Statement
}

// A Statement is one rule of a Policy.
type Statement struct {
	Sid       string
	Effect    string
	Action    list
	Resource  list
	Condition map[string]map[string]list // operator: key: values
}

// A list is written as one string or as several.
type list []string

// UnmarshalJSON reads both forms.
func (l *list) UnmarshalJSON(data []byte) error {
	var one string
	if err := json.Unmarshal(data, &one); err == nil {
		*l = list{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(l))
}

// ParsePolicy reads a policy document. Members that IAM does not know, or that Policy does not implement, are refused.
func ParsePolicy(data []byte) (Policy, error) {
	var p Policy
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return Policy{}, err
	}
	if p.Version != "2012-10-17" {
		return Policy{}, fmt.Errorf("version %q: conditions need 2012-10-17", p.Version)
	}
	for _, s := range p.Statement {
		if s.Effect != "Allow" {
			return Policy{}, fmt.Errorf("statement %s has the effect %q: only Allow is implemented", s.Sid, s.Effect)
		}
	}
	return p, nil
}

// Everything is the policy of an administrator.
func Everything() Policy {
	return Policy{Version: "2012-10-17", Statement: []Statement{{Effect: "Allow", Action: list{"*"}, Resource: list{"*"}}}}
}

// Actions returns all actions that a policy names, sorted.
func (p Policy) Actions() []string {
	var all []string
	for _, s := range p.Statement {
		all = append(all, s.Action...)
	}
	slices.Sort(all)
	return all
}

// Without returns a policy that does not name an action.
func (p Policy) Without(action string) Policy {
	less := Policy{Version: p.Version}
	for _, s := range p.Statement {
		s.Action = slices.DeleteFunc(slices.Clone(s.Action), func(a string) bool { return a == action })
		less.Statement = append(less.Statement, s)
	}
	return less
}

// An Access is one API call as IAM sees it.
type Access struct {
	Action   string   // route53:GetChange
	Resource string   // arn:aws:route53:::change/C1, or * for none in particular
	Names    []string // of ChangeResourceRecordSets: normalized record names, types and actions
	Types    []string
	Changes  []string
}

// Allows reports whether a statement of the policy has the action, the resource and fulfilled conditions.
func (p Policy) Allows(a Access) bool {
	return slices.ContainsFunc(p.Statement, func(s Statement) bool {
		return anyLike(s.Action, a.Action) && anyLike(s.Resource, a.Resource) && a.fulfils(s.Condition)
	})
}

func (a Access) fulfils(conditions map[string]map[string]list) bool {
	for operator, keys := range conditions {
		for key, allowed := range keys {
			var values []string
			switch key {
			case "route53:ChangeResourceRecordSetsNormalizedRecordNames":
				values = a.Names
			case "route53:ChangeResourceRecordSetsRecordTypes":
				values = a.Types
			case "route53:ChangeResourceRecordSetsActions":
				values = a.Changes
			default:
				return false
			}
			for _, v := range values {
				ok := slices.Contains(allowed, v)
				if operator == "ForAllValues:StringLike" {
					ok = anyLike(allowed, v)
				}
				if !ok {
					return false
				}
			}
		}
	}
	return true
}

// anyLike matches as IAM does: * for any characters, slashes included.
func anyLike(patterns []string, s string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(p), `\*`, ".*") + "$").MatchString(s)
	})
}
