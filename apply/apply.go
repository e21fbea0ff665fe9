// Package apply reads what a Route 53 account holds and executes plans on it, through the AWS SDK.
//
//   - Facts and Read make the values that failover.Compile and plan.Diff compare. They only read;
//   - Apply executes exactly the plan that was shown. Whatever changed between the plan and a call is found before the
//     call or by the call, and stops the execution;
//   - After an execution that ends in the middle, for whatever reason, the caller reads, plans and applies again.
//
// Calls are paced by the rates that Route 53 grants an account, so that throttling is rare, and repeated where a
// refusal says that nothing has happened. The provider is AWS or an engine; the client that is passed in is the only
// difference.
package apply

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// Options of New. Route53 and Provider are required.
type Options struct {
	Route53  *route53.Client
	Provider failover.Provider // failover.AWS or failover.Engine
	// CloudWatch reads verdicts; nil means that Verdicts fails. An engine serves it beside its Route 53 API.
	CloudWatch *cloudwatch.Client
	// ELBv2 returns the client of a Region; nil means that Facts looks no load balancers up.
	ELBv2 func(region string) *elasticloadbalancingv2.Client
	// Paced keeps to Route 53's rates with an engine too, one that throttles as AWS does; AWS is always paced. r53: C.8.
	Paced bool
	// StatusShare is the greatest part of the account's rate of GetHealthCheckStatus that is taken, above 0 and at most 1;
	// 0 means all of it. A process that goes on reading leaves some to others.
	StatusShare float64
	// Force lets record sets come to depend on checks that are unhealthy at every checker.
	Force bool
	// VerdictTimeout limits the wait for first verdicts; 0 means 5 minutes. On AWS two seconds are added for every check
	// that is waited for, because their statuses are read one a second.
	VerdictTimeout time.Duration
	// SyncTimeout limits the wait until name servers answer by a change; 0 means 5 minutes.
	SyncTimeout time.Duration
	// Attempts is how often a call is made at most, 0 means 12: for callers that come back by themselves and have others
	// to look after.
	Attempts int
	// KeepTags is how long the tags of a check are taken for what they were when they were last read, by whoever reads
	// again and again; 0 reads them each time. What is written here is read anew.
	KeepTags time.Duration
	// Lag is how old the lists of health checks and tags may be that the provider gives; 0 means a minute at AWS, and that
	// they are never old with an engine. A read waits for it when a check that record sets cite has no tags.
	Lag time.Duration
	// RollbackDir receives a plan that undoes a batch before the batch is sent, when it deletes or replaces what exists;
	// it is made when missing. Empty means that none is written.
	RollbackDir string
	// Log receives one line of JSON for every call that writes, a LogLine; nil discards.
	Log io.Writer
	// Progress is told what is being done. It is called by the goroutine of Apply; nil is not called.
	Progress func(Progress)
}

// Progress is what an execution is at.
type Progress struct {
	Step, Steps int // 1 to Steps
	Kind        plan.Kind
	Object      string // a check's key, or a zone's name
	Text        string // what happens now, in a few words
}

// A LogLine is what is kept of one call that writes.
type LogLine struct {
	Time      time.Time `json:"time"`
	Plan      string    `json:"plan"` // hash
	Operation string    `json:"operation"`
	Object    string    `json:"object"` // a check's key, or a zone's name
	ID        string    `json:"id,omitempty"`
	Changes   int       `json:"changes,omitempty"` // in the batch
	Error     string    `json:"error,omitempty"`
}

const defaultTimeout = 5 * time.Minute

// An Applier speaks to one account. Its methods may be called at the same time, and share its pace.
type Applier struct {
	o     Options
	pacer *pacer
	// reached says that the endpoint of the Route 53 API was reached once.
	reached atomic.Bool

	mu    sync.Mutex // guards what follows, and writes to o.Log
	calls map[string]int
	fault *Fault
	kept  map[string]keptTags // by id of the check

	written  map[string]written   // by id, what was written lately
	untagged map[string]time.Time // by id, since when a check of ours is known to have no tags
}

// New returns an Applier. It makes no call.
func New(o Options) (*Applier, error) {
	switch {
	case o.Route53 == nil:
		return nil, errors.New("apply: Options.Route53 is missing")
	case o.Provider != failover.AWS && o.Provider != failover.Engine:
		return nil, fmt.Errorf("apply: Options.Provider is %q, want %q or %q", o.Provider, failover.AWS, failover.Engine)
	case o.StatusShare < 0 || o.StatusShare > 1:
		return nil, fmt.Errorf("apply: Options.StatusShare is %g, want 0 to 1", o.StatusShare)
	}
	if o.VerdictTimeout == 0 {
		o.VerdictTimeout = defaultTimeout
	}
	if o.SyncTimeout == 0 {
		o.SyncTimeout = defaultTimeout
	}
	if o.Attempts == 0 {
		o.Attempts = maxAttempts
	}
	a := &Applier{o: o, calls: make(map[string]int), kept: make(map[string]keptTags),
		written: make(map[string]written), untagged: make(map[string]time.Time)}
	if o.Paced || o.Provider == failover.AWS {
		a.pacer = newPacer(cmp.Or(o.StatusShare, 1))
	}
	return a, nil
}

// Calls returns how often each operation of the APIs was called since New, repetitions included.
func (a *Applier) Calls() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	calls := make(map[string]int, len(a.calls))
	for operation, n := range a.calls {
		calls[operation] = n
	}
	return calls
}

func (a *Applier) count(operation string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls[operation]++
}

// log keeps a line. The calls are made whether or not it can be written, and the error is told: a log that misses calls
// must not pass for one that is complete.
func (a *Applier) log(line LogLine, err error) error {
	if a.o.Log == nil {
		return nil
	}
	line.Time = time.Now().UTC()
	if err != nil {
		line.Error = err.Error()
	}
	data, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("write the log: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, err := a.o.Log.Write(append(data, '\n')); err != nil {
		return fmt.Errorf("write the log: %w", err)
	}
	return nil
}

// pause waits, and reports the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
