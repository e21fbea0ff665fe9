// Package demo shows per-application failover on one machine and measures it.
//
// An engine and a lab of two Regions run in this process. The demo applies two FailoverPolicies through the Route 53
// API. Users ask DNS over UDP and open real pages. Faults are real: pods are gone, or answer 500.
//
// In chapter one each application has a health check in each Region. Chapter two rewrites the records by hand: they
// have no health check and evaluate the health of the shared load balancer. The result says which users moved, when,
// how many of their requests failed, and whether every promise held.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/bulkhead-dns/bulkhead/lab"
)

// Options of Run.
type Options struct {
	Interval  int // RequestInterval in seconds, 1 to 10 or 30; 0 means 1
	Threshold int // FailureThreshold, 1 to 10; 0 means 3
	// Stay keeps everything running after the story, until ctx ends.
	Stay    bool
	Display *Display
	// Finished is called with the result before Run stays or returns.
	Finished func(*Result) error
}

// The Region that fails, and the one that users move to.
const (
	faulty = "eu-west-1"
	other  = "eu-central-1"
)

// Run tells the story. It returns an error when the story could not be told to its end; a promise that did not hold is
// in the result.
func Run(ctx context.Context, o Options) (err error) {
	if o.Interval == 0 {
		o.Interval = 1
	}
	if o.Threshold == 0 {
		o.Threshold = 3
	}
	if o.Display == nil {
		o.Display = &Display{Out: io.Discard}
	}
	dir, err := os.MkdirTemp("", "bulkhead-demo-")
	if err != nil {
		return fmt.Errorf("make a temporary data directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	s := &story{o: o, started: time.Now(), d: o.Display}
	s.lab, err = lab.New(lab.Options{
		DataDir:   dir,
		Empty:     true,
		Interval:  o.Interval,
		Threshold: o.Threshold,
		AnyPort:   true,
		OnReport:  s.onReport,
	})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- s.lab.Run(running) }()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()

	result, err := s.run(ctx)
	if err != nil {
		return err
	}
	if err := o.Finished(result); err != nil {
		return err
	}
	if o.Stay {
		s.invite(dir)
		<-ctx.Done()
	}
	return nil
}

// run shows the story, from an empty engine to the comparison with what Bulkhead promises.
func (s *story) run(ctx context.Context) (*Result, error) {
	s.d.heading("Two Regions, two applications, one load balancer per Region")
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	if err := s.publish(ctx); err != nil {
		return nil, err
	}
	watching, stop := context.WithCancel(ctx)
	stopped := s.watch(watching)
	defer func() {
		stop()
		<-stopped
		s.d.setBlock(nil)
	}()
	if err := s.greet(ctx); err != nil {
		return nil, err
	}
	granular, err := s.granular(ctx)
	if err != nil {
		return nil, err
	}
	old, err := s.allOrNothing(ctx)
	if err != nil {
		return nil, err
	}
	r := &Result{
		StartedAt:        s.started,
		RequestInterval:  s.o.Interval,
		FailureThreshold: s.o.Threshold,
		Seconds:          time.Since(s.started).Seconds(),
		Engine:           s.engine,
		Applied:          s.applied,
		Chapters:         []Chapter{granular, old},
	}
	r.Expectations = judge(r.Chapters, faulty, other)
	r.Held = !slices.ContainsFunc(r.Expectations, func(e Expectation) bool { return !e.Held })
	return r, nil
}

// places are where users are: an address block near each Region.
var places = []struct {
	near   string
	subnet netip.Prefix
}{
	{faulty, netip.MustParsePrefix("10.1.0.0/24")},
	{other, netip.MustParsePrefix("10.2.0.0/24")},
}
