package apply

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

func parseObjects(t *testing.T, documents ...string) []failover.Object {
	t.Helper()
	objects, err := failover.Parse("f.yaml", []byte(strings.Join(documents, "\n---\n")))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

const (
	header = "apiVersion: bulkhead.dev/v1alpha1\n"
	plain  = header + "kind: FailoverPolicy\nmetadata: {name: plain}\nspec: {hostname: plain.example.com}"
	golden = header + "kind: FailoverPolicy\nmetadata: {name: golden}\nspec: {hostname: golden.example.com, " +
		"classRef: {name: gold}}"
	gold      = header + "kind: FailoverClass\nmetadata: {name: gold}\nspec: {endpoint: 'http://127.0.0.1:1'}"
	byDefault = header + "kind: FailoverClass\nmetadata: {name: default}\nspec: {provider: engine}"
	elsewhere = header + "kind: FailoverClass\nmetadata: {name: default}\nspec: {endpoint: 'http://127.0.0.1:2'}"
)

// Each policy goes by one class; a class that nobody goes by has no say.
func TestPoliciesAreGroupedByTheirClass(t *testing.T) {
	for _, c := range []struct {
		name      string
		documents []string
		want      map[string][]string // names of policies by class
		account   *failover.ClassSpec
		problem   string
	}{
		{name: "none", documents: []string{plain}, want: map[string][]string{"": {"plain"}}},
		{name: "by name", documents: []string{plain, golden, gold},
			want:    map[string][]string{"": {"plain"}, "gold": {"golden"}},
			account: &failover.ClassSpec{Endpoint: "http://127.0.0.1:1"}},
		{name: "by default", documents: []string{plain, golden, gold, byDefault},
			want:    map[string][]string{"default": {"plain"}, "gold": {"golden"}},
			account: &failover.ClassSpec{Endpoint: "http://127.0.0.1:1", Provider: failover.Engine}},
		{name: "not used", documents: []string{golden, gold, elsewhere}, want: map[string][]string{"gold": {"golden"}},
			account: &failover.ClassSpec{Endpoint: "http://127.0.0.1:1"}},
		{name: "missing", documents: []string{golden, byDefault}, problem: "f.yaml:4: spec.classRef.name: gold: this " +
			"FailoverClass is not among the files; there: default"},
		{name: "two accounts", documents: []string{plain, golden, gold, elsewhere},
			problem: "policies of one run go to one account"},
		{name: "class twice", documents: []string{golden, gold, gold}, problem: "the FailoverClass is at f.yaml:8 already"},
		{name: "empty", documents: []string{gold}, problem: ErrNoPolicies.Error()},
	} {
		groups, err := GroupByClass(parseObjects(t, c.documents...))
		if c.problem != "" {
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("%s: error %v, want %q", c.name, err, c.problem)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := make(map[string][]string)
		for _, g := range groups {
			class := ""
			if g.Class != nil {
				class = g.Class.Metadata.Name
			}
			for _, p := range g.Policies {
				got[class] = append(got[class], p.Metadata.Name)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: want -, got +\n%s", c.name, diff)
		}
		switch account := Account(groups); {
		case (account == nil) != (c.account == nil):
			t.Errorf("%s: account %v, want %v", c.name, account, c.account)
		case account != nil && cmp.Diff(*c.account, account.Spec) != "":
			t.Errorf("%s: account %v, want %v", c.name, account.Spec, *c.account)
		}
	}
}

// A problem is where it is written; one of nobody in the files stays as it is.
func TestProblemsAreLocated(t *testing.T) {
	objects := parseObjects(t, plain, gold)
	err := Locate(objects, failover.Problems{
		{Where: "default/plain", Path: "spec.hostname", Reason: "a"}, {Where: "gold", Path: "spec.endpoint", Reason: "b"},
		{Where: "team", Reason: "c"}})
	want := "f.yaml:4: default/plain: spec.hostname: a\nf.yaml:9: gold: spec.endpoint: b\nteam: c"
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
	other := errors.New("other")
	if got := Locate(objects, other); got != other {
		t.Errorf("another error became %v", got)
	}
}

// external-dns calls its records like the name, or with its type, a prefix or a suffix.
func TestClaimsOfExternalDNSAreFound(t *testing.T) {
	text := []string{`"heritage=external-dns,external-dns/owner=west,external-dns/resource=ingress/team/app1"`}
	for name, want := range map[zone.Name]bool{
		"app1.example.com.":       true,
		"a-app1.example.com.":     true,
		"cname-app1.example.com.": true,
		"app1-a.example.com.":     true,
		"txt.app1.example.com.":   true,
		"myapp1.example.com.":     false,
		"app10.example.com.":      false,
		"a-app1.example.org.":     false,
	} {
		state := plan.State{Records: []plan.Record{
			{Set: zone.ResourceRecordSet{Name: name, Type: zone.TXT, ResourceRecords: text}},
			{Set: zone.ResourceRecordSet{Name: name, Type: zone.TXT, SetIdentifier: "other",
				ResourceRecords: []string{`"v=spf1 -all"`}}},
		}}
		found := Heritage(state, []zone.Name{"app1.example.com."})
		if got := len(found) == 1; got != want {
			t.Errorf("%s: %v, want %v", name, found, want)
		}
		if len(found) > 0 && !strings.Contains(found[0].Text, "(owner west, resource ingress/team/app1)") {
			t.Errorf("%s: %q does not name the owner", name, found[0].Text)
		}
	}
}
