package controller

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
)

// An engine is asked for all verdicts with one call, and for the reports of a check when its verdict changes.
func TestAnEngineIsAskedForAllVerdictsAtOnce(t *testing.T) {
	e := startEngineBehind(t, false)
	now := time.Now()
	url, c := "http://"+e.HTTPAddr().String(), e.Credentials()
	applier, err := apply.New(apply.Options{Route53: e.client(t, &wire{}), Provider: failover.Engine, KeepTags: time.Hour, Attempts: 3,
		CloudWatch: cloudwatch.New(cloudwatch.Options{Region: "us-east-1", BaseEndpoint: &url,
			Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, "")})})
	if err != nil {
		t.Fatal(err)
	}
	w, list := e.worker(t, west, &wire{}), e.candidates(t, west, 5)
	w.applier = applier
	e.mustPass(t, w, list, now)
	a := &account{site: site{region: west}, worker: w, nudged: make(map[string]bool), verdicts: make(map[string]verdicts)}
	a.post(board{candidates: list, outcomes: w.outcomes(), state: w.state, zones: e.zones, readAt: time.Now(), writes: w.writes})
	ask := func() (statuses, readings int) {
		t.Helper()
		before := applier.Calls()
		if _, err := a.ask(t.Context(), 20*time.Millisecond, time.Hour); err != nil {
			t.Fatal(err)
		}
		after := applier.Calls()
		return after["GetHealthCheckStatus"] - before["GetHealthCheckStatus"], after["GetMetricData"] - before["GetMetricData"]
	}
	if statuses, readings := ask(); statuses != 5 || readings != 1 {
		t.Errorf("first %d calls for reports and %d for verdicts, want 5 and 1", statuses, readings)
	}
	asked, read := 0, 0
	more := func() (statuses int) {
		statuses, readings := ask()
		asked, read = asked+statuses, read+readings
		return statuses
	}
	eventually(t, "verdicts are read five times", func() bool { more(); return read >= 5 })
	if asked != 0 {
		t.Errorf("%d calls for reports although no verdict has changed", asked)
	}
	e.set(true, "/app03")
	eventually(t, "the reason of a failure is asked for", func() bool { return more() > 0 })
	if asked != 1 {
		t.Errorf("%d calls for reports when one application has failed, want 1", asked)
	}
}
