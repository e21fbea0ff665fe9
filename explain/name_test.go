package explain_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// For every routing policy: who gets what now, and who moves where when something fails; ! is fail-open. r53: A.3, A.4.
func TestWhoGetsWhatAndWhoMovesWhere(t *testing.T) {
	two := []string{"c1", "c2"}
	for _, c := range []struct {
		name  string
		in    explain.Input
		q     explain.Question
		want  []string
		notes int
	}{
		{"latency: the nearest, then the next. r53: A.7",
			input(nil, two, app("eu-west-1", "c1", "192.0.2.1", latency("eu-west-1")),
				app("us-east-1", "c2", "192.0.2.2", latency("us-east-1"))),
			explain.Question{},
			[]string{
				"near eu-west-1: eu-west-1 | eu-west-1 → us-east-1 | us-east-1 → eu-west-1 | everything → eu-west-1!",
				"near us-east-1: us-east-1 | eu-west-1 → us-east-1 | us-east-1 → eu-west-1 | everything → us-east-1!",
			}, 1},
		{"latency, one Region down already",
			input([]string{"c1"}, two, app("eu-west-1", "c1", "192.0.2.1", latency("eu-west-1")),
				app("us-east-1", "c2", "192.0.2.2", latency("us-east-1"))),
			explain.Question{},
			[]string{
				"near eu-west-1: us-east-1 | eu-west-1 → us-east-1 | us-east-1 → eu-west-1! | everything → eu-west-1!",
				"near us-east-1: us-east-1 | eu-west-1 → us-east-1 | us-east-1 → us-east-1! | everything → us-east-1!",
			}, 1},
		{"failover: the secondary only while it is healthy. r53: A.4",
			input(nil, two, app("a", "c1", "192.0.2.1", role(zone.Primary)), app("b", "c2", "192.0.2.2", role(zone.Secondary))),
			explain.Question{},
			[]string{"everyone: a | a → b | b → a | everything → a!"}, 0},
		{"weighted: the rest share. r53: A.5",
			input(nil, two, app("a", "c1", "192.0.2.1", weight(0)), app("b", "c2", "192.0.2.2", weight(10))),
			explain.Question{},
			[]string{"everyone: b | a → b | b → a | everything → b!"}, 0},
		{"geolocation: up the ladder, and the smallest area when all fail. r53: A.6",
			input(nil, []string{"c1", "c2", "c3"}, app("de", "c1", "192.0.2.1", location(zone.GeoLocation{CountryCode: "DE"})),
				app("eu", "c2", "192.0.2.2", location(zone.GeoLocation{ContinentCode: "EU"})),
				app("rest", "c3", "192.0.2.3", location(zone.GeoLocation{CountryCode: "*"}))),
			explain.Question{},
			[]string{
				"in DE: de | de → eu | eu → de | rest → de | everything → de!",
				"in continent EU: eu | de → eu | eu → rest | rest → eu | everything → eu!",
				"anywhere else: rest | de → rest | eu → rest | rest → rest! | everything → rest!",
			}, 0},
		{"multivalue: all that is healthy. r53: A.8",
			input([]string{"c2"}, two, app("a", "c1", "192.0.2.1", multivalue), app("b", "c2", "192.0.2.2", multivalue)),
			explain.Question{},
			[]string{"everyone: a | a → a, b! | b → a | everything → a, b!"}, 0},
		{"IP-based: the block's location, else the default. r53: A.8",
			func() explain.Input {
				in := input(nil, two, app("a", "c1", "192.0.2.1", atLocation("berlin")),
					app("b", "c2", "192.0.2.2", atLocation("*")))
				in.Collections = collection()
				return in
			}(), explain.Question{},
			[]string{
				"in 192.0.2.0/24: a | a → b | b → a | everything → a!",
				"anywhere else: b | a → b | b → b! | everything → b!",
			}, 0},
		{"nested: latency over weighted, the branch is left when all of it fails. r53: A.3",
			input(nil, []string{"c1", "c2", "c3"},
				alias("app.example.com", "eu-west-1", "eu.example.com.", true, latency("eu-west-1")),
				app("us-east-1", "c3", "192.0.2.3", latency("us-east-1")),
				named("eu.example.com", app("blue", "c1", "192.0.2.1", weight(1))),
				named("eu.example.com", app("green", "c2", "192.0.2.2", weight(0)))),
			explain.Question{},
			[]string{
				"near eu-west-1: eu-west-1 > blue | eu-west-1 → us-east-1 | us-east-1 → eu-west-1 > blue | everything → " +
					"eu-west-1 > blue!",
				"near us-east-1: us-east-1 | eu-west-1 → us-east-1 | us-east-1 → eu-west-1 > blue | everything → us-east-1!",
			}, 1},
		{"a calculated check of both members: the failure of one leaves the other, r53: B.2",
			func() explain.Input {
				in := input(nil, []string{"c1", "c2", "both"}, app("a", "both", "192.0.2.1", role(zone.Primary)),
					app("b", "", "192.0.2.2", role(zone.Secondary)))
				calculated(&in, "both", 2, "c1", "c2")
				in.State.Checks[0].Config.IPAddress, in.State.Checks[1].Config.IPAddress = "192.0.2.1", "192.0.2.2"
				return in
			}(), explain.Question{},
			[]string{"everyone: a | a → b | b → b | everything → b"}, 0},
		{"a calculated check of either member does not see its own fail",
			func() explain.Input {
				in := input(nil, []string{"c1", "c2", "either"}, app("a", "either", "192.0.2.1", role(zone.Primary)),
					app("b", "c2", "192.0.2.2", role(zone.Secondary)))
				calculated(&in, "either", 1, "c1", "c2")
				return in
			}(), explain.Question{},
			[]string{"everyone: a | a → a | b → a | everything → a!"}, 0},
		{"a check of the other member's endpoint",
			func() explain.Input {
				in := input(nil, two, app("a", "c1", "192.0.2.1", role(zone.Primary)),
					app("b", "c2", "192.0.2.2", role(zone.Secondary)))
				in.State.Checks[0].Config.IPAddress, in.State.Checks[1].Config.IPAddress = "192.0.2.2", "192.0.2.1"
				return in
			}(), explain.Question{},
			[]string{"everyone: a | a → a | b → b | everything → a!"}, 0},
		{"two failures together, for a client of one's own",
			input(nil, []string{"c1", "c2", "c3"}, app("eu-west-1", "c1", "192.0.2.1", latency("eu-west-1")),
				app("us-east-1", "c2", "192.0.2.2", latency("us-east-1")),
				app("ap-south-1", "c3", "192.0.2.3", latency("ap-south-1"))),
			explain.Question{Clients: []string{"eu-central-1"}, Down: []string{"eu-west-1", "us-east-1"}},
			[]string{"near eu-central-1: eu-west-1 | eu-west-1 and us-east-1 → ap-south-1"}, 1},
		{"without checks nothing moves",
			input(nil, nil, app("a", "", "192.0.2.1", weight(1)), app("b", "", "192.0.2.2", weight(0))),
			explain.Question{},
			[]string{"everyone: a | a → a | b → a | everything → a"}, 1},
		{"one simple record has no what-if",
			input(nil, nil, app("", "", "192.0.2.1", func(*zone.ResourceRecordSet) {})),
			explain.Question{},
			[]string{"everyone: 192.0.2.1"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := explained(t, c.in, c.q)
			if diff := cmp.Diff(c.want, answers(e)); diff != "" {
				t.Errorf("answers (-want +got):\n%s", diff)
			}
			if len(e.Notes) != c.notes {
				t.Errorf("%d notes, want %d: %q", len(e.Notes), c.notes, e.Notes)
			}
		})
	}
}

