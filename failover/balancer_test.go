package failover

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/health"
)

// 2xx and 3xx are success and redirects are not followed, so that a load balancer's own answer stands for the
// application. r53: B.1, B.3.
func TestAnsweredByBalancer(t *testing.T) {
	const name = "demoalb-1.eu-west-1.elb.amazonaws.com"
	toHTTPS := ListenerRule{Port: 80, Status: 301, RedirectTo: "HTTPS:443"}
	own := ListenerRule{Host: "app1.example.com", TargetGroup: "app1"}
	for _, c := range []struct {
		what     string
		kind     health.Type
		path     string
		rules    []ListenerRule
		answered bool
		healthy  bool
		fix      string // contained
	}{
		{"HTTP is redirected to HTTPS", health.HTTP, "/h", []ListenerRule{toHTTPS, own}, true, true,
			"set type HTTPS and port 443"},
		{"to another port", health.HTTP, "/h", []ListenerRule{{Status: 302, RedirectTo: "HTTPS:8443"}}, true, true,
			"set type HTTPS and port 8443"},
		{"it is not known where to", health.HTTP, "/h", []ListenerRule{{Status: 301}}, true, true,
			"set type HTTPS and port 443 where"},
		{"HTTPS is redirected to another path", health.HTTPS, "/h", []ListenerRule{{Status: 302}}, true, true,
			"probe a path"},
		{"HTTPS is not redirected", health.HTTPS, "/h", []ListenerRule{toHTTPS, {Port: 443, TargetGroup: "app1"}}, false,
			false, ""},
		{"the health path goes to the application first", health.HTTP, "/h",
			[]ListenerRule{{Port: 80, Path: "/h", TargetGroup: "app1"}, toHTTPS}, false, false, ""},
		{"a fixed response", health.HTTP, "/h?x=1", []ListenerRule{{Path: "/h", Status: 200}}, true, true, "probe a path"},
		{"a refusal", health.HTTP, "/h", []ListenerRule{own, {Status: 404}}, true, false, "probe a path"},
		{"a refusal of a string", health.HTTPStrMatch, "/h", []ListenerRule{{Status: 503}}, true, false, "probe a path"},
		{"a string that the answer may have", health.HTTPStrMatch, "/h", []ListenerRule{{Status: 200}}, false, false, ""},
		{"nobody knows", health.HTTP, "/h", []ListenerRule{{Conditional: true, Status: 301}, toHTTPS}, false, false, ""},
		{"no rules", health.HTTP, "/h", nil, false, false, ""},
		{"a connection alone", health.TCP, "", []ListenerRule{toHTTPS}, false, false, ""},
	} {
		config := health.Config{Type: c.kind, FullyQualifiedDomainName: name, ResourcePath: c.path}
		got, answered := AnsweredByBalancer(config, c.rules)
		if answered != c.answered || got.Healthy != c.healthy || !strings.Contains(got.Fix, c.fix) {
			t.Errorf("%s: answered %t as healthy %t (%s; %s), want %t, %t (%s)", c.what, answered, got.Healthy, got.Why, got.Fix,
				c.answered, c.healthy, c.fix)
		}
	}
}

// A plan says that a redirect answers the probes, and what to set instead.
func TestPlansTellOfRedirects(t *testing.T) {
	facts := account(AWS)
	for i := range facts.LoadBalancers {
		facts.LoadBalancers[i].Rules = []ListenerRule{{Port: 80, Status: 301, RedirectTo: "HTTPS:443"},
			{Port: 443, TargetGroup: "app"}}
	}
	for _, c := range []struct {
		spec string
		want []string
	}{
		{"{hostname: a.example.com, healthCheck: {path: /h}, regions: [{lb1}, {lb2}]}", []string{
			"team-a/app: spec.healthCheck.path: HTTP:80 /h is answered by the load balancer itself with a redirect (301) to " +
				"HTTPS:443, which Route 53 takes for healthy: the check never sees the application, and no failover happens when " +
				"it fails; set type HTTPS and port 443"}},
		{"{hostname: a.example.com, healthCheck: {type: HTTPS, path: /h}, regions: [{lb1}, {lb2}]}", nil},
	} {
		_, warnings, err := Compile([]Policy{policyOf(t, c.spec)}, nil, facts)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range warnings {
			if strings.Contains(w.Text, "answered by") {
				got = append(got, w.String())
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s\nwant -, got +\n%s", c.spec, diff)
		}
	}
}
