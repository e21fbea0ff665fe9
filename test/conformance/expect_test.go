package conformance

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// check says what of a single reply is not as expected; empty when all of it is. Proportions are of many replies: see
// tally.
func (e *Expect) check(q Query, r reply) []string {
	var faults []string
	need := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	rcode := e.RCode
	if rcode == "" {
		rcode = "NOERROR"
	}
	need(r.rcode == rcode, "rcode %s, want %s", r.rcode, rcode)
	answer := section(r.answer)
	switch {
	case e.Answers != nil:
		need(same(answer, e.Answers), "answers %q, want %q", answer, e.Answers)
	case e.OneOf != nil:
		need(e.alternative(r) >= 0, "answers %q, want one of %q", answer, e.OneOf)
	default:
		for _, a := range answer {
			need(e.Share[a] > 0, "answer %q, want only what has a share in %v", a, e.Share)
		}
		need(e.Count == 0 || len(answer) == e.Count, "%d answers %q, want %d", len(answer), answer, e.Count)
	}
	need(owned(q, r.answer), "owners of %v: want the name asked for, and behind a CNAME its target", r.answer)
	for _, a := range r.answer {
		need(e.TTL == nil || a.ttl == *e.TTL, "TTL %d of %q, want %d", a.ttl, a, deref(e.TTL))
	}
	need(e.AA == nil || r.aa == *e.AA, "aa %v", r.aa)
	need(e.Scope == nil || r.scope == *e.Scope, "scope %d, want %d", r.scope, deref(e.Scope))
	return append(faults, e.checkAuthority(r)...)
}

func (e *Expect) checkAuthority(r reply) []string {
	var faults []string
	types := map[string]int{}
	for _, a := range r.authority {
		types[a.rrtype]++
		if e.NegativeTTL != nil && a.rrtype == "SOA" && a.ttl != *e.NegativeTTL {
			faults = append(faults, fmt.Sprintf("TTL %d of the SOA, want %d", a.ttl, *e.NegativeTTL))
		}
	}
	var ok bool
	switch e.Authority {
	case "soa":
		ok = types["SOA"] == 1 && len(types) == 1
	case "ns":
		ok = types["NS"] > 0 && len(types) == 1
	case "none":
		ok = len(types) == 0
	default:
		ok = e.NegativeTTL == nil || types["SOA"] == 1
	}
	if !ok {
		faults = append(faults, fmt.Sprintf("authority %v, want %q", r.authority, e.Authority))
	}
	if e.Referral == nil {
		return faults
	}
	var servers, glue []string
	for _, a := range r.authority {
		servers = append(servers, a.value)
		if a.owner != e.Referral.Name || a.rrtype != "NS" {
			faults = append(faults, fmt.Sprintf("authority %s %s, want the NS set of %s", a.owner, a.rrtype, e.Referral.Name))
		}
	}
	for _, a := range r.additional {
		glue = append(glue, a.owner+" "+a.String())
	}
	if !same(servers, e.Referral.Servers) {
		faults = append(faults, fmt.Sprintf("name servers %q, want %q", servers, e.Referral.Servers))
	}
	if !same(glue, e.Referral.Glue) {
		faults = append(faults, fmt.Sprintf("additional %q, want %q", glue, e.Referral.Glue))
	}
	return faults
}

// owned reports whether records belong to the name asked for or, behind a CNAME, to its target.
func owned(q Query, answer []record) bool {
	owner := strings.ToLower(strings.TrimSuffix(q.Name, ".") + ".")
	for _, a := range answer {
		if a.owner != strings.ReplaceAll(owner, `\052`, "*") {
			return false
		}
		if a.rrtype == "CNAME" {
			owner = strings.ToLower(a.value)
		}
	}
	return true
}

// alternative is which of OneOf a reply has; -1 for none.
func (e *Expect) alternative(r reply) int {
	return slices.IndexFunc(e.OneOf, func(want []string) bool { return same(section(r.answer), want) })
}

func section(records []record) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = r.String()
	}
	return out
}

// same compares without order.
func same(got, want []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want)))
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// A tally counts over many replies what chance decides.
type tally struct {
	replies      int
	alternatives map[int]int
	held, began  map[string]int // by record
}

func newTally() *tally {
	return &tally{alternatives: map[int]int{}, held: map[string]int{}, began: map[string]int{}}
}

func (c *tally) add(e *Expect, r reply) {
	c.replies++
	if e.OneOf != nil {
		c.alternatives[e.alternative(r)]++
	}
	for i, a := range section(r.answer) {
		c.held[a]++
		if i == 0 {
			c.began[a]++
		}
	}
}

// check says which proportions are not as expected.
func (c *tally) check(e *Expect) []string {
	var faults []string
	for i, want := range e.OneOf {
		if c.alternatives[i] == 0 {
			faults = append(faults, fmt.Sprintf("answers %q never occur in %d replies", want, c.replies))
		}
	}
	tolerance := e.Tolerance
	if tolerance == 0 {
		tolerance = 0.015
	}
	compare := func(what string, got map[string]int, want map[string]float64) {
		for _, a := range slices.Sorted(maps.Keys(want)) {
			share := float64(got[a]) / float64(c.replies)
			if math.Abs(share-want[a]) > tolerance || want[a] == 0 && share > 0 {
				faults = append(faults, fmt.Sprintf("%s %q: %.4f of %d replies, want %.4f", what, a, share, c.replies, want[a]))
			}
		}
	}
	compare("share of", c.held, e.Share)
	compare("first is", c.began, e.First)
	return faults
}