// Who is sent to what has failed is told so.
func TestAnswersThatAreDown(t *testing.T) {
	both := input(nil, []string{"c1", "c2", "both"}, app("a", "both", "192.0.2.1", role(zone.Primary)),
		app("b", "", "192.0.2.2", role(zone.Secondary)))
	calculated(&both, "both", 2, "c1", "c2")
	both.State.Checks[0].Config.IPAddress, both.State.Checks[1].Config.IPAddress = "192.0.2.1", "192.0.2.2"
	for _, c := range []struct {
		in   explain.Input
		want string
	}{
		{both, "  everyone  a    → b      → b (down)  → b (down)"},
		{input(nil, []string{"c2"}, app("a", "", "192.0.2.1", role(zone.Primary)),
			app("b", "c2", "192.0.2.2", role(zone.Secondary))),
			"  everyone  a    stays (down)  stays    stays (down)"},
		{input(nil, []string{"c2"}, app("a", "", "192.0.2.1", weight(1)), app("b", "c2", "192.0.2.2", weight(1))),
			"  everyone  a 50 %, b 50 %  stays (partly down)  → a      → a (down)"},
	} {
		if text := explained(t, c.in, explain.Question{}).Text(false, 0); !strings.Contains(text, c.want+"\n") {
			t.Errorf("no line %q in:\n%s", c.want, text)
		}
	}
}

