package health

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A nodeModel is what a node feeds its verdicts from: checks, the reports in etcd, and whose reports are in doubt.
type nodeModel struct {
	verdicts Verdicts
	votes    map[string][]Vote // by check
	doubt    Doubt
	now      time.Time
}

func newNodeModel() *nodeModel {
	return &nodeModel{verdicts: Verdicts{}, votes: map[string][]Vote{}, now: time.Unix(0, 0)}
}

func (n *nodeModel) decide(ids ...string) map[string]bool {
	return n.verdicts.Decide(ids, func(id string) ([]Vote, Doubt) { return n.votes[id], n.doubt }, n.now)
}

// report sets what a checker ("node/region") says about a check; withdraw ends its lease.
func (n *nodeModel) report(check, checker string, healthy bool, revision int64) {
	n.withdraw(check, checker)
	_, region, _ := strings.Cut(checker, "/")
	v := Vote{Report{Check: check, Checker: checker, Region: region, Healthy: healthy}, revision}
	n.votes[check] = append(n.votes[check], v)
	slices.SortFunc(n.votes[check], func(a, b Vote) int { return strings.Compare(a.Checker, b.Checker) })
}

func (n *nodeModel) withdraw(check, checker string) {
	n.votes[check] = slices.DeleteFunc(n.votes[check], func(v Vote) bool { return v.Checker == checker })
}

// What one sees of a check from its first report to the loss of etcd: who votes, what the verdict is, and since when.
func TestVerdictThroughTheLifeOfACheck(t *testing.T) {
	n := newNodeModel()
	config := Config{Type: TCP}
	put := func(change func(*Config)) func() {
		return func() {
			change(&config)
			n.verdicts.Put(Check{ID: "c", Config: config}, nil)
		}
	}
	report := func(checker string, healthy bool, revision int64) func() {
		return func() { n.report("c", checker, healthy, revision) }
	}
	for second, step := range []struct {
		name    string
		do      func()
		healthy bool
		voters  int
		votes   int // for healthy
		since   int64
	}{
		{"a check starts healthy", put(func(*Config) {}), true, 0, 0, 0},
		{"its first report turns it", report("me/us-east-1", false, 0), false, 1, 0, 1},
		{"another node agrees: since stays", report("b/eu-west-1", false, 5), false, 2, 0, 1},
		{"one of three is more than 18 %", report("c/sa-east-1", true, 6), true, 3, 1, 3},
		{"one of six is not", func() {
			for i := range 3 {
				n.report("c", fmt.Sprintf("d%d/eu-west-1", i), false, 7)
			}
		}, false, 6, 1, 4},
		{"a lease ends: one of five is", func() { n.withdraw("c", "d0/eu-west-1") }, true, 5, 1, 5},
		{"without etcd this node alone votes", func() { n.doubt = 7 }, false, 1, 0, 6},
		{"its author is back and counts", report("c/sa-east-1", true, 8), true, 2, 1, 7},
		{"nobody is in doubt any more", func() { n.doubt = 0 }, true, 5, 1, 7},
		{"disabled: forced healthy", put(func(c *Config) { c.Disabled = new(true) }), true, 0, 0, 7},
		{"disabled and inverted: forced unhealthy", put(func(c *Config) { c.Inverted = new(true) }), false, 0, 0, 10},
		{"inverted only", put(func(c *Config) { c.Disabled = nil }), false, 5, 1, 10},
		{"nobody votes: the last verdict stands, inverted once", func() { n.votes["c"] = nil }, false, 0, 0, 10},
		{"and still stands as measured", put(func(c *Config) { c.Inverted = nil }), true, 0, 0, 13},
	} {
		n.now = time.Unix(int64(second), 0)
		step.do()
		healthy := n.decide("c")["c"]
		v, ok := n.verdicts.Verdict("c")
		if !ok || v.Healthy != step.healthy || healthy != v.Healthy || v.Checkers != step.voters || v.For != step.votes {
			t.Errorf("%s: %v, %+v; want healthy %v by %d of %d", step.name, healthy, v, step.healthy, step.votes, step.voters)
		}
		if v.Since != time.Unix(step.since, 0) {
			t.Errorf("%s: since %v; want second %d", step.name, v.Since, step.since)
		}
	}
}

