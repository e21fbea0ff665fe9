package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/audit"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An auditDocument is what an audit comes to.
type auditDocument struct {
	Findings []audit.Finding `json:"findings"`
	Hidden   int             `json:"hidden"` // findings of less than the severity that is shown
	Notes    []string        `json:"notes"`  // what could not be read, and what that means
	Read     auditRead       `json:"read"`
}

// auditRead counts what was read.
type auditRead struct {
	Zones         int            `json:"zones"`
	RecordSets    int            `json:"recordSets"`
	HealthChecks  int            `json:"healthChecks"`
	LoadBalancers int            `json:"loadBalancers"`
	Calls         map[string]int `json:"calls"` // by operation
}

// judge lists the findings that concern the zones that were named, all where none was. Where a zone was not read, no
// check counts as unused.
func (s *survey) judge(named []zone.HostedZone) []audit.Finding {
	in := s.input
	for _, z := range named {
		in.Judged = append(in.Judged, z.ID)
	}
	return slices.DeleteFunc(audit.Audit(in), func(f audit.Finding) bool { return f.ID == "check-orphaned" && s.partial })
}

func newAuditDocument(s *survey, findings []audit.Finding, least audit.Severity) auditDocument {
	shown := slices.DeleteFunc(slices.Clone(findings), func(f audit.Finding) bool {
		return audit.ExitStatus([]audit.Finding{f}, least) == 0
	})
	return auditDocument{Findings: shown, Hidden: len(findings) - len(shown), Notes: append([]string{}, s.notes...), Read: auditRead{
		Zones: len(s.input.State.Zones), RecordSets: len(s.input.State.Records), HealthChecks: len(s.input.State.Checks),
		LoadBalancers: len(s.input.LoadBalancers), Calls: s.calls,
	}}
}

// text is the document for people.
func (d *auditDocument) text(width int, colour bool) string {
	var b strings.Builder
	b.WriteString(audit.Text(d.Findings, width, colour))
	if d.Hidden > 0 {
		fmt.Fprintf(&b, "%s of less severity not shown.\n", count(d.Hidden, "finding"))
	}
	if len(d.Notes) > 0 {
		b.WriteString("\nNotes:\n")
		for _, note := range d.Notes {
			writeBullet(&b, note, max(width, 80))
		}
	}
	calls := 0
	for _, n := range d.Read.Calls {
		calls += n
	}
	fmt.Fprintf(&b, "\nRead: %s, %s, %s, %s", count(d.Read.Zones, "zone"), count(d.Read.RecordSets, "record set"),
		count(d.Read.HealthChecks, "health check"), count(d.Read.LoadBalancers, "load balancer"))
	if calls > 0 {
		fmt.Fprintf(&b, "; %s, none that writes", count(calls, "API call"))
	}
	b.WriteString(".\n")
	return b.String()
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
