package alb

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func addr(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}), 80)
}

func someTargets(ns ...int) (all []Target) {
	for _, n := range ns {
		all = append(all, Target{ID: fmt.Sprintf("pod-%d", n), Address: addr(n), AvailabilityZone: "eu-west-1a"})
	}
	return all
}

// Every case: thresholds 3 up and 2 down; P is a passed probe, F a failed one.
func TestTargetStateFollowsProbes(t *testing.T) {
	for _, c := range []struct {
		rule, probes string
		want         TargetState
	}{
		{"new targets are not judged", "", Initial},
		{"a new target needs only one pass, r53: E.1", "P", Healthy},
		{"one failure does not judge a new target", "F", Initial},
		{"a pass after a failure is still the first", "FP", Healthy},
		{"UnhealthyThreshold failures in a row", "FF", Unhealthy},
		{"one failure does not take a healthy target out", "PF", Healthy},
		{"failures must follow each other", "PFPFPF", Healthy},
		{"UnhealthyThreshold failures of a healthy target", "PFF", Unhealthy},
		{"HealthyThreshold passes in a row, one short", "FFPP", Unhealthy},
		{"HealthyThreshold passes in a row", "FFPPP", Healthy},
		{"passes must follow each other", "FFPPFPP", Unhealthy},
	} {
		t.Run(c.rule, func(t *testing.T) {
			g := &targetGroup{TargetGroup: TargetGroup{HealthCheck: HealthCheck{HealthyThreshold: 3, UnhealthyThreshold: 2}},
				inUse: true}
			g.setTargets(someTargets(1), time.Time{})
			for _, p := range c.probes {
				var result probeResult
				if p == 'F' {
					result = probeResult{ReasonMismatch, "Health checks failed with these codes: [500]"}
				}
				g.targets[0].observe(result, g.HealthCheck)
			}
			got := g.targets[0]
			if got.state != c.want {
				t.Errorf("after %q the target is %s, want %s", c.probes, got.state, c.want)
			}
			wantReason := map[TargetState]string{Initial: ReasonInitial, Unhealthy: ReasonMismatch}[c.want]
			if got.reason != wantReason {
				t.Errorf("reason %q, want %q", got.reason, wantReason)
			}
		})
	}
}

func TestUnhealthyTargetShowsTheLatestReason(t *testing.T) {
	g := &targetGroup{TargetGroup: TargetGroup{}.withDefaults(), inUse: true}
	g.setTargets(someTargets(1), time.Time{})
	for _, reason := range []string{ReasonMismatch, ReasonMismatch, ReasonTimeout} {
		g.targets[0].observe(probeResult{reason, ""}, g.HealthCheck)
	}
	if got := g.targets[0].reason; got != ReasonTimeout {
		t.Errorf("reason %q, want %q", got, ReasonTimeout)
	}
}

// states shows a group as "pod-1 healthy, pod-2 draining".
func states(g *targetGroup, now time.Time) string {
	var all []string
	for _, t := range g.statuses(now) {
		all = append(all, t.ID+" "+string(t.State))
	}
	return strings.Join(all, ", ")
}

func TestTargetsAreRegisteredDrainedAndForgotten(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	g := &targetGroup{TargetGroup: TargetGroup{DeregistrationDelay: time.Minute}.withDefaults()}
	expect := func(want string) {
		t.Helper()
		if diff := cmp.Diff(want, states(g, now)); diff != "" {
			t.Errorf("targets (-want +got):\n%s", diff)
		}
	}
	g.setTargets(someTargets(1, 2), now)
	expect("pod-1 unused, pod-2 unused") // no listener action refers to the group, r53: A.9 rule 4
	g.setInUse(true)
	expect("pod-1 initial, pod-2 initial")
	g.targets[0].observe(probeResult{}, g.HealthCheck)
	kept := g.targets[0]
	added, removed := g.setTargets(someTargets(1, 3), now)
	expect("pod-1 healthy, pod-3 initial, pod-2 draining")
	if len(added) != 1 || added[0].ID != "pod-3" || len(removed) != 1 || removed[0].ID != "pod-2" || g.targets[0] != kept {
		t.Errorf("added %v, removed %v; want pod-3 and pod-2, and pod-1 kept", added, removed)
	}
	now = now.Add(time.Minute)
	expect("pod-1 healthy, pod-3 initial")
	g.setTargets(someTargets(3), now)
	g.setTargets(someTargets(3, 1), now)
	expect("pod-3 initial, pod-1 initial") // registered again while draining: a new target
	g.setInUse(false)
	expect("pod-3 unused, pod-1 unused")
	g.setInUse(true)
	expect("pod-3 initial, pod-1 initial")
}

