package alb

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestWildcardsMatchAsInListenerRules(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"app1.example.com", "app1.example.com", true},
		{"app1.example.com", "app1.example.com.evil", false},
		{"*", "", true},
		{"*", "anything", true},
		{"?", "", false},
		{"?", "a", true},
		{"?", "ab", false},
		{"*.example.com", "app1.example.com", true},
		{"*.example.com", "a.b.example.com", true}, // * takes dots too
		{"*.example.com", "example.com", false},
		{"app?.example.com", "app1.example.com", true},
		{"app?.example.com", "app12.example.com", false},
		{"/img/*/pics", "/img/a/b/pics", true},
		{"/img/*/pics", "/img/pics", false},
		{"*a*b", "xaxxab", true},
		{"*a*b", "xaxxabc", false},
		{"a**b", "ab", true},
		{"", "", true},
		{"", "a", false},
		{"a.c", "abc", false}, // no regular expressions
	} {
		if got := wildcard(c.pattern, c.s); got != c.want {
			t.Errorf("wildcard(%q, %q) = %v, want %v", c.pattern, c.s, got, c.want)
		}
	}
}

func FuzzWildcardAgreesWithRegexp(f *testing.F) {
	for _, seed := range [][2]string{{"*a?b*", "xxacbyy"}, {"**", ""}, {"/app1health", "/app1health"},
		{"a*b*c", "abbbc"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > maxConditionValue || len(s) > 1000 ||
			strings.ContainsFunc(pattern+s, func(r rune) bool { return r >= 0x80 }) {
			return // header values and encoded paths are ASCII; regexp counts runes
		}
		expression := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
		want := regexp.MustCompile(`(?s)\A` + expression + `\z`).MatchString(s)
		if got := wildcard(pattern, s); got != want {
			t.Errorf("wildcard(%q, %q) = %v, want %v", pattern, s, got, want)
		}
	})
}

// ingressRules are those of an Ingress with two applications: users come by host name, health checks by path on any
// host.
func ingressRules() []Rule {
	return []Rule{
		{Priority: 1, Hosts: []string{"app1.example.com"}, Action: Action{TargetGroup: "app1"}},
		{Priority: 2, Hosts: []string{"app2.example.com"}, Action: Action{TargetGroup: "app2"}},
		{Priority: 3, Paths: []string{"/app1health"}, Action: Action{TargetGroup: "app1"}},
		{Priority: 4, Paths: []string{"/app2health"}, Action: Action{TargetGroup: "app2"}},
	}
}

func TestIngressRulesRouteUsersByHostAndCheckersByPath(t *testing.T) {
	lb := newLoadBalancer(Options{}, nil, nil)
	extra := Rule{Priority: 50000, Hosts: []string{"*.shop.example"}, Paths: []string{"/a*", "/b"}, Action: fixed(418)}
	if err := lb.Configure(Config{
		Rules:        append(ingressRules(), extra),
		TargetGroups: []TargetGroup{{Name: "app1"}, {Name: "app2"}},
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, host, path, want string }{
		{"host", "app1.example.com", "/", "app1"},
		{"host of the other", "app2.example.com", "/", "app2"},
		{"host names have no case", "APP1.Example.COM", "/", "app1"},
		{"a port in the host header does not count", "app1.example.com:8080", "/", "app1"},
		{"a final dot does not count", "app1.example.com.", "/", "app1"},
		{"checker by load balancer name, r53: B.3", "demoalb-1.eu-west-1.elb.amazonaws.com", "/app1health", "app1"},
		{"checker on a port other than 80, r53: B.3", "demoalb-1.eu-west-1.elb.amazonaws.com:8080", "/app2health", "app2"},
		{"paths have case", "demoalb-1.eu-west-1.elb.amazonaws.com", "/APP1health", "404"},
		{"the query is no part of the path", "10.0.0.1", "/app1health?x=1", "app1"},
		{"a path is matched to its end", "10.0.0.1", "/app1health/", "404"},
		{"the lowest priority wins", "app2.example.com", "/app1health", "app2"},
		{"nothing matches: default action", "demoalb-1.eu-west-1.elb.amazonaws.com", "/", "404"},
		{"every condition must match", "a.shop.example", "/c", "404"},
		{"one value of a condition is enough", "a.shop.example", "/b", "418"},
		{"wildcards in both", "a.b.shop.example", "/aaa", "418"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", c.path, nil)
			r.Host = c.host
			action, _ := lb.route(requestHost(r), r.URL.EscapedPath())
			got := action.TargetGroup
			if f := action.FixedResponse; f != nil {
				got = map[int]string{404: "404", 418: "418"}[f.StatusCode]
			}
			if got != c.want {
				t.Errorf("%s%s goes to %q, want %q", c.host, c.path, got, c.want)
			}
		})
	}
}

