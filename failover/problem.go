package failover

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A Problem is one thing that is refused.
type Problem struct {
	Where  string `json:"where"`           // "<file>:<line>" or "<namespace>/<name>"
	Path   string `json:"path"`            // of the field, such as spec.regions[1].name; empty for a whole document
	Value  string `json:"value,omitempty"` // what is refused; empty when something is missing
	Reason string `json:"reason"`          // what would be accepted, or why not
	// Target says that the class does not allow what the policy points at, where another class might.
	Target bool `json:"-"`
}

// Error is all of it in one line.
func (p Problem) Error() string {
	parts := []string{p.Where, p.Path, p.Value, p.Reason}
	kept := parts[:0]
	for _, part := range parts {
		if part != "" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ": ")
}

// Problems is everything that is refused at once.
type Problems []Problem

// Error is one line a problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// add notes a problem once.
func (ps *Problems) add(where, path string, value any, format string, args ...any) {
	p := Problem{Where: where, Path: clip(path, maxShown), Value: show(value),
		Reason: clip(fmt.Sprintf(format, args...), maxReason)}
	if !slices.Contains(*ps, p) {
		*ps = append(*ps, p)
	}
}

// err returns the problems as an error, nil when there is none.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// Bounds of what a problem repeats of somebody's words.
const (
	maxShown  = 300  // bytes of a value
	maxReason = 1000 // bytes of a reason
	maxFew    = 8    // names of a list
)

// few lists names, and counts those that are too many.
func few(names []string) string {
	if len(names) <= maxFew {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxFew], ", "), len(names)-maxFew)
}

// clip cuts what is too long.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}

// show writes a value as a reader knows it from the file, cut where it is long. nil is nothing.
func show(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		if v == "" {
			return ""
		}
		return fmt.Sprintf("%q", clip(v, maxShown))
	case []string:
		return "[" + few(v) + "]"
	case time.Duration:
		return short(v)
	}
	return fmt.Sprint(value)
}

// short writes a duration without parts that are zero.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