func TestRequestsGoRoundHealthyTargets(t *testing.T) {
	for _, c := range []struct {
		rule   string
		states []TargetState
		want   string // share of 12 requests
	}{
		{"round robin", []TargetState{Healthy, Healthy, Healthy}, "4 4 4"},
		{"only the healthy ones", []TargetState{Healthy, Unhealthy, Healthy}, "6 0 6"},
		{"new ones wait for their first pass", []TargetState{Initial, Healthy}, "0 12"},
		{"none healthy: all of them, r53: A.9 rule 7", []TargetState{Unhealthy, Unhealthy, Initial}, "4 4 4"},
		{"no target", nil, ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			g := &targetGroup{}
			for i, s := range c.states {
				g.targets = append(g.targets, &target{Target: someTargets(i)[0], state: s})
			}
			served := make(map[string]int)
			for range 12 {
				if target, ok := g.pick(); ok {
					served[target.ID]++
				}
			}
			var got []string
			for _, target := range g.targets {
				got = append(got, fmt.Sprint(served[target.ID]))
			}
			if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTargetsMustBeReachableAndDistinct(t *testing.T) {
	for _, c := range []struct {
		targets []Target
		want    string
	}{
		{[]Target{{ID: "a"}}, "give an IP address and a port"},
		{someTargets(1, 1), "have the same address 10.0.0.1:80"},
	} {
		if err := checkTargets(c.targets); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

// Whatever is registered, probed and put in or out of use: shown states fit the group, and a pick is a healthy target
// when there is one.
func TestTargetGroupInvariants(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		now := time.Unix(0, 0)
		g := &targetGroup{TargetGroup: TargetGroup{DeregistrationDelay: 5 * time.Second}.withDefaults()}
		for range 60 {
			now = now.Add(time.Second)
			switch r.IntN(4) {
			case 0:
				var want []int
				for n := range 4 {
					if r.IntN(2) == 0 {
						want = append(want, n)
					}
				}
				g.setTargets(someTargets(want...), now)
			case 1:
				g.setInUse(r.IntN(3) > 0)
			default:
				for _, target := range g.targets {
					if target.stop != nil {
						target.observe([]probeResult{{}, {reason: ReasonFailed}}[r.IntN(2)], g.HealthCheck)
					}
				}
			}
			seen := map[netip.AddrPort]bool{}
			for _, s := range g.statuses(now) {
				if seen[s.Address] {
					t.Fatalf("seed %d: %s is shown twice", seed, s.ID)
				}
				seen[s.Address] = true
				if s.State != Draining && (s.State == Unused) == g.inUse {
					t.Fatalf("seed %d: %s is %s in a group with inUse=%v", seed, s.ID, s.State, g.inUse)
				}
			}
			picked, ok := g.pick()
			if ok != (len(g.targets) > 0) {
				t.Fatalf("seed %d: pick says %v with %d targets", seed, ok, len(g.targets))
			}
			if ok && picked.state != Healthy && g.healthyTargets() > 0 {
				t.Fatalf("seed %d: picked a target that is %s while %d are healthy", seed, picked.state, g.healthyTargets())
			}
		}
	}
}
