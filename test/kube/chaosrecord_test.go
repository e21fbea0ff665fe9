//go:build kube

package kube

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// A journal is what everybody has done in a chaos, in order.
type journal struct {
	began time.Time

	mu    sync.Mutex
	lines []string
}

func newJournal() *journal { return &journal{began: time.Now()} }

func (j *journal) since() time.Duration { return time.Since(j.began).Round(10 * time.Millisecond) }

func (j *journal) add(who, format string, args ...any) {
	line := fmt.Sprintf("%9.3fs %s: %s", time.Since(j.began).Seconds(), who, fmt.Sprintf(format, args...))
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line[:min(len(line), 400)])
}

func (j *journal) last(n int) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines[max(0, len(j.lines)-n):], "\n")
}

// about is the last lines that speak of one of some words, and of outages.
func (j *journal) about(n int, words ...string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []string
	for _, line := range slices.Backward(j.lines) {
		if len(found) == n {
			break
		}
		if strings.Contains(line, " OUTAGE: ") || slices.ContainsFunc(words, func(w string) bool { return strings.Contains(line, w) }) {
			found = append(found, line)
		}
	}
	slices.Reverse(found)
	return strings.Join(found, "\n")
}

// write keeps all of it in a file.
func (j *journal) write(name string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return os.WriteFile(name, []byte(strings.Join(j.lines, "\n")+"\n"), 0o600)
}

func (j *journal) count() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.lines)
}

// outages say since when a cluster's controller can work: what is promised to a tenant is measured from then.
type outages struct {
	mu     sync.Mutex
	broken map[*site]int
	until  map[*site]time.Time // when the last one was over, and the controller could have noticed
}

func newOutages() *outages { return &outages{broken: map[*site]int{}, until: map[*site]time.Time{}} }

func (o *outages) begin(sites ...*site) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range sites {
		o.broken[s]++
	}
}

// end ends an outage. The controller has some time to notice.
func (o *outages) end(notice time.Duration, sites ...*site) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range sites {
		o.broken[s]--
		if t := time.Now().Add(notice); t.After(o.until[s]) {
			o.until[s] = t
		}
	}
}

func (o *outages) open(s *site) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.broken[s] > 0
}

// waited is how long something has been owed by the controllers of clusters since a time, without outages.
func (o *outages) waited(since time.Time, sites ...*site) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range sites {
		if o.broken[s] > 0 {
			return 0
		}
		if o.until[s].After(since) {
			since = o.until[s]
		}
	}
	return max(0, time.Since(since))
}
