package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A check is ours when its reference and its tags name the same key.
func TestKeyNeedsReferenceAndTags(t *testing.T) {
	const key = "team/app1/eu-west-1"
	long := "team/" + strings.Repeat("a", 70) + "/eu-west-1"
	mark := func(key string) []tagging.Tag {
		return []tagging.Tag{{Key: "Name", Value: "x"}, {Key: TagKey, Value: key}, {Key: TagManagedBy, Value: TagValue}}
	}
	for _, c := range []struct {
		name, reference string
		tags            []tagging.Tag
		want            string
	}{
		{"made and marked", CallerReference(key, 3), mark(key), key},
		{"a long key", CallerReference(long, 1), mark(long), long},
		{"no tags", CallerReference(key, 1), nil, ""},
		{"tagged by hand", "terraform-1", mark(key), ""},
		{"passed off as another application's", CallerReference(key, 1), mark("team/app2/eu-west-1"), ""},
		{"passed off as another Region's", CallerReference(key, 1), mark("team/app1/eu-central-1"), ""},
		{"managed by something else", CallerReference(key, 1),
			[]tagging.Tag{{Key: TagKey, Value: key}, {Key: TagManagedBy, Value: "x"}}, ""},
		{"no key", CallerReference(key, 1), []tagging.Tag{{Key: TagManagedBy, Value: TagValue}}, ""},
		{"an empty key", "bulkhead//1", mark(""), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := KeyOf(c.reference, c.tags); got != c.want {
				t.Errorf("KeyOf(%q) is %q, want %q", c.reference, got, c.want)
			}
		})
	}
}

// A check that is not used and bears tags of somebody else is not taken for what an interrupted run left behind, and
// its reference is passed over.
func TestForeignCheckWithOurReferenceStays(t *testing.T) {
	w := newWorld(exampleZone())
	reference := CallerReference("team/app1/eu-west-1", 1)
	w.checks["foreign"] = &Check{ID: "foreign", CallerReference: reference, Config: httpCheck("www.example.com", "/"),
		Tags: []tagging.Tag{{Key: "owner", Value: "somebody"}}}
	w.used[reference] = true
	w.reach(t, app1(), Guard{})
	p, err := Destroy(w.state(), []string{"team/app1"}, Guard{Force: true})
	if err != nil {
		t.Fatal(err)
	}
	w.execute(t, p, -1)
	if len(w.checks) != 1 || w.checks["foreign"] == nil {
		t.Errorf("checks %v, want the foreign one alone", w.checks)
	}
}

// What an interrupted run left of a long key goes with its policy, although nobody wants the key any more: its
// reference has a hash instead.
func TestInterruptedCreationOfALongKeyIsDestroyed(t *testing.T) {
	policy := "team/" + strings.Repeat("a", 70)
	w := newWorld(exampleZone())
	w.reach(t, latency(policy, "app1.example.com", "eu-west-1"), Guard{})
	w.reach(t, latency("team/other", "other.example.com", "eu-central-1"), Guard{})
	more, err := Diff(w.state(), latency(policy, "app1.example.com", "eu-west-1", "eu-central-1"), Guard{})
	if err != nil {
		t.Fatal(err)
	}
	w.execute(t, more, 1) // created, and not marked
	p, err := Destroy(w.state(), []string{policy}, Guard{})
	wantSteps(t, p, err, "change-records", "  DELETE app1.example.com. A eu-west-1",
		"delete-check "+policy+"/eu-central-1", "delete-check "+policy+"/eu-west-1")
}

// Checks that would go although no record set does count as well: what was read may be half of what there is.
func TestDeletedChecksCountAgainstTheGuard(t *testing.T) {
	desired := manyApps(10, func(int) string { return "/" })
	w := build(t, desired)
	fewer := State{Zones: desired.Zones}
	for i, c := range desired.Checks {
		if RegionOf(c.Key) == "eu-west-1" {
			fewer.Checks = append(fewer.Checks, c)
			fewer.Records = append(fewer.Records, desired.Records[i])
		}
	}
	current := w.state()
	for i := range current.Records { // as if the other members were in a zone that was not read
		if r := &current.Records[i]; r.Set.SetIdentifier != "eu-west-1" {
			r.ZoneID, r.Set.HealthCheckID = "ZOTHER", ""
		}
	}
	p, err := Diff(current, fewer, Guard{})
	want := []string{"changes or deletes 20 of the 30 health checks that Bulkhead owns, more than 30 %: change fewer " +
		"at a time, or force it"}
	if diff := cmp.Diff(want, refusals(p)); err == nil || diff != "" {
		t.Errorf("%v: want -, got +\n%s", err, diff)
	}
}

// The inverse of a batch is within the limits too, also where an UPSERT replaces many values by one. r53: C.6.
func TestBatchesHaveRoomForTheirInverse(t *testing.T) {
	desired := manyApps(4, func(int) string { return "/" })
	for i := range desired.Records {
		r := &desired.Records[i].Set
		r.AliasTarget, r.TTL, r.ResourceRecords = nil, new(int64(60)), []string{"192.0.2.1"}
	}
	w := build(t, desired)
	current := w.state()
	for i := range current.Records {
		var values []string
		for n := range 80 {
			values = append(values, "198.51.100."+string(rune('0'+n/10))+string(rune('0'+n%10)))
		}
		current.Records[i].Set.ResourceRecords = values
	}
	p, err := Diff(current, desired, Guard{Force: true})
	if err != nil {
		t.Fatal(err)
	}
	back, err := p.Inverse(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range back.Steps {
		if s.Batch != nil && !sizeOf(s.Batch.Changes).fits() {
			t.Errorf("a batch of the way back is too large: %+v", sizeOf(s.Batch.Changes))
		}
	}
	if n := p.Counts.Calls.ChangeResourceRecordSets; n != 2 { // 12 sets of 80 values, twice
		t.Errorf("%d batches, want 2", n)
	}
}

// A check that was disowned while in use is ours again when the names that use it are adopted, and is not deleted later
// as if an interrupted run had left it.
func TestAdoptedNameBringsItsDisownedCheck(t *testing.T) {
	w := build(t, app1())
	id := w.check(t, "team/app1/eu-west-1")
	w.checks[id].Tags, w.checks[id].Key = nil, ""
	guard := Guard{Adopt: []zone.Name{"app1.example.com."}}
	p, err := Diff(w.state(), app1(), guard)
	wantSteps(t, p, err, "tag-check team/app1/eu-west-1")
	w.execute(t, p, -1)
	again, err := Diff(w.state(), app1(), Guard{})
	wantSteps(t, again, err)
}