// A check that lists Regions is judged from there. A node without a checker in one of them probes from all it has, and
// the last word of a checker that was taken off the check has no vote. r53: B.2.
func TestVotersAreLiveAndAssigned(t *testing.T) {
	for _, tt := range []struct {
		name    string
		regions string
		votes   string // checker, "@" and revision
		doubt   Doubt
		want    string
	}{
		{"no Regions: all", "", "a/us-east-1@1 a/local@1 b/local@2", 0, "a/us-east-1 a/local b/local"},
		{"no reports", "us-east-1", "", 0, ""},
		{"the listed Region", "us-east-1", "a/us-east-1@1 a/local@1", 0, "a/us-east-1"},
		{"each node for itself", "us-east-1 eu-west-1", "a/us-east-1@1 a/local@1 b/local@1 b/rack@1", 0, "a/us-east-1 b/local b/rack"},
		{"taken off, and its successor has not reported yet", "us-east-1", "a/local@1", 0, "a/local"},
		{"in doubt: this node only", "", "a/local@7 b/local@8 me/local@0", 8, "me/local"},
		{"written after the doubt", "", "a/local@9 b/local@8", 8, "a/local"},
		{"a doubted checker assigns nothing", "us-east-1", "a/us-east-1@7 a/local@9", 8, "a/local"},
	} {
		var votes []Vote
		for v := range strings.FieldsSeq(tt.votes) {
			var revision int64
			checker, text, _ := strings.Cut(v, "@")
			if _, err := fmt.Sscan(text, &revision); err != nil {
				t.Fatal(err)
			}
			_, region, _ := strings.Cut(checker, "/")
			votes = append(votes, Vote{Report{Checker: checker, Region: region}, revision})
		}
		var got []string
		for _, r := range Voters(Config{Regions: strings.Fields(tt.regions)}, votes, tt.doubt) {
			got = append(got, r.Checker)
		}
		if diff := cmp.Diff(strings.Fields(tt.want), got); diff != "" && tt.want+strings.Join(got, "") != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// The verdict of an earlier run stands until somebody votes, and checkers start from it.
func TestVerdictOfAnEarlierRun(t *testing.T) {
	n := newNodeModel()
	c := Check{ID: "c", Config: Config{Type: TCP}}
	if n.verdicts.Put(c, new(false)) {
		t.Error("checkers start healthy, although the check was measured unhealthy")
	}
	if n.decide("c")["c"] || n.verdicts.Measured()["c"] || n.verdicts.Unhealthy() != 1 {
		t.Errorf("measured unhealthy before: %+v", n.verdicts["c"])
	}
	n.report("c", "me/local", true, 0)
	n.decide("c")
	if !n.verdicts.Put(c, new(false)) {
		t.Error("the verdict of the earlier run came back over a vote")
	}
	if healthy := n.decide("c")["c"]; !healthy || !n.verdicts.Measured()["c"] || n.verdicts.Unhealthy() != 0 {
		t.Errorf("measured healthy now: %+v", n.verdicts["c"])
	}
	n.verdicts.Put(Check{ID: "new", Config: Config{Type: TCP}}, nil)
	n.decide("new")
	if _, measured := n.verdicts.Measured()["new"]; measured {
		t.Error("a check without a vote has a measured verdict")
	}
}

// A CALCULATED check is decided after its children, whatever the order in which they become known, change and go.
// r53: B.4.
func TestCalculatedChecksFollowTheirChildren(t *testing.T) {
	n := newNodeModel()
	calculated := func(id string, threshold int, children ...string) {
		c := Config{Type: Calculated, HealthThreshold: &threshold, ChildHealthChecks: children}
		n.verdicts.Put(Check{ID: id, Config: c}, nil)
	}
	endpoint := func(id string, healthy bool) {
		n.verdicts.Put(Check{ID: id, Config: Config{Type: TCP}}, nil)
		n.report(id, "me/local", healthy, 0)
	}
	calculated("parent", 2, "a", "b") // before its children
	endpoint("a", true)
	endpoint("b", false)
	if diff := cmp.Diff(map[string]bool{"parent": false, "a": true, "b": false}, n.decide("parent", "a", "b")); diff != "" {
		t.Errorf("one of two healthy, two needed (-want +got):\n%s", diff)
	}
	calculated("parent", 1, "a", "b")
	if !n.decide("parent")["parent"] {
		t.Error("one of two healthy, one needed: unhealthy")
	}
	n.now = n.now.Add(time.Second)
	endpoint("a", false)
	if n.decide("parent", "a")["parent"] {
		t.Error("none healthy, one needed: healthy")
	}
	if v, _ := n.verdicts.Verdict("parent"); v.Since != n.now {
		t.Errorf("the parent is unhealthy since %v, its child since %v", v.Since, n.now)
	}
	orphans := n.verdicts.Delete("a")
	if diff := cmp.Diff(map[string]bool{"parent": true, "a": true}, n.decide(append(orphans, "a")...)); diff != "" {
		t.Errorf("a deleted child counts as healthy, and so does the check itself (-want +got):\n%s", diff)
	}
	calculated("parent", 1, "a")
	if got := n.decide("b"); len(got) != 1 {
		t.Errorf("decided for b: %v, want b alone", got)
	}
	if orphans := n.verdicts.Delete("parent"); orphans != nil {
		t.Errorf("nothing counts the parent, but Delete returned %v", orphans)
	}
	if _, ok := n.verdicts.Verdict("parent"); ok || n.verdicts.Delete("parent") != nil {
		t.Error("a deleted check has a verdict")
	}
}
