package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// lookFlags are what the commands that look at an account have in common. They write nothing.
type lookFlags struct {
	files        *[]string
	account      *account
	output       *format
	zones        []string
	noHealth     bool
	lastFailures bool
}

func addLookFlags(cmd *cobra.Command) *lookFlags {
	l := &lookFlags{files: addFiles(cmd), account: addAccount(cmd), output: addOutput(cmd)}
	f := cmd.Flags()
	f.StringArrayVar(&l.zones, "zone", nil, "`name` or id of a hosted zone to read; may be repeated; without it, all public ones")
	f.BoolVar(&l.noHealth, "no-health", false, "do not ask checkers: saves one call for each health check, and AWS allows one a second")
	f.BoolVar(&l.lastFailures, "last-failures", false, "also show the last failed probe of healthy checks: one more call for each")
	cmd.RegisterFlagCompletionFunc("zone", completeZones(l.account))
	return l
}

// A look is an account as it was found.
type look struct {
	explain.Input
	applier *apply.Applier
}

// open reads the files, and makes the client of the account that they or the flags name.
func (l *lookFlags) open(ctx context.Context, stdin io.Reader) (*look, error) {
	if err := l.account.check(); err != nil {
		return nil, err
	}
	policies, class, err := readPolicies(stdin, *l.files)
	if err != nil {
		return nil, err
	}
	in := &look{Input: explain.Input{Policies: policies}}
	in.applier, in.Provider, err = l.account.open(ctx, class, apply.Options{})
	return in, err
}

// read reads the account: zones, record sets, checks and CIDR collections. wanted chooses zones; nil takes those of
// --zone, without one all that are public.
func (l *lookFlags) read(ctx context.Context, stderr io.Writer, in *look, wanted func([]zone.HostedZone) []zone.HostedZone) error {
	defer sayReading(ctx, stderr, in.applier)()
	zones, err := in.applier.Zones(ctx)
	if err != nil {
		return err
	}
	chosen := slices.DeleteFunc(slices.Clone(zones), func(z zone.HostedZone) bool { return z.PrivateZone })
	if wanted != nil {
		chosen = wanted(chosen)
	}
	if len(l.zones) > 0 {
		if chosen, err = zonesNamed(zones, l.zones); err != nil {
			return err
		}
	}
	if in.State, err = in.applier.Read(ctx, chosen); err != nil {
		return err
	}
	for _, id := range citedCollections(in.State.Records) {
		c, err := in.applier.Collection(ctx, id)
		if err != nil {
			return err
		}
		in.Collections = append(in.Collections, c)
	}
	return nil
}

// ask asks the checkers of the checks that are wanted, and of the children of calculated ones. It says beforehand how
// many calls that takes where they take their time.
func (l *lookFlags) ask(ctx context.Context, stderr io.Writer, in *look, wanted func(*plan.Check) bool) error {
	if l.noHealth {
		return nil
	}
	ids := map[string]bool{}
	for i := range in.State.Checks {
		if c := &in.State.Checks[i]; wanted(c) {
			ids[c.ID] = true
			for _, child := range c.Config.ChildHealthChecks {
				ids[child] = true
			}
		}
	}
	var endpoints []string
	for i := range in.State.Checks {
		if c := &in.State.Checks[i]; ids[c.ID] && c.Config.Probed() {
			endpoints = append(endpoints, c.ID)
		}
	}
	p := newProgress(stderr)
	defer p.done()
	calls, start := len(endpoints), time.Now()
	if l.lastFailures {
		calls *= 2
	}
	if in.Provider == failover.AWS && calls > pausesAfter {
		p.say(fmt.Sprintf("asking the checkers of %d health checks takes %d calls, and AWS allows one a second; --no-health skips it",
			len(endpoints), calls))
	}
	var err error
	in.Reports, err = in.applier.Statuses(ctx, endpoints, apply.StatusOptions{LastFailures: l.lastFailures, Progress: func(done, of int) {
		if p.live && done < of && time.Since(start) > readingPause {
			p.say(fmt.Sprintf("asking checkers: %d of %d health checks", done, of))
		}
	}})
	return err
}

// pausesAfter is how many statuses AWS gives at once. r53: C.8.
const pausesAfter = 4
