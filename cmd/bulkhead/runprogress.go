package main

import (
	"fmt"
	"io"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// A progress tells what is going on: on a terminal in one line that changes, elsewhere in one line for each thing that
// is new.
type progress struct {
	out  io.Writer
	live bool
	last string
}

func newProgress(out io.Writer) *progress { return &progress{out: out, live: isTerminal(out)} }

func (p *progress) say(text string) {
	if text == p.last {
		return
	}
	p.last = text
	if !p.live {
		fmt.Fprintln(p.out, text)
		return
	}
	if width := widthOf(p.out); width > 0 {
		if runes := []rune(text); len(runes) >= width {
			text = string(runes[:width-2]) + "…"
		}
	}
	fmt.Fprintf(p.out, "\r\x1b[K%s", text)
}

// done takes the live line away.
func (p *progress) done() {
	if p.live && p.last != "" {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
	p.last = ""
}

// step tells of one step of an execution.
func (p *progress) step(s apply.Progress) {
	what := map[plan.Kind]string{
		plan.CreateCheck: "health check", plan.TagCheck: "health check", plan.UpdateCheck: "health check",
		plan.DeleteCheck: "health check", plan.ChangeRecords: "record sets of",
	}[s.Kind]
	text := fmt.Sprintf("[%d/%d] ", s.Step, s.Steps)
	switch {
	case s.Object == "":
		text += s.Text
	case what == "":
		text += s.Object + ": " + s.Text
	default:
		text += what + " " + s.Object + ": " + s.Text
	}
	p.say(text)
}
