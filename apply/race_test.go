package apply

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// What somebody does between the last look at a zone and the batch is not undone: the batch is refused as a whole.
func TestChangeRightBeforeTheBatchIsNotOverwritten(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "team", zone: e.createZone(t, "example.com"), apps: both[:1]}
	calm := e.applier(t, &wire{}, Options{})
	e.mustReach(t, calm, w, plan.Guard{})
	_, records := e.objects(t, w)
	records[0].ResourceRecords = []string{"127.0.0.9"}
	w.interval = 2 // so that both checks are replaced, and both record sets refer to others
	there := &wire{}
	there.lose = func(_, writes int) (lost, executed bool) {
		if writes == 5 { // after two creations and two marks
			e.put(t, w.zone, records[0])
		}
		return false, true
	}
	_, _, err := e.reach(t.Context(), t, e.applier(t, there, Options{}), w, plan.Guard{})
	var refused *BatchError
	if !errors.As(err, &refused) {
		t.Errorf("%v, want *BatchError", err)
	}
	if _, now := e.objects(t, w); !cmp.Equal(now, records) {
		t.Errorf("record sets: want -, got +\n%s", cmp.Diff(records, now))
	}
	e.mustReach(t, calm, w, plan.Guard{})
}

// Tags can be set by hand: they make nobody's check ours, and ours nobody else's.
func TestTagsAloneMakeNothingOurs(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "team", zone: e.createZone(t, "example.com"), apps: both}
	a := e.applier(t, &wire{}, Options{})
	_, result := e.mustReach(t, a, w, plan.Guard{})
	client := e.client(t, &wire{})
	made, err := client.CreateHealthCheck(t.Context(), &route53.CreateHealthCheckInput{CallerReference: new("terraform-1"),
		HealthCheckConfig: &types.HealthCheckConfig{Type: types.HealthCheckTypeTcp, IPAddress: new("127.0.0.1"),
			Port: new(int32(80))}})
	if err != nil {
		t.Fatal(err)
	}
	for id, key := range map[string]string{
		bareID(made.HealthCheck.Id):           "team/app1/us-east-1",
		result.Created["team/app2/eu-west-1"]: "team/app1/eu-west-1",
	} {
		_, err := client.ChangeTagsForResource(t.Context(), &route53.ChangeTagsForResourceInput{ResourceId: &id,
			ResourceType: types.TagResourceTypeHealthcheck, AddTags: sdkTags([]tagging.Tag{
				{Key: plan.TagManagedBy, Value: plan.TagValue}, {Key: plan.TagKey, Value: key}})})
		if err != nil {
			t.Fatal(err)
		}
	}
	if keys, _ := e.objects(t, w); !cmp.Equal(keys,
		[]string{"", "team/app1/eu-central-1", "team/app1/eu-west-1", "team/app2/eu-central-1"}) {
		t.Errorf("the keys are %q, want one lost and none gained", keys)
	}
}

// A name with more record sets than a page is read to its end.
func TestNamesOfSeveralPagesAreCompared(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	z := e.createZone(t, "example.com")
	var sets []zone.ResourceRecordSet
	for i := range 4 {
		for n := range 95 { // a group takes 100
			set := simple(fmt.Sprintf("app%d.example.com", i), fmt.Sprintf("192.0.2.%d", n))
			set.SetIdentifier, set.MultiValueAnswer = fmt.Sprintf("m%02d", n), true
			sets = append(sets, set)
		}
	}
	e.put(t, z, sets...)
	r := &run{a: e.applier(t, &wire{}, Options{})}
	b := &plan.Batch{ZoneID: z.ID, ZoneName: z.Name}
	for i := range sets {
		b.Changes = append(b.Changes, plan.RecordChange{Action: zone.Delete, Set: sets[i]})
	}
	here, err := r.read(t.Context(), b)
	if err != nil || len(here) < len(sets) {
		t.Fatalf("%d record sets are read, want all %d: %v", len(here), len(sets), err)
	}
	if err := r.unchanged(t.Context(), b); err != nil {
		t.Error(err)
	}
	if calls := r.a.Calls()["ListResourceRecordSets"]; calls != 4 { // two looks of two pages
		t.Errorf("%d pages are read, want 4", calls)
	}
}
