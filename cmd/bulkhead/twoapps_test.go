package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

// exampleTwoApps copies examples/twoapps, with the lab's port and timers that a test can wait for, and returns the
// directory.
func (l *testLab) exampleTwoApps(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files, err := filepath.Glob("../../examples/twoapps/*.yaml")
	if err != nil || len(files) != 2 {
		t.Fatalf("examples/twoapps has %d files (%v), want app1 and app2", len(files), err)
	}
	replace := strings.NewReplacer("port: 80,", "port: "+l.port()+",", "requestInterval: 30", "requestInterval: 1", "failureThreshold: 3", "failureThreshold: 2")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), []byte(replace.Replace(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// answer is the address that a client near a Region is answered with.
func (l *testLab) answer(t *testing.T, name, client string) string {
	t.Helper()
	q := new(dns.Msg).SetQuestion(name, dns.TypeA)
	q.SetEdns0(1232, false)
	q.IsEdns0().Option = append(q.IsEdns0().Option, &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 16,
		Address: netip.MustParseAddr(client).AsSlice()})
	in, err := dns.Exchange(q, l.Node().DNSAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Answer) != 1 {
		t.Fatalf("%s for %s: %d answers, want one\n%v", name, client, len(in.Answer), in)
	}
	return in.Answer[0].(*dns.A).A.String()
}

// eventually waits until a client is answered with an address.
func (l *testLab) eventually(t *testing.T, name, client, want string) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		got := l.answer(t, name, client)
		if got == want {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("%s for %s: %s after a minute, want %s", name, client, got, want)
		case <-tick.C:
		}
	}
}

// The two applications from the first command to its last: two applications in two Regions are eight objects, app1
// moves alone and comes back, and when all is destroyed the account is what it was, byte for byte.
func TestTwoApps(t *testing.T) {
	t.Parallel()
	l := newTestLab(t)
	l.foreign(t)
	before := l.contents(t)
	dir := l.exampleTwoApps(t)
	l.must(t, 0, dir, "apply", "-f", ".", "--yes")
	if diff := cmp.Diff(l.twoAppsObjects(), l.described(t, before)); diff != "" {
		t.Errorf("the objects wanted -, those that were made +\n%s", diff)
	}
	if said := l.must(t, 0, dir, "plan", "-f", "."); !strings.Contains(said, "Nothing to do.") {
		t.Errorf("the plan after that:\n%s", said)
	}

	const inWest, inCentral = "10.1.0.0", "10.2.0.0"
	west, central := l.Status().Regions[0].LoadBalancer.Address, l.Status().Regions[1].LoadBalancer.Address
	stay := func() {
		t.Helper()
		for _, q := range [][3]string{{"app1.example.com.", inCentral, central}, {"app2.example.com.", inWest, west}, {"app2.example.com.", inCentral, central}} {
			if got := l.answer(t, q[0], q[1]); got != q[2] {
				t.Errorf("%s for %s: %s, want %s", q[0], q[1], got, q[2])
			}
		}
	}
	l.eventually(t, "app1.example.com.", inWest, west)
	stay()
	if err := l.Scale(t.Context(), "app1", "eu-west-1", 0); err != nil {
		t.Fatal(err)
	}
	l.eventually(t, "app1.example.com.", inWest, central)
	stay()
	if err := l.Scale(t.Context(), "app1", "eu-west-1", 2); err != nil {
		t.Fatal(err)
	}
	l.eventually(t, "app1.example.com.", inWest, west)
	stay()

	l.must(t, 0, dir, "destroy", "-f", ".", "--yes")
	if diff := differenceOf(before, l.contents(t)); diff != "" {
		t.Errorf("what was there before -, after +\n%s", diff)
	}
}

// twoAppsObjects are the four health checks and four records of the two applications.
func (l *testLab) twoAppsObjects() []string {
	var objects []string
	for _, app := range []string{"app1", "app2"} {
		for _, lb := range l.LoadBalancers() {
			name := strings.TrimSuffix(lb.DNSName, ".")
			objects = append(objects,
				fmt.Sprintf("check HTTP %s:%d/%shealth 1 s x 2", name, lb.Port, app),
				fmt.Sprintf("record %s.example.com. A %s latency %s alias %s %s. evaluate target health false, check of %[6]s:%d/%[1]shealth",
					app, lb.Region, lb.Region, lb.HostedZoneID, name, name, lb.Port))
		}
	}
	slices.Sort(objects)
	return objects
}

// described tells what is there and was not before.
func (l *testLab) described(t *testing.T, before contents) []string {
	t.Helper()
	old := map[string]bool{}
	for _, c := range before.checks {
		old[*c.Id] = true
	}
	var objects []string
	endpoint := map[string]string{}
	now := l.contents(t)
	for _, c := range now.checks {
		k := c.HealthCheckConfig
		endpoint[*c.Id] = fmt.Sprintf("%s:%d%s", aws.ToString(k.FullyQualifiedDomainName), aws.ToInt32(k.Port), aws.ToString(k.ResourcePath))
		if !old[*c.Id] {
			objects = append(objects, fmt.Sprintf("check %s %s %d s x %d", k.Type, endpoint[*c.Id], aws.ToInt32(k.RequestInterval), aws.ToInt32(k.FailureThreshold)))
		}
	}
	for _, r := range now.records {
		if r.AliasTarget == nil {
			continue
		}
		objects = append(objects, fmt.Sprintf("record %s %s %s latency %s alias %s %s evaluate target health %t, check of %s", *r.Name, r.Type,
			aws.ToString(r.SetIdentifier), r.Region, *r.AliasTarget.HostedZoneId, *r.AliasTarget.DNSName, r.AliasTarget.EvaluateTargetHealth,
			endpoint[aws.ToString(r.HealthCheckId)]))
	}
	slices.Sort(objects)
	return objects
}
