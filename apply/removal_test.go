package apply

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/tagging"
)

// What belongs to a cluster is what bears its identity; of what bears none, what its objects are known to have.
func TestRemovalTakesWhatTheClusterHas(t *testing.T) {
	check := func(key string, tags ...tagging.Tag) plan.Check {
		return plan.Check{Key: key, ID: fmt.Sprint(key, len(tags)), Tags: tags}
	}
	of := func(cluster string) tagging.Tag { return tagging.Tag{Key: plan.TagCluster, Value: cluster} }
	state := plan.State{Checks: []plan.Check{
		check("team-a/marked/eu-west-1", of("1234 blue")),
		check("team-a/marked/eu-west-1", of("1234 blue"), tagging.Tag{Key: "a", Value: "b"}),
		check("team-a/elsewhere/eu-central-1", of("1234 blue")),
		check("team-a/old/eu-west-1"),
		check("team-a/unknown/eu-west-1"),
		check("team-a/green/eu-west-1", of("5678")),
		{ID: "somebody's", Tags: []tagging.Tag{of("1234")}},
	}}
	for _, name := range []string{"1234", "blue"} {
		r := Removal{Cluster: name, Policies: []string{"team-a/old", "team-a/green"},
			Guard: plan.Guard{Regions: []string{"eu-west-1"}}}
		got, id := r.policies(state)
		if diff := cmp.Diff([]string{"team-a/marked", "team-a/old"}, got); diff != "" || id != "1234" {
			t.Errorf("%s: identity %s; want -, got +\n%s", name, id, diff)
		}
	}
	unknown := &UnknownCluster{"red", clusters(state)}
	if want := `there are 1234 blue (eu-central-1, policies: 1), 1234 blue (eu-west-1, policies: 1), 5678 (eu-west-1, ` +
		`policies: 1)`; !strings.Contains(unknown.Error(), want) {
		t.Errorf("%q, want one with %q", unknown, want)
	}
}
