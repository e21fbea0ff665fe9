package controller

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/test/awslike"
)

// No health check is deleted while a change is under way, also one of another hostname or of a controller that ended before this one:
// name servers may still answer by the record sets that cite it.
func TestDeletionsWaitForChangesThatAreUnderWay(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w := e.worker(t, west, &wire{})
	state := plan.State{Zones: e.zones, Checks: []plan.Check{{Key: "team-a/app/" + west, ID: "c1", CallerReference: plan.CallerReference("team-a/app/"+west, 1),
		Config: health.Config{Type: health.TCP, IPAddress: "192.0.2.1", Port: new(80)},
		Tags:   []tagging.Tag{{Key: plan.TagManagedBy, Value: plan.TagValue}, {Key: plan.TagKey, Value: "team-a/app/" + west}}}}}
	planned, err := plan.Destroy(state, []string{"team-a/app"}, plan.Guard{Engine: true})
	if err != nil || len(planned.Steps) != 1 {
		t.Fatal(planned.Steps, err)
	}
	w.log = slog.New(slog.DiscardHandler)
	ask := func(at time.Time) bool {
		t.Helper()
		r := &round{worker: w, now: at, later: make(map[string]bool)}
		left, err := r.deletionsLater(t.Context(), planned)
		if err != nil {
			t.Fatal(err)
		}
		if left.Empty() != r.later["team-a/app"] {
			t.Errorf("the plan is empty: %t, its policy comes later: %t", left.Empty(), r.later["team-a/app"])
		}
		return left.Empty()
	}
	if ask(now) {
		t.Error("it waits for nothing")
	}
	w.quiet = now.Add(time.Minute)
	if !ask(now) || ask(now.Add(time.Minute)) {
		t.Error("it does not wait for what a controller before this one may have written")
	}
	w.open = []string{"C-unknown"} // not known any more: in sync long ago
	if ask(now.Add(time.Minute)) || len(w.open) != 0 {
		t.Errorf("it waits for %v", w.open)
	}
}

// At AWS a first read is followed by a time in which nothing is deleted.
func TestTheFirstReadAtAWSIsFollowedByAQuietTime(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w := e.worker(t, west, &wire{})
	w.provider = failover.AWS
	if _, err := w.round(t.Context(), nil, nil, now); err != nil {
		t.Fatal(err)
	}
	if !w.quiet.Equal(now.Add(time.Minute)) {
		t.Errorf("quiet until %s, want a minute", w.quiet)
	}
}

// The account has room for five health checks, and one namespace asks for eight. Who asks for one has it: what fits is made, in turns by
// namespace, and who is left over is told why.
func TestWhatFitsIntoTheAccountIsMadeInTurns(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	front := httptest.NewServer(awslike.New(awslike.Options{Engine: "http://" + e.HTTPAddr().String(), Credentials: e.Credentials(), Speed: 20, HealthChecks: 5,
		Endpoints: map[string]string{"52.95.110.1": "127.0.0.1"}}))
	t.Cleanup(front.Close)
	c := e.Credentials()
	a, err := apply.New(apply.Options{Provider: failover.AWS, Attempts: 3, Lag: 100 * time.Millisecond, Route53: route53.New(route53.Options{
		BaseEndpoint: &front.URL, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, "")})})
	if err != nil {
		t.Fatal(err)
	}
	w := e.worker(t, west, &wire{})
	w.applier, w.provider = a, failover.AWS
	var tasks []task
	add := func(namespace, name string) {
		c := e.of(t, namespace, name, west)
		c.policy.Spec.Regions[0].Addresses, c.policy.Spec.HealthCheck.RequestInterval = []string{"52.95.110.1"}, new(30)
		tasks = append(tasks, taskOf(c, failover.Facts{Provider: failover.AWS, Zones: e.zones, Region: west}, now))
	}
	for i := range 8 {
		add("team-b", fmt.Sprintf("many%d", i))
	}
	add("team-a", "one")
	if _, err := w.round(t.Context(), tasks, nil, now); err != nil {
		t.Fatal(err)
	}
	owned := w.owned()
	if len(owned["team-a"]) != 1 || len(owned["team-b"]) != 4 {
		t.Errorf("made are %v, want the one of team-a and four of team-b; %v", owned, w.outcomes())
	}
	told := 0
	for _, o := range w.outcomes() {
		if strings.Contains(o.message, "the account may have 5 health checks and has 5") {
			told++
		}
	}
	if told != 4 {
		t.Errorf("%d are told why, want 4: %v", told, w.outcomes())
	}
}

// A changed check that nobody answers is waited for, and its policy says so, also while the former check of another policy waits for its
// deletion until name servers have forgotten it.
func TestDeletionsThatWaitHideNobody(t *testing.T) {
	e := startEngine(t)
	if e.provider != failover.AWS {
		e.openFront(t)
	}
	now := time.Now()
	w, list := e.workerWaiting(t, west, &wire{}, 8*time.Second), e.candidates(t, west, 2)
	e.mustPass(t, w, list, now)
	e.set(true, "/typo")
	list[0].policy.Spec.HealthCheck.Path = "/typo"
	list[1].policy.Spec.HealthCheck.Path = "/right"
	e.mustPass(t, w, list, now.Add(2*time.Minute))
	if o := w.outcomes()["team-a/app01"]; o.done || !strings.Contains(o.message, "503") {
		t.Errorf("%+v, want it to wait for its health check", o)
	}
	if o := w.outcomes()["team-a/app02"]; !o.done {
		t.Errorf("%+v, want it to be programmed", o)
	}
}
