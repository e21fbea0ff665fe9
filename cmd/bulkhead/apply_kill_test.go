package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// newTestLab is a lab until the test ends.
func newTestLab(t *testing.T) *testLab {
	t.Helper()
	l, err := startTestLab(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	l.stopAtEnd(t)
	return l
}

func (l *testLab) stopAtEnd(t *testing.T) {
	t.Cleanup(func() {
		if err := l.stop(); err != nil {
			t.Error(err)
		}
	})
}

// stdout runs the program, wants an exit code, and returns the standard output. settings are variables of the
// environment beside those that lead to the lab.
func (l *testLab) stdout(t *testing.T, want int, settings []string, args ...string) string {
	t.Helper()
	cmd, stderr := l.command(t.TempDir(), l.url, args...)
	cmd.Env = slices.Concat(cmd.Env, []string{"AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2=" + l.url}, settings)
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if exit := cmd.ProcessState.ExitCode(); exit != want {
		t.Fatalf("bulkhead %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), exit, want, &stdout, stderr)
	}
	return stdout.String()
}

// bulkhead runs the program in a directory until it ends, and returns its exit code and what it said.
func (l *testLab) bulkhead(t *testing.T, dir string, args ...string) (code int, said string) {
	t.Helper()
	cmd, out := l.command(dir, l.url, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	return cmd.ProcessState.ExitCode(), out.String()
}

func (l *testLab) command(dir, endpoint string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.Command("bulkhead", args...)
	cmd.Dir = dir
	cmd.Env = slices.Concat(os.Environ(), l.env(), []string{"AWS_ENDPOINT_URL_ROUTE_53=" + endpoint})
	out := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

// killed runs the program and ends it by SIGKILL when its call n was executed, before it has the answer. It reports
// whether it came to that; a run with fewer calls has to succeed.
func (l *testLab) killed(t *testing.T, n int64, dir string, args ...string) bool {
	t.Helper()
	target, err := url.Parse(l.url)
	if err != nil {
		t.Fatal(err)
	}
	reached, dead := make(chan struct{}), make(chan struct{})
	var calls atomic.Int64
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
		ModifyResponse: func(*http.Response) error {
			if calls.Add(1) == n {
				close(reached)
				<-dead
			}
			return nil
		},
		ErrorLog: log.New(io.Discard, "", 0),
	})
	defer proxy.Close()
	cmd, out := l.command(dir, proxy.URL, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		close(dead)
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return false
	case <-reached:
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-ended
		close(dead)
		return true
	}
}

// contents is everything in the lab: health checks, and the record sets of example.com.
type contents struct {
	checks  []types.HealthCheck
	records []types.ResourceRecordSet
}

func (l *testLab) contents(t *testing.T) (c contents) {
	t.Helper()
	checks, err := l.client.ListHealthChecks(t.Context(), &route53.ListHealthChecksInput{})
	if err != nil {
		t.Fatal(err)
	}
	records, err := l.client.ListResourceRecordSets(t.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: &l.zone})
	if err != nil {
		t.Fatal(err)
	}
	if checks.IsTruncated || records.IsTruncated {
		t.Fatal("more than a page is there")
	}
	return contents{checks.HealthChecks, records.ResourceRecordSets}
}

func differenceOf(a, b contents) string {
	exported := cmpopts.IgnoreUnexported(types.HealthCheck{}, types.HealthCheckConfig{}, types.ResourceRecordSet{}, types.ResourceRecord{},
		types.AliasTarget{}, types.AlarmIdentifier{}, types.LinkedService{}, types.CloudWatchAlarmConfiguration{})
	return cmp.Diff(a.checks, b.checks, exported) + cmp.Diff(a.records, b.records, exported)
}

// foreign makes what is not Bulkhead's: records, and a check that one of them refers to.
func (l *testLab) foreign(t *testing.T) {
	t.Helper()
	check, err := l.client.CreateHealthCheck(t.Context(), &route53.CreateHealthCheckInput{
		CallerReference:   new("by hand"),
		HealthCheckConfig: &types.HealthCheckConfig{Type: types.HealthCheckTypeTcp, IPAddress: new("127.0.0.1"), Port: new(int32(9))},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.client.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: &l.zone,
		ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionCreate, ResourceRecordSet: &types.ResourceRecordSet{
			Name: new("www.example.com"), Type: types.RRTypeA, TTL: new(int64(60)), SetIdentifier: new("first"), Weight: new(int64(1)),
			HealthCheckId: check.HealthCheck.Id, ResourceRecords: []types.ResourceRecord{{Value: new("192.0.2.80")}},
		}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.put(l.zone, "mail.example.com", "MX", "10 mx.example.com."); err != nil {
		t.Fatal(err)
	}
}

// twoApps writes the two applications of a namespace to files, and returns their directory.
func (l *testLab) twoApps(t *testing.T, namespace string) string {
	t.Helper()
	dir := t.TempDir()
	for _, app := range []string{"app1", "app2"} {
		text := fmt.Sprintf(`apiVersion: bulkhead.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  hostname: %[1]s.example.com
  healthCheck: {port: %[3]s, path: /%[1]shealth, requestInterval: 1, failureThreshold: 1}
  regions:
    - {name: eu-west-1, loadBalancer: {name: demoalb}}
    - {name: eu-central-1, loadBalancer: {name: demoalb}}
`, app, namespace, l.port())
		if err := os.WriteFile(filepath.Join(dir, app+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// must runs the program and wants an exit code.
func (l *testLab) must(t *testing.T, want int, dir string, args ...string) string {
	t.Helper()
	code, said := l.bulkhead(t, dir, args...)
	if code != want {
		t.Fatalf("bulkhead %s: exit code %d, want %d\n%s", strings.Join(args, " "), code, want, said)
	}
	return said
}

// Wherever a run is killed, the next one completes it: nothing is there twice, and what others made stays. Workers take
// turns at the calls, until a run ends before it is killed.
func TestKilledAfterAnyCallCompletedByTheNext(t *testing.T) {
	t.Parallel()
	const workers = 10
	for worker := range workers {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			l := newTestLab(t)
			l.foreign(t)
			before := l.contents(t)
			apply, destroy, adopt := true, true, true
			for n := int64(worker + 1); apply || destroy || adopt; n += workers {
				dir := l.twoApps(t, fmt.Sprintf("team%d", n))
				apply = l.killed(t, n, dir, "apply", "-f", ".", "--yes")
				l.must(t, 0, dir, "apply", "-f", ".", "--yes")
				l.wantTwoApps(t, dir, before, n)
				destroy = l.killed(t, n, dir, "destroy", "-f", ".", "--yes")
				l.must(t, 0, dir, "destroy", "-f", ".", "--yes")
				if diff := differenceOf(before, l.contents(t)); diff != "" {
					t.Fatalf("destroy was killed after call %d; before -, after +\n%s", n, diff)
				}

				dir = l.twoApps(t, fmt.Sprintf("adopter%d", n))
				for _, name := range []string{"app1.example.com", "app2.example.com"} {
					if err := l.put(l.zone, name, "A", "192.0.2.1"); err != nil {
						t.Fatal(err)
					}
				}
				adopt = l.killed(t, n, dir, "adopt", "-f", ".", "--yes")
				l.must(t, 0, dir, "adopt", "-f", ".", "--yes")
				l.wantTwoApps(t, dir, before, n)
				l.must(t, 0, dir, "destroy", "-f", ".", "--yes")
				if n <= workers && (!apply || !destroy || !adopt) {
					t.Fatalf("a run ended before its call %d: apply %v, destroy %v, adopt %v", n, !apply, !destroy, !adopt)
				}
			}
		})
	}
}

// Wherever a run that changes health checks is killed, the next one completes it: record sets cite checks that exist at
// any moment, and there is one check for each Region in the end.
func TestKilledWhileChecksChangeCompletedByTheNext(t *testing.T) {
	t.Parallel()
	const workers = 6
	for worker := range workers {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			l := newTestLab(t)
			dir := l.twoApps(t, "team")
			if err := os.Remove(filepath.Join(dir, "app2.yaml")); err != nil {
				t.Fatal(err)
			}
			l.must(t, 0, dir, "apply", "-f", ".", "--yes")
			file := filepath.Join(dir, "app1.yaml")
			policy, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for n, killed := int64(worker+1), true; killed; n += workers {
				changed := bytes.Replace(policy, []byte("/app1health"), fmt.Appendf(nil, `"/app1health?%d"`, n), 1)
				if err := os.WriteFile(file, changed, 0o600); err != nil {
					t.Fatal(err)
				}
				killed = l.killed(t, n, dir, "apply", "-f", ".", "--yes")
				now := l.contents(t)
				for _, set := range now.records {
					if id := set.HealthCheckId; id != nil && !slices.ContainsFunc(now.checks, func(c types.HealthCheck) bool { return *c.Id == *id }) {
						t.Fatalf("killed after call %d: %s cites %s, which is gone", n, *set.Name, *id)
					}
				}
				l.must(t, 0, dir, "apply", "-f", ".", "--yes")
				if now = l.contents(t); len(now.checks) != 2 {
					t.Fatalf("killed after call %d, then completed: %d health checks, want 2", n, len(now.checks))
				}
				l.must(t, 0, dir, "plan", "-f", ".", "--detailed-exitcode")
				if n <= workers && !killed {
					t.Fatalf("a run ended before its call %d", n)
				}
			}
		})
	}
}

// wantTwoApps wants four checks and four record sets beside what was there, and nothing to do.
func (l *testLab) wantTwoApps(t *testing.T, dir string, before contents, n int64) {
	t.Helper()
	now := l.contents(t)
	if checks, records := len(now.checks)-len(before.checks), len(now.records)-len(before.records); checks != 4 || records != 4 {
		t.Fatalf("killed after call %d, then completed: %d health checks and %d record sets, want 4 and 4", n, checks, records)
	}
	l.must(t, 0, dir, "plan", "-f", ".", "--detailed-exitcode")
}

// Two runs at once that want different things: each completes, or says that something changed under it; never is a
// batch written over another's. The next run of either leads to what it wants, and no check is there twice.
func TestTwoRunsAtOnce(t *testing.T) {
	t.Parallel()
	l := newTestLab(t)
	l.foreign(t)
	before := l.contents(t)
	first, second := l.twoApps(t, "team"), l.twoApps(t, "team")
	for _, app := range []string{"app1.yaml", "app2.yaml"} {
		path := filepath.Join(second, app)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data = bytes.ReplaceAll(data, []byte("failureThreshold: 1"), []byte("failureThreshold: 2"))
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	type end struct {
		code int
		said string
	}
	ends := make(chan end, 2)
	for _, dir := range []string{first, second} {
		go func() {
			cmd, out := l.command(dir, l.url, "apply", "-f", ".", "--yes")
			if err := cmd.Run(); cmd.ProcessState == nil {
				ends <- end{-1, err.Error()}
				return
			}
			ends <- end{cmd.ProcessState.ExitCode(), out.String()}
		}()
	}
	for range 2 {
		e := <-ends
		if e.code == 0 {
			continue
		}
		known := slices.ContainsFunc([]string{"changed since the plan was made", "were refused as a whole", "HealthCheckAlreadyExists",
			"HealthCheckVersionMismatch", "NoSuchHealthCheck"}, func(reason string) bool { return strings.Contains(e.said, reason) })
		if e.code != 1 || !known {
			t.Errorf("exit code %d, want 0, or 1 and the reason that something changed:\n%s", e.code, e.said)
		}
	}
	for n, dir := range []string{first, second} {
		l.must(t, 0, dir, "apply", "-f", ".", "--yes")
		l.wantTwoApps(t, dir, before, int64(n))
	}
	l.must(t, 0, second, "destroy", "-f", ".", "--yes")
	if diff := differenceOf(before, l.contents(t)); diff != "" {
		t.Errorf("before -, after +\n%s", diff)
	}
}

// Ctrl-C ends a run in good order, and the person is told how to go on.
func TestInterruptedRunSaysHowToGoOn(t *testing.T) {
	t.Parallel()
	l := newTestLab(t)
	dir := l.twoApps(t, "team")
	app1 := filepath.Join(dir, "app1.yaml")
	right, err := os.ReadFile(app1)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(app1, bytes.ReplaceAll(right, []byte("/app1health"), []byte("/nowhere")), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, _ := l.command(dir, l.url, "apply", "-f", ".", "--yes")
	cmd.Stderr = nil
	talk, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for lines := bufio.NewScanner(talk); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "waiting for verdicts: ") {
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(said.String(), "interrupted: what was done stays and is safe; run the same command again") {
		t.Errorf("exit code %d:\n%s", code, &said)
	}
	if err := os.WriteFile(app1, right, 0o600); err != nil {
		t.Fatal(err)
	}
	l.must(t, 0, dir, "apply", "-f", ".", "--yes")
	l.wantTwoApps(t, dir, contents{records: make([]types.ResourceRecordSet, 2)}, 0) // NS and SOA are there from the beginning
}
