package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A zone that was made after a policy was programmed takes its record over: the record is there before the one in the parent goes.
func TestRecordMovesToAZoneThatWasMadeLater(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w, c := e.worker(t, west, &wire{}), e.candidate(t, "app01", west)
	c.policy.Spec.Hostname = "api.dev.example.com"
	e.mustPass(t, w, []candidate{c}, now)
	client := e.client(t, &wire{})
	made, err := client.CreateHostedZone(t.Context(), &route53.CreateHostedZoneInput{Name: aws.String("dev.example.com"), CallerReference: aws.String("child")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{HostedZoneId: &e.zones[0].ID,
		ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionCreate, ResourceRecordSet: &types.ResourceRecordSet{
			Name: aws.String("dev.example.com"), Type: types.RRTypeNs, TTL: aws.Int64(300),
			ResourceRecords: []types.ResourceRecord{{Value: &made.DelegationSet.NameServers[0]}}}}}}}); err != nil {
		t.Fatal(err)
	}
	if e.zones, err = w.applier.Zones(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.mustPass(t, w, []candidate{c}, now.Add(time.Minute))
	wantEqual(t, "outcomes", map[string]int{v1alpha1.ReasonProgrammed: 1}, reasons(w))
	in := make(map[zone.Name]int)
	for _, r := range w.state.Records {
		if r.Set.Name == "api.dev.example.com." {
			for _, z := range e.zones {
				if z.ID == r.ZoneID {
					in[z.Name]++
				}
			}
		}
	}
	wantEqual(t, "the record is in", map[zone.Name]int{"dev.example.com.": 1}, in)
}

// Zones are asked for again when a policy lacks one, and before it is placed for the first time, and not for each round after that.
func TestZonesAreReadBeforeAHostnameIsPlaced(t *testing.T) {
	a := &account{worker: &worker{region: west}, placed: make(map[string]zone.Name)}
	fresh := []task{{key: "team-a/app", hostname: "app.example.com.", intent: program}}
	lacking := []task{{key: "team-a/app", hostname: "app.example.org.", refusal: &refusal{v1alpha1.ReasonZoneRefused, "none"}}}
	for i, c := range []struct {
		tasks []task
		want  bool
	}{{fresh, true}, {fresh, false}, {lacking, true}, {lacking, false}, {nil, false}, {fresh, true}} {
		if got := a.asksForZone(c.tasks); got != c.want {
			t.Errorf("step %d: %t, want %t", i+1, got, c.want)
		}
	}
}

// A hostname cannot change in place without a gap. The policy is told so, and what it has stays.
func TestHostnameThatChangesInPlaceIsRefused(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w, c := e.worker(t, west, &wire{}), e.candidate(t, "app01", west)
	e.mustPass(t, w, []candidate{c}, now)
	c.policy.Spec.Hostname = "other.example.com"
	e.mustPass(t, w, []candidate{c}, now.Add(time.Second))
	if o := w.outcomes()["team-a/app01"]; !strings.Contains(o.message, "put app01.example.com back, make another policy for other.example.com") {
		t.Errorf("told is %q, want the way that has no gap", o.message)
	}
	wantEqual(t, "outcomes", map[string]int{v1alpha1.ReasonProviderRefused: 1}, reasons(w))
	wantEqual(t, "left", []string{"app01 eu-west-1"}, e.have(t))
}
