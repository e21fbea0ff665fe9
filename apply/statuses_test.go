package apply

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/node"
)

// Every checker's word is read with one call a check, two with last failures; what does not exist is passed over.
// r53: B.7.
func TestStatusesOfHealthChecks(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{CheckerRegions: []string{"eu-west-1", "us-east-1", "sa-east-1"}})
	a := e.applier(t, &wire{}, Options{})
	good := e.createCheck(t, "good", "/app1health")
	bad := e.createCheck(t, "bad", "/broken")
	ids := []string{good, bad, "00000000-0000-4000-8000-000000000000"}
	var steps []int
	read := func() (map[string]string, bool) {
		steps = nil
		statuses, err := a.Statuses(t.Context(), ids, StatusOptions{LastFailures: true, Progress: func(done, of int) {
			steps = append(steps, done, of)
		}})
		if err != nil {
			t.Fatal(err)
		}
		said := map[string]string{}
		for id, reports := range statuses {
			slices.SortFunc(reports, func(a, b health.Report) int { return strings.Compare(a.Region, b.Region) })
			for _, r := range reports {
				said[id] += r.Region + ": " + r.Status + " / " + r.Failure + "\n"
			}
		}
		return said, strings.Count(said[bad], "Failure: ") == 6
	}
	var said map[string]string
	for done := false; !done || strings.Count(said[good], "Success") < 3; said, done = read() {
		if err := pause(t.Context(), 20*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	const ok, failed = "Success: HTTP Status Code 200, OK / ", "Failure: HTTP Status Code 503, Service Unavailable"
	want := map[string]string{
		good: "eu-west-1: " + ok + "\nsa-east-1: " + ok + "\nus-east-1: " + ok + "\n",
		bad: "eu-west-1: " + failed + " / " + failed + "\nsa-east-1: " + failed + " / " + failed + "\nus-east-1: " + failed +
			" / " + failed + "\n",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("what checkers say (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{1, 3, 2, 3, 3, 3}, steps); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	before := a.Calls()
	read()
	after := a.Calls()
	if n := after["GetHealthCheckStatus"] - before["GetHealthCheckStatus"]; n != 3 {
		t.Errorf("%d calls of GetHealthCheckStatus for 3 checks", n)
	}
	if n := after["GetHealthCheckLastFailureReason"] - before["GetHealthCheckLastFailureReason"]; n != 2 {
		t.Errorf("%d calls of GetHealthCheckLastFailureReason for 2 checks that exist", n)
	}
	// The same calls are made for a check that no checker has probed: the rights that they need do not depend on the
	// moment.
	if _, err := e.client(t, &wire{}).UpdateHealthCheck(t.Context(), &route53.UpdateHealthCheckInput{HealthCheckId: &good,
		Disabled: new(true), ResourcePath: aws.String("/elsewhere")}); err != nil {
		t.Fatal(err)
	}
	before = a.Calls()
	statuses, err := a.Statuses(t.Context(), []string{good}, StatusOptions{LastFailures: true})
	if err != nil || len(statuses[good]) != 0 {
		t.Errorf("a check that is not probed: %v, %v", statuses, err)
	}
	if n := a.Calls()["GetHealthCheckLastFailureReason"] - before["GetHealthCheckLastFailureReason"]; n != 1 {
		t.Errorf("%d calls of GetHealthCheckLastFailureReason for a check that is not probed, want 1", n)
	}
}

// createCheck makes a check of a path of the engine's application by hand.
func (e *engine) createCheck(t *testing.T, reference, path string) string {
	t.Helper()
	port, err := strconv.Atoi(e.port)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.client(t, &wire{}).CreateHealthCheck(t.Context(),
		&route53.CreateHealthCheckInput{CallerReference: &reference,
			HealthCheckConfig: &types.HealthCheckConfig{Type: types.HealthCheckTypeHttp, IPAddress: aws.String("127.0.0.1"),
				Port:         aws.Int32(int32(port)),
				ResourcePath: &path, RequestInterval: aws.Int32(1), FailureThreshold: aws.Int32(1)}})
	if err != nil {
		t.Fatal(err)
	}
	return *out.HealthCheck.Id
}