func fixed(status int) Action { return Action{FixedResponse: &FixedResponse{StatusCode: status}} }

func TestConfigureRefusesFaultsAndChangesNothing(t *testing.T) {
	good := Config{
		Rules:        []Rule{{Priority: 1, Hosts: []string{"a"}, Action: Action{TargetGroup: "g"}}},
		TargetGroups: []TargetGroup{{Name: "g"}},
	}
	rule := func(r Rule) Config { return Config{Rules: []Rule{r}, TargetGroups: good.TargetGroups} }
	group := func(g ...TargetGroup) Config { return Config{TargetGroups: g} }
	for _, c := range []struct {
		name   string
		config Config
		want   string
	}{
		{"priority", rule(Rule{Priority: 0, Hosts: []string{"a"}, Action: fixed(200)}), "rule priority 0: use 1 to 50000"},
		{"priority twice", Config{Rules: append(good.Rules, good.Rules...), TargetGroups: good.TargetGroups},
			"priority 1 is used twice"},
		{"no condition", rule(Rule{Priority: 1, Action: fixed(200)}), "no condition"},
		{"empty value", rule(Rule{Priority: 1, Hosts: []string{""}, Action: fixed(200)}), "has 0 characters: use 1 to 128"},
		{"long value", rule(Rule{Priority: 1, Paths: []string{"/" + strings.Repeat("x", 128)}, Action: fixed(200)}),
			"use 1 to 128"},
		{"path", rule(Rule{Priority: 1, Paths: []string{"health"}, Action: fixed(200)}),
			`path "health" matches nothing: begin with / or *`},
		{"no action", rule(Rule{Priority: 1, Hosts: []string{"a"}}), "either a target group or a fixed response"},
		{"unknown group", rule(Rule{Priority: 1, Hosts: []string{"a"}, Action: Action{TargetGroup: "x"}}),
			`there is no target group "x"`},
		{"default action", Config{DefaultAction: Action{TargetGroup: "x"}}, `default action: there is no target group "x"`},
		{"status", rule(Rule{Priority: 1, Hosts: []string{"a"}, Action: fixed(302)}), "status 302: use 2xx, 4xx or 5xx"},
		{"group name", group(TargetGroup{}), "use 1 to 32"},
		{"group twice", group(TargetGroup{Name: "g"}, TargetGroup{Name: "g"}), `"g" is used twice`},
		{"health path", group(TargetGroup{Name: "g", HealthCheck: HealthCheck{Path: "x"}}), "begin with /"},
		{"interval", group(TargetGroup{Name: "g", HealthCheck: HealthCheck{Interval: 1}}), "use 100ms to 300s"},
		{"timeout", group(TargetGroup{Name: "g", HealthCheck: HealthCheck{Timeout: 1 << 40}}), "use up to the interval"},
		{"threshold", group(TargetGroup{Name: "g", HealthCheck: HealthCheck{UnhealthyThreshold: 11}}),
			"unhealthy threshold 11: use 1 to 10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			lb := newLoadBalancer(Options{}, nil, nil)
			if err := lb.Configure(good); err != nil {
				t.Fatal(err)
			}
			err := lb.Configure(c.config)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if action, _ := lb.route("a", "/"); action.TargetGroup != "g" {
				t.Errorf("after a refusal host a goes to %+v, want still g", action)
			}
		})
	}
}
