package zone

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// violations collects what breaks the constraints of the API model. r53: C.5.
type violations []string

// check notes a violation unless ok; path leads from the request's root to the value.
func (v *violations) check(ok bool, value any, path, constraint string) {
	if !ok {
		*v = append(*v, fmt.Sprintf("Value '%v' at '%s' failed to satisfy constraint: %s", value, path, constraint))
	}
}

// err returns all violations as one error, nil when there is none.
func (v *violations) err() error {
	switch len(*v) {
	case 0:
		return nil
	case 1:
		return &InvalidInput{"1 validation error detected: " + (*v)[0]}
	}
	return &InvalidInput{fmt.Sprintf("%d validation errors detected: %s", len(*v), strings.Join(*v, "; "))}
}

func (v *violations) atMost(n int, value, path string) {
	v.check(utf8.RuneCountInString(value) <= n, value, path, fmt.Sprintf("Member must have length less than or equal to %d", n))
}

// listed bounds how many items a list has; what it holds stays out of the message.
func (v *violations) listed(n, high int, path string) {
	const items = "[...]"
	v.check(n >= 1, "[]", path, "Member must have length greater than or equal to 1")
	v.check(n <= high, items, path, fmt.Sprintf("Member must have length less than or equal to %d", high))
}

func (v *violations) within(value, low, high int64, path string) {
	v.check(value >= low, value, path, fmt.Sprintf("Member must have value greater than or equal to %d", low))
	v.check(value <= high, value, path, fmt.Sprintf("Member must have value less than or equal to %d", high))
}

// plainPattern is the form of the names of CIDR collections and their locations. r53: A.8.
const plainPattern = `[0-9A-Za-z_\-]+`

func isPlain(s string) bool {
	for _, c := range []byte(s) {
		if !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '_' || c == '-') {
			return false
		}
	}
	return s != ""
}

// count returns how many of the conditions hold.
func count(conditions ...bool) int {
	n := 0
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}
