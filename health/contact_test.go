package health

import (
	"testing"
	"time"
)

// Other nodes are doubted once when etcd was silent for a lease's time, and trusted again when a session has lasted so
// long that a dead node's lease would have ended in it.
func TestContactDoubtsAndTrusts(t *testing.T) {
	now := time.Unix(0, 0)
	c := NewContact(10*time.Second, now)
	for _, step := range []struct {
		name  string
		after time.Duration
		event string // "begin", "hear" or "silent"
		turns bool   // doubt, or trust
		wait  time.Duration
	}{
		{"before etcd answered", 4 * time.Second, "silent", false, 6 * time.Second},
		{"the first session", time.Second, "begin", false, 0},
		{"a minute of it", time.Minute, "hear", false, 0},
		{"no answer yet", 9 * time.Second, "silent", false, time.Second},
		{"an answer late, but in time", 900 * time.Millisecond, "hear", false, 0},
		{"a session that follows at once", 0, "begin", false, 0},
		{"silent for a lease's time", 10 * time.Second, "silent", true, 10 * time.Second},
		{"doubted once", 10 * time.Second, "silent", false, 10 * time.Second},
		{"etcd is back", 0, "begin", false, 0},
		{"a dead node's lease may still be there", 11 * time.Second, "hear", false, 0},
		{"another session: a lease may have been given its time again", 0, "begin", false, 0},
		{"a dead node's lease may still be there", 11999 * time.Millisecond, "hear", false, 0},
		{"nobody dead can have a lease now", time.Millisecond, "hear", true, 0},
		{"trusted once", time.Second, "hear", false, 0},
		{"silent again", 10 * time.Second, "silent", true, 10 * time.Second},
	} {
		now = now.Add(step.after)
		var turns bool
		var wait time.Duration
		switch step.event {
		case "begin":
			c.Begin(now)
		case "hear":
			turns = c.Hear(now)
		case "silent":
			turns, wait = c.Silent(now)
		}
		if turns != step.turns || wait != step.wait {
			t.Errorf("%s: %v, wait %v; want %v, %v", step.name, turns, wait, step.turns, step.wait)
		}
	}
}
