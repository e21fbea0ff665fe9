package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// On a running engine: whatever people made at the names and beside them, whatever was there of ours, and wherever a
// run ends, the next one completes it, a third finds nothing to do, what is not ours and not adopted stays byte for
// byte, and what is destroyed leaves the rest.
func TestRandomZonesAreNotHarmed(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	for seed := range uint64(24) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 6))
			namespace := fmt.Sprintf("n%d", e.number.Add(1))
			z := e.createZone(t, namespace+".example")
			calm := e.applier(t, &wire{}, Options{})
			draw := func() want {
				return want{namespace: namespace, zone: z, apps: [][]string{both, both[:1], both[1:]}[r.IntN(3)],
					path: []string{"", "/other"}[r.IntN(2)], interval: 1 + r.IntN(2), threshold: 1 + r.IntN(2)}
			}
			if r.IntN(2) == 0 { // something of ours is there
				_, result, err := e.reach(t.Context(), t, calm, draw(), plan.Guard{})
				if err != nil {
					t.Fatal(err)
				}
				// somebody deletes a check in use
				if id := result.Created[namespace+"/app1/eu-west-1"]; id != "" && r.IntN(3) == 0 {
					if _, err := e.client(t, &wire{}).DeleteHealthCheck(t.Context(),
						&route53.DeleteHealthCheckInput{HealthCheckId: &id}); err != nil {
						t.Fatal(err)
					}
				}
			}
			foreign := byHand(r, e, t, z)
			next := draw()
			var guard plan.Guard
			for _, app := range next.apps {
				guard.Adopt = append(guard.Adopt, zone.MustParseName(app+"."+string(z.Name)))
			}

			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var cut wire
			interruption{1 + r.IntN(16), r.IntN(2) == 0}.stopAt(&cut, cancel)
			_, _, _ = e.reach(ctx, t, e.applier(t, &cut, Options{}), next, guard) // ends wherever it ends
			if _, _, err := e.reach(t.Context(), t, calm, next, guard); err != nil {
				t.Fatalf("the run after the interruption: %v", err)
			}
			e.wantNothingToDo(t, calm, next)
			e.wantForeign(t, next, foreign, guard.Adopt)

			gone := next
			gone.apps = nil
			if _, _, err := e.reach(t.Context(), t, calm, gone, plan.Guard{}); err != nil {
				t.Fatal(err)
			}
			if keys, _ := e.objects(t, gone); keys != nil {
				t.Errorf("after the destruction there are still %v", keys)
			}
			e.wantForeign(t, gone, foreign, guard.Adopt)
		})
	}
}

// byHand makes record sets of several kinds, as far as the engine takes them beside what is there, and returns them.
func byHand(r *rand.Rand, e *engine, t *testing.T, z zone.HostedZone) []zone.ResourceRecordSet {
	t.Helper()
	text := simple("app1."+string(z.Name), `"by hand"`)
	text.Type = zone.TXT
	drawn := []zone.ResourceRecordSet{simple("www."+string(z.Name), "192.0.2.80"),
		simple("*."+string(z.Name), "192.0.2.81"), text}
	_, here := e.objects(t, want{zone: z})
	for _, app := range both {
		set := simple(app+"."+string(z.Name), fmt.Sprintf("192.0.2.%d", r.IntN(9)))
		taken := slices.ContainsFunc(here, func(s zone.ResourceRecordSet) bool { return s.Name == set.Name })
		switch r.IntN(3) {
		case 0: // a member of a group, also of ours
			set.SetIdentifier, set.Region = "by hand", "us-east-1"
		case 1:
			if taken { // a simple set cannot stand in a group
				continue
			}
		default:
			continue
		}
		drawn = append(drawn, set)
	}
	e.put(t, z, drawn...)
	return drawn
}

// wantForeign compares what was made by hand, byte for byte; addresses at adopted names are gone.
func (e *engine) wantForeign(t *testing.T, w want, foreign []zone.ResourceRecordSet, adopted []zone.Name) {
	t.Helper()
	write := func(sets []zone.ResourceRecordSet) map[string]string {
		all := make(map[string]string)
		for i := range sets {
			s := &sets[i]
			if s.HealthCheckID != "" || s.Type == zone.A && slices.Contains(adopted, s.Name) {
				continue
			}
			data, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			all[plan.Describe(s)] = string(data)
		}
		return all
	}
	_, now := e.objects(t, w)
	if diff := cmp.Diff(write(foreign), write(now)); diff != "" {
		t.Errorf("what was made by hand: before -, after +\n%s", diff)
	}
}