// calculated makes a check one of others.
func calculated(in *explain.Input, id string, threshold int, children ...string) {
	for i := range in.State.Checks {
		if c := &in.State.Checks[i]; c.ID == id {
			c.Config = health.Config{Type: health.Calculated, HealthThreshold: &threshold, ChildHealthChecks: children}
		}
	}
	delete(in.Reports, id)
}

func named(name string, s zone.ResourceRecordSet) zone.ResourceRecordSet {
	s.Name = zone.MustParseName(name)
	return s
}

// Shares are those of the weights, and add up to 100. r53: A.5, A.8.
func TestWeightsAreTold(t *testing.T) {
	weights := func(w ...int64) explain.Input {
		var sets []zone.ResourceRecordSet
		for i, weigh := range w {
			sets = append(sets, app(string(rune('a'+i)), "", "192.0.2.1", weight(weigh)))
		}
		return input(nil, nil, sets...)
	}
	nested := input(nil, nil, alias("app.example.com", "x", "w.example.com.", false, weight(1)),
		alias("app.example.com", "y", "w.example.com.", false, weight(1)),
		named("w.example.com", app("a", "", "192.0.2.1", weight(2))),
		named("w.example.com", app("b", "", "192.0.2.2", weight(1))))
	crowd := input(nil, nil)
	for i := range 11 {
		crowd.State.Records = append(crowd.State.Records,
			input(nil, nil, app(string(rune('a'+i)), "", "192.0.2.1", multivalue)).State.Records...)
	}
	for _, c := range []struct {
		name string
		in   explain.Input
		want string
	}{
		{"ninety and ten", weights(90, 10), "a 90 %, b 10 %"},
		{"two to one", weights(2, 1), "a 67 %, b 33 %"},
		{"three thirds", weights(1, 1, 1), "a 34 %, b 33 %, c 33 %"},
		{"six sixths", weights(1, 1, 1, 1, 1, 1), "a 17 %, b 17 %, c 17 %, d 17 %, e 16 %, f 16 %"},
		{"hardly any", weights(255, 1), "a >99 %, b <1 %"},
		{"nested: multiplied", nested, "x > a 33 %, y > a 33 %, x > b 17 %, y > b 17 %"},
		{"eight of eleven", crowd, "a 73 %, b 73 %, c 73 %, d 73 %, e 73 %, f 73 %, g 73 %, h 73 %, i 73 %, j 73 %, k 73 %"},
	} {
		if got := explained(t, c.in, explain.Question{}).Answers[0].String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestWhoOwnsAName(t *testing.T) {
	sets := []zone.ResourceRecordSet{app("eu-west-1", "c1", "192.0.2.1", latency("eu-west-1")),
		app("us-east-1", "c2", "192.0.2.2", latency("us-east-1"))}
	heritage := zone.ResourceRecordSet{Name: "a-app.example.com.", Type: zone.TXT, TTL: new(int64(300)),
		ResourceRecords: []string{`"heritage=external-dns,external-dns/owner=cluster-1,` +
			`external-dns/resource=ingress/shop/web"`}}
	policy := failover.Policy{Metadata: failover.Metadata{Name: "app", Namespace: "shop"},
		Spec: failover.PolicySpec{Hostname: "app.example.com"}}
	wanted := input(nil, []string{"c1", "c2"}, sets...)
	wanted.Policies = []failover.Policy{policy}
	for _, c := range []struct {
		name string
		in   explain.Input
		want explain.Owner
	}{
		{"by the tags of its checks", input(nil, []string{"c1=shop/app/eu-west-1", "c2=shop/app/us-east-1"}, sets...),
			explain.Owner{Kind: "policy", Name: "shop/app", Text: "FailoverPolicy shop/app."}},
		{"partly", input(nil, []string{"c1=shop/app/eu-west-1", "c2"}, sets...),
			explain.Owner{Kind: "policy", Name: "shop/app", Text: "FailoverPolicy shop/app. Not its own: us-east-1."}},
		{"by the registry of external-dns. r53: E.5", input(nil, []string{"c1", "c2"}, append(sets, heritage)...),
			explain.Owner{Kind: "external-dns", Name: "cluster-1", Text: "external-dns, owner cluster-1, for " +
				"ingress/shop/web."}},
		{"wanted by a policy", wanted, explain.Owner{Kind: "wanted", Name: "shop/app",
			Text: "Made by other means; FailoverPolicy shop/app wants the name, which takes an adoption."}},
		{"by nothing", input(nil, []string{"c1", "c2"}, sets...),
			explain.Owner{Kind: "hand-made", Text: "No FailoverPolicy and no external-dns: made by hand or by another tool."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, explained(t, c.in, explain.Question{}).Owner); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A wildcard stands for names that do not exist, and an IP address without a GeoIP database is nowhere. r53: A.12.
func TestWildcardsAndAddresses(t *testing.T) {
	in := input(nil, []string{"c1", "c2"},
		named("*.example.com", app("eu-west-1", "c1", "192.0.2.1", latency("eu-west-1"))),
		named("*.example.com", app("us-east-1", "c2", "192.0.2.2", latency("us-east-1"))))
	e := explained(t, in, explain.Question{Name: "shop.example.com.", Clients: []string{"203.0.113.9"}})
	if e.Groups[0].Name != "*.example.com" {
		t.Errorf("explained by %s, want the wildcard", e.Groups[0].Name)
	}
	if !strings.Contains(strings.Join(e.Notes, "\n"), "Where 203.0.113.9 is") {
		t.Errorf("nothing says that the address is not known: %q", e.Notes)
	}
}

func TestWrongQuestions(t *testing.T) {
	in := input(nil, []string{"c1", "c2"}, app("eu-west-1", "c1", "192.0.2.1", latency("eu-west-1")),
		app("us-east-1", "c2", "192.0.2.2", latency("us-east-1")))
	for _, c := range []struct {
		q    explain.Question
		want string
	}{
		{explain.Question{Name: "app.example.org."}, "app.example.org is in no public hosted zone of this account: they " +
			"are example.com"},
		{explain.Question{Name: "other.example.com."}, "other.example.com has no records in zone example.com (Z1)"},
		{explain.Question{Name: "app.example.com.", Type: zone.AAAA}, "app.example.com has no AAAA records: it has A"},
		{explain.Question{Name: "app.example.com.", Down: []string{"eu-west-9"}},
			`nothing of app.example.com is in "eu-west-9": use one of eu-west-1, us-east-1`},
		{explain.Question{Name: "app.example.com.", Clients: []string{"Atlantis"}},
			`client "Atlantis": use an address (192.0.2.1), an AWS Region ` +
				`(eu-west-1), a country (DE), a state of the US (US-VA) or a continent (EU, or "continent AF" where a country ` +
				`has the same code)`},
	} {
		_, err := explain.Name(in, c.q)
		if err == nil || err.Error() != c.want {
			t.Errorf("%+v: error %v, want %s", c.q, err, c.want)
		}
	}
}
