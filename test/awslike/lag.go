package awslike

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"time"
)

// What AWS's lists show can be some seconds old. The reference does not say how old (unconfirmed).
const (
	lag = 10 * time.Second
	// unknown is how long a new check may be unknown to the call that sets its tags (unconfirmed).
	unknown = time.Second
)

// A lately is what was done to a health check.
type lately struct {
	created      time.Time // zero: not through this front
	config, tags []past    // in the order of time
}

// A past is what a list showed until then; no element: the check did not exist, or had no tags.
type past struct {
	until   time.Time
	element []byte
}

// at returns what a list showed at a time, when that differs from what it shows now.
func at(history []past, t time.Time) (element []byte, differs bool) {
	for _, p := range history {
		if p.until.After(t) {
			return p.element, true
		}
	}
	return nil, false
}

// changeCheck passes on what changes a check or its tags, and remembers how it was.
func (f *Front) changeCheck(c *call) (*reply, error) {
	if c.operation == "UpdateHealthCheck" {
		if err := f.toEngine(c); err != nil {
			return nil, err
		}
	}
	if c.operation == "ChangeTagsForResource" && f.isUnknown(c.id) {
		return nil, noSuchCheck(c.id)
	}
	var before *reply
	var err error
	if c.operation == "ChangeTagsForResource" {
		before, err = f.ask(c, http.MethodGet, "/2013-04-01/tags/healthcheck/"+c.id, nil)
	} else {
		before, err = f.ask(c, http.MethodGet, "/2013-04-01/healthcheck/"+c.id, nil)
	}
	if err != nil {
		return nil, err
	}
	answer, err := f.pass(c)
	if err == nil && answer.ok() && before.ok() {
		f.remember(c, before)
	}
	return f.asAtAWS(answer), err
}

func (f *Front) remember(c *call, before *reply) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.checks[c.id]
	if l == nil {
		l = &lately{}
		f.checks[c.id] = l
	}
	if c.operation == "ChangeTagsForResource" {
		l.tags = append(l.tags, past{time.Now(), cut(before.body, "ResourceTagSet")})
	} else {
		l.config = append(l.config, past{time.Now(), cut(before.body, "HealthCheck")})
	}
}

// isUnknown draws whether a new check is unknown still.
func (f *Front) isUnknown(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.checks[id]
	return l != nil && time.Since(l.created) < f.scaled(unknown) && f.random.IntN(2) == 0
}

func noSuchCheck(id string) *refusal {
	return &refusal{http.StatusNotFound, "NoSuchHealthCheck", "A health check with id " + id + " does not exist."}
}

// cut returns the first element of a name with its tags, nil when there is none.
func cut(body []byte, name string) []byte {
	begin := bytes.Index(body, []byte("<"+name+">"))
	end := bytes.Index(body, []byte("</"+name+">"))
	if begin < 0 || end < begin {
		return nil
	}
	return slices.Clone(body[begin : end+len(name)+len("</>")])
}

// elements are all elements of a name.
func elements(body []byte, name string) (all [][]byte) {
	for {
		e := cut(body, name)
		if e == nil {
			return all
		}
		all = append(all, e)
		_, body, _ = bytes.Cut(body, []byte("</"+name+">"))
	}
}

// asOf draws how old an answer is. Servers differ: the next answer may be older.
func (f *Front) asOf() time.Time {
	return time.Now().Add(-time.Duration(f.random.Int64N(int64(f.scaled(lag)))))
}

// listChecks shows the checks as they were some time ago.
func (f *Front) listChecks(c *call) (*reply, error) {
	answer, err := f.pass(c)
	if err != nil || !answer.ok() {
		return answer, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	asOf := f.asOf()
	var shown [][]byte
	listed := make(map[string]bool)
	for _, e := range elements(answer.body, "HealthCheck") {
		id := firstOf(e, "Id")
		listed[id] = true
		if l := f.checks[id]; l != nil {
			if old, differs := at(l.config, asOf); differs {
				e = old
			}
		}
		shown = append(shown, e)
	}
	if firstOf(answer.body, "IsTruncated") == "false" {
		for id, l := range f.checks {
			if old, differs := at(l.config, asOf); differs && !listed[id] &&
				strings.Compare(id, c.URL.Query().Get("marker")) >= 0 {
				shown = append(shown, old)
			}
		}
	}
	answer.body = replaceBetween(answer.body, "<HealthChecks>", "</HealthChecks>", bytes.Join(shown, nil))
	return f.asAtAWS(answer), nil
}

// listTags shows tags as they were some time ago. A check that did not exist then may be unknown.
func (f *Front) listTags(c *call) (*reply, error) {
	answer, err := f.pass(c)
	if err != nil || !answer.ok() {
		return answer, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	asOf := f.asOf()
	var shown [][]byte
	for _, e := range elements(answer.body, "ResourceTagSet") {
		id := firstOf(e, "ResourceId")
		if l := f.checks[id]; l != nil {
			if old, differs := at(l.config, asOf); differs && old == nil && f.random.IntN(2) == 0 {
				return nil, noSuchCheck(id)
			}
			if old, differs := at(l.tags, asOf); differs {
				e = old
			}
		}
		shown = append(shown, e)
	}
	answer.body = replaceBetween(answer.body, "<ResourceTagSets>", "</ResourceTagSets>", bytes.Join(shown, nil))
	return answer, nil
}
