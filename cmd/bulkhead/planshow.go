package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// A planDocument is a plan with what people want to know beside it.
type planDocument struct {
	Provider   failover.Provider  `json:"provider"`
	Plan       plan.Plan          `json:"plan"`
	Objectives []objective        `json:"objectives,omitempty"`
	Warnings   []failover.Warning `json:"warnings,omitempty"`
	Notes      []plan.Finding     `json:"notes,omitempty"`
	Takeovers  []explain.Takeover `json:"takeovers,omitempty"` // what clients notice of names that are taken over
}

// An objective is how long a failover of one application takes.
type objective struct {
	Policy   string `json:"policy"`
	Hostname string `json:"hostname"`
	// Seconds from the failure of an endpoint until no client is answered with it. AtOnce is for one that answers badly,
	// the other two for one that does not answer, which takes longer to tell.
	TypicalSeconds float64 `json:"typicalSeconds"`
	WorstSeconds   float64 `json:"worstSeconds"`
	AtOnceSeconds  float64 `json:"atOnceSeconds"`
	WantedSeconds  float64 `json:"wantedSeconds,omitempty"` // spec.objectives.rto
}

func (r *planned) document() planDocument {
	d := planDocument{Provider: r.provider, Plan: r.Plan, Warnings: r.Warnings, Notes: r.notes, Takeovers: r.takeovers}
	for _, p := range r.Policies {
		rto := failover.Objectives(p, r.provider)
		d.Objectives = append(d.Objectives, objective{
			Policy: p.Key(), Hostname: strings.TrimSuffix(p.Spec.Hostname, "."),
			TypicalSeconds: rto.Typical.Seconds(), WorstSeconds: rto.Worst.Seconds(),
			AtOnceSeconds: (rto.AtOnce.Typical + rto.Propagation.Typical + rto.TTL.Typical).Seconds(),
			WantedSeconds: time.Duration(p.Spec.Objectives.RTO).Seconds(),
		})
	}
	return d
}

// warningsShown keeps the end of a plan for hundreds of applications on a screen.
const warningsShown = 20

// text is the document for people. Its last line says what comes of the plan.
func (d planDocument) text(colour bool, width int) string {
	sections := []string{d.Plan.Changes(colour, width), d.objectives(), bullets("Warnings", d.warnings(), width)}
	notes := make([]string, len(d.Notes))
	for i, n := range d.Notes {
		notes[i] = n.String()
	}
	sections = append(sections, changesForClients(d.Takeovers, width), bullets("Notes", notes, width), d.Plan.Closing(colour))
	return strings.Join(slices.DeleteFunc(sections, func(s string) bool { return s == "" }), "\n")
}

// objectives is the table of how long a failover takes. A plan that is refused makes no failover.
func (d planDocument) objectives() string {
	if len(d.Objectives) == 0 || d.Plan.Refusals != nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("How long a failover takes, until resolvers have forgotten the old answer:\n")
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  APPLICATION\tTYPICAL\tWORST\tWANTED")
	for _, o := range d.Objectives {
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", o.Policy, planSeconds(o.TypicalSeconds), planSeconds(o.WorstSeconds), orDash(o.WantedSeconds))
	}
	t.Flush()
	return b.String()
}

func (d planDocument) warnings() []string {
	var all []string
	for _, w := range d.Warnings[:min(len(d.Warnings), warningsShown)] {
		all = append(all, w.String())
	}
	if more := len(d.Warnings) - warningsShown; more > 0 {
		all = append(all, fmt.Sprintf("and %d more: -o json shows all", more))
	}
	return all
}

// bullets is a list with a title, nothing without entries.
func bullets(title string, all []string, width int) string {
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(title + ":\n")
	for _, text := range all {
		writeBullet(&b, text, width)
	}
	return b.String()
}

func planSeconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	if d >= 10*time.Second {
		d = d.Round(time.Second)
	}
	return failover.Duration(d).String()
}

func orDash(s float64) string {
	if s == 0 {
		return "-"
	}
	return planSeconds(s)
}

// writeBullet writes a paragraph with an indent, in lines of a width; 0 is one line.
func writeBullet(w io.Writer, text string, width int) {
	line := "  -"
	for word := range strings.FieldsSeq(text) {
		if width > 0 && len([]rune(line))+1+len([]rune(word)) > width && strings.TrimSpace(line) != "-" {
			fmt.Fprintln(w, line)
			line = "   "
		}
		line += " " + word
	}
	fmt.Fprintln(w, line)
}

// writeTo shows the plan on stdout.
func (r *planned) writeTo(out io.Writer, f *format) error {
	d := r.document()
	return f.write(out, d, func() string { return d.text(wantsColor(out), widthOf(out)) })
}
