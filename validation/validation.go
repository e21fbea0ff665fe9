// Package validation says which constraints of the API model a request breaks, in Route 53's words.
package validation

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// InvalidInput is Route 53's error for a request that is malformed whatever the account holds.
type InvalidInput struct{ Message string }

// Error returns the message.
func (e *InvalidInput) Error() string { return e.Message }

// Violations collects the constraints that a request breaks. The zero value is an empty collection. r53: C.5.
type Violations []string

// Check records a violation unless ok is true. path leads from the request's root to the value.
func (v *Violations) Check(ok bool, value any, path, constraint string) {
	if !ok {
		*v = append(*v, fmt.Sprintf("Value '%v' at '%s' failed to satisfy constraint: %s", value, path, constraint))
	}
}

// Err returns all violations as one *InvalidInput, or nil when there is none.
func (v *Violations) Err() error {
	switch len(*v) {
	case 0:
		return nil
	case 1:
		return &InvalidInput{"1 validation error detected: " + (*v)[0]}
	}
	return &InvalidInput{fmt.Sprintf("%d validation errors detected: %s", len(*v), strings.Join(*v, "; "))}
}

// AtMost checks that a value has at most n characters.
func (v *Violations) AtMost(n int, value, path string) {
	v.Check(utf8.RuneCountInString(value) <= n, value, path,
		fmt.Sprintf("Member must have length less than or equal to %d", n))
}

// Listed checks that a list has 1 to high items. The message does not repeat the items.
func (v *Violations) Listed(n, high int, path string) {
	const items = "[...]"
	v.Check(n >= 1, "[]", path, "Member must have length greater than or equal to 1")
	v.Check(n <= high, items, path, fmt.Sprintf("Member must have length less than or equal to %d", high))
}

// Within checks that a number is in low..high.
func (v *Violations) Within(value, low, high int64, path string) {
	v.Check(value >= low, value, path, fmt.Sprintf("Member must have value greater than or equal to %d", low))
	v.Check(value <= high, value, path, fmt.Sprintf("Member must have value less than or equal to %d", high))
}
