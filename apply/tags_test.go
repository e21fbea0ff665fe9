package apply

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/tagging"
)

func TestTagsAreKeptUntilTheyAreOld(t *testing.T) {
	a := &Applier{o: Options{KeepTags: time.Minute}, kept: map[string]keptTags{}}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tags := map[string][]tagging.Tag{"a": {{Key: "k", Value: "a"}}, "b": {{Key: "k", Value: "b"}}, "bare": nil}
	a.keepTags([]string{"a", "b", "bare", "gone"}, tags, now)

	for _, c := range []struct {
		name    string
		prepare func()
		after   time.Duration
		known   []string
		unknown []string
	}{
		{"what was read", func() {}, 59 * time.Second, []string{"a", "b"}, []string{"bare", "gone"}},
		{"what is about to change", func() { a.forgetTags("b") }, 59 * time.Second, []string{"a"},
			[]string{"b", "bare", "gone"}},
		{"what is old", func() {}, time.Minute, nil, []string{"a", "b", "bare", "gone"}},
	} {
		c.prepare()
		found, unknown := a.keptTags([]string{"a", "b", "bare", "gone"}, now.Add(c.after))
		if diff := cmp.Diff(c.known, sortedKeysOrNil(found)); diff != "" {
			t.Errorf("%s: known: want -, got +\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.unknown, unknown); diff != "" {
			t.Errorf("%s: to ask for: want -, got +\n%s", c.name, diff)
		}
	}
}

func sortedKeysOrNil(m map[string][]tagging.Tag) []string {
	if len(m) == 0 {
		return nil
	}
	return sortedKeys(m)
}

func TestRefusedCheckIsTold(t *testing.T) {
	refused := checkError("team-a/app1/eu-west-1", fmt.Errorf("create: %w", &types.InvalidInput{}))
	var told *CheckError
	if !errors.As(refused, &told) || plan.PolicyOf(told.Key) != "team-a/app1" {
		t.Errorf("%v, want a *CheckError of team-a/app1", refused)
	}
	if other := checkError("k", &types.TooManyHealthChecks{}); errors.As(other, &told) {
		t.Errorf("%v is about the account, not a check", other)
	}
}

func TestReadingAgainAsksForNoTagsAgain(t *testing.T) {
	t.Parallel()
	e := startEngine(t, node.Options{})
	w := want{namespace: "kept", zone: e.createZone(t, "kept.test"), apps: []string{"app1", "app2"}}
	a := e.applier(t, &wire{}, Options{KeepTags: time.Hour})
	e.mustReach(t, a, w, plan.Guard{})
	before := a.Calls()["ListTagsForResources"]
	e.wantNothingToDo(t, a, w)
	if again := a.Calls()["ListTagsForResources"] - before; again != 0 {
		t.Errorf("%d calls for tags that are known", again)
	}
}
