package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Rules come in the order of the AWS Load Balancer Controller. r53: E.3.
func TestIngressRulesComeInTheControllersOrder(t *testing.T) {
	path := func(kind, path string) IngressPath { return IngressPath{path, kind, IngressBackend{"web", 80}} }
	services := []IngressService{{IngressBackend: IngressBackend{"web", 80}}}
	got, err := trafficOf([]Ingress{
		{Namespace: "b", Name: "second", Services: services,
			Rules: []IngressRule{{"b.example.com", []IngressPath{path("ImplementationSpecific", "")}}}},
		{Namespace: "z", Name: "first", Order: -1, Services: services,
			Rules: []IngressRule{{"", []IngressPath{path("Prefix", "/")}}}},
		{Namespace: "a", Name: "main", Services: services, Rules: []IngressRule{
			{"a.example.com", []IngressPath{
				path("ImplementationSpecific", "/img*"), path("Prefix", "/"), path("Prefix", "/pay/now/"),
				path("Exact", "/pay/now"),
				path("ImplementationSpecific", "/a"), path("Prefix", "/pay"),
			}},
			{"", []IngressPath{path("Exact", "/health"), path("ImplementationSpecific", "")}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for i, r := range got.config.Rules {
		if r.Priority != i+1 {
			t.Errorf("rule %d has priority %d", i+1, r.Priority)
		}
		rules = append(rules, strings.Join(r.Hosts, ",")+" "+strings.Join(r.Paths, ","))
	}
	want := []string{
		" /*", // group order -1
		"a.example.com /pay/now", "a.example.com /pay/now,/pay/now/*", "a.example.com /pay,/pay/*", "a.example.com /*",
		"a.example.com /img*", "a.example.com /a",
		" /health", " /*",
		"b.example.com ",
	}
	if diff := cmp.Diff(want, rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if name := got.groups[0].name; len(name) > 32 || !strings.HasPrefix(name, "k8s-z-web-") {
		t.Errorf("target group %q, want k8s-<namespace>-<service>-<hash>", name)
	}
}

// sharedIngress is a multi-tenant Ingress: two applications by host name, and their health paths on any host.
func sharedIngress(readyOfApp1 int) Ingress {
	service := func(name string, ready int) IngressService {
		s := IngressService{IngressBackend: IngressBackend{name, 80}, HealthPath: "/health",
			Application: strings.TrimSuffix(name, "-svc")}
		for i := range ready {
			s.Endpoints = append(s.Endpoints, Endpoint{Pod: fmt.Sprintf("%s-%d", name, i)})
		}
		return s
	}
	rule := func(host, path, service string) IngressRule {
		return IngressRule{host, []IngressPath{{path, "Prefix", IngressBackend{service, 80}}}}
	}
	return Ingress{
		Namespace: "team", Name: "demoingress",
		Rules: []IngressRule{
			rule("shop1.example.com", "/", "shop1-svc"), rule("shop2.example.com", "/", "shop2-svc"),
			rule("", "/shop1health", "shop1-svc"), rule("", "/shop2health", "shop2-svc"),
		},
		Services: []IngressService{service("shop1-svc", readyOfApp1), service("shop2-svc", 1)},
	}
}

func TestIngressesAreServedByStandIns(t *testing.T) {
	client, s := startAdmin(t, 221)
	r := s.regions[0]
	lb := r.balancers[0].LoadBalancer
	set := func(all ...Ingress) []IngressStatus {
		t.Helper()
		got, err := client.SetIngresses(t.Context(), "eu-west-1", all)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	expect := func(host, path string, want int) {
		t.Helper()
		if status, body := get(t, lb, host, path); status != want {
			t.Errorf("%s%s: %d %s, want %d", host, path, status, body, want)
		}
	}
	pods := func(host string) map[string]bool {
		t.Helper()
		seen := map[string]bool{}
		for range 6 {
			response := getResponse(t, lb, host, "/", http.Header{"Accept": {"application/json"}})
			var info podInfo
			err := json.NewDecoder(response.Body).Decode(&info)
			response.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			seen[info.Application+" "+info.Pod+" "+info.Region] = true
		}
		return seen
	}

	got := set(sharedIngress(2))
	want := []IngressStatus{{"team", "demoingress", "demoalb", lb.DNSName(), "127.10.221.1", int(lb.Address().Port())}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, s.status()[0].Ingresses); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	waitFor(t, "healthy stand-ins", func() bool { return lb.Probed() })
	expect("shop2.example.com", "/", 200)
	expect("checker", "/shop1health", 200)
	expect("checker", "/shop1health/deep", 200)
	expect("checker", "/shop1healthy", 404) // a prefix counts by whole elements
	expect(app1Host, "/", 200)              // the definition's own stay
	two := map[string]bool{"shop1 shop1-svc-0 eu-west-1": true, "shop1 shop1-svc-1 eu-west-1": true}
	if diff := cmp.Diff(two, pods("shop1.example.com")); diff != "" {
		t.Errorf("who answers (-want +got):\n%s", diff)
	}
	before := len(r.ingresses.pods)
	started := r.ingresses.started
	set(sharedIngress(2))
	if len(r.ingresses.pods) != before || r.ingresses.started != started {
		t.Errorf("the same again started pods: %d in all, %d before", r.ingresses.started, started)
	}

	// No ready endpoint: an empty target group, as after kubectl scale --replicas=0.
	set(sharedIngress(0))
	expect("shop1.example.com", "/", 503)
	expect("checker", "/shop1health", 503)
	expect("shop2.example.com", "/", 200)
	set(sharedIngress(1))
	expect("shop1.example.com", "/", 200)

	// Two Ingresses share the load balancer; one that is left out loses its rules and no other does.
	other := sharedIngress(1)
	other.Name, other.Rules = "other", []IngressRule{{"other.example.com", []IngressPath{
		{"/", "Prefix", IngressBackend{"shop1-svc", 80}}, {"/gone", "Exact", IngressBackend{"gone", 80}}}}}
	set(sharedIngress(1), other)
	expect("other.example.com", "/", 200)
	expect("other.example.com", "/gone", 503) // no such Service
	set(other)
	expect("shop1.example.com", "/", 404)
	expect("other.example.com", "/", 200)
	set()
	expect("other.example.com", "/", 404)
	expect(app2Host, "/", 200)
	if got := len(r.ingresses.pods); got != 0 {
		t.Errorf("%d stand-ins are left", got)
	}
}

// A pod that does listen is asked itself, and an Ingress wins over the definition's rule for the same host.
func TestIngressEndpointsWithAddressesAreAskedThemselves(t *testing.T) {
	_, s := startAdmin(t, 222)
	own := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "a pod of its own")
	}))
	defer own.Close()
	backend := IngressBackend{"web", 80}
	_, err := s.setIngresses(t.Context(), "eu-west-1", []Ingress{{
		Namespace: "team", Name: "web", DefaultBackend: &backend,
		Rules: []IngressRule{{app1Host, []IngressPath{{"/", "Prefix", backend}}}},
		Services: []IngressService{{IngressBackend: backend, Endpoints: []Endpoint{
			{Pod: "web-0", Address: netip.MustParseAddrPort(own.Listener.Addr().String())}}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{app1Host, "unheard.example.com"} {
		if status, body := get(t, s.regions[0].balancers[0].LoadBalancer, host, "/"); status != 200 ||
			body != "a pod of its own" {
			t.Errorf("%s: %d %s, want the pod's answer", host, status, body)
		}
	}
}

func TestWrongIngressesAreRefusedAndChangeNothing(t *testing.T) {
	client, s := startAdmin(t, 223)
	if _, err := client.SetIngresses(t.Context(), "eu-west-1", []Ingress{sharedIngress(1)}); err != nil {
		t.Fatal(err)
	}
	before := s.regions[0].balancers[0].Status().Rules
	with := func(change func(*Ingress)) []Ingress {
		g := sharedIngress(1)
		change(&g)
		return []Ingress{sharedIngress(1), g}
	}
	second := func(g *Ingress) { g.Name = "second" }
	backend := IngressBackend{"shop1-svc", 80}
	for _, c := range []struct {
		name, region string
		all          []Ingress
		want         string // part of the message
	}{
		{"Region", "mars-1", nil, `there is no Region "mars-1": use eu-west-1`},
		{"twice", "eu-west-1", with(func(*Ingress) {}), "ingress team/demoingress is there twice"},
		{"load balancer", "eu-west-1", with(func(g *Ingress) { second(g); g.LoadBalancer = "nlb" }),
			`ingress team/second: there is no load balancer "nlb" in eu-west-1: there are demoalb`},
		{"path type", "eu-west-1", with(func(g *Ingress) { second(g); g.Rules[0].Paths[0].PathType = "Regex" }),
			`ingress team/second: pathType "Regex": use Exact, Prefix or ImplementationSpecific`},
		{"wildcard", "eu-west-1", with(func(g *Ingress) { second(g); g.Rules[0].Paths[0].Path = "/a*" }),
			`path "/a*" of type Prefix: * and ? are for ImplementationSpecific`},
		{"path", "eu-west-1", with(func(g *Ingress) { second(g); g.Rules[0].Paths[0].Path = "a" }), `path "a": begin with /`},
		{"pod twice", "eu-west-1", with(func(g *Ingress) {
			second(g)
			g.Services[0].Endpoints = []Endpoint{{Pod: "p"}, {Pod: "p"}}
		}), `service shop1-svc:80: pod "p" is there twice`},
		{"address twice", "eu-west-1", with(func(g *Ingress) {
			second(g)
			at := netip.MustParseAddrPort("127.0.0.1:9")
			g.Services[0].Endpoints = []Endpoint{{Pod: "p", Address: at}, {Pod: "q", Address: at}}
		}), `service shop1-svc:80: pod "q" has the address of another, 127.0.0.1:9`},
		{"two defaults", "eu-west-1", func() []Ingress {
			a, b := sharedIngress(1), sharedIngress(1)
			second(&b)
			a.DefaultBackend, b.DefaultBackend = &backend, &backend
			return []Ingress{a, b}
		}(), "ingresses team/demoingress and team/second both have a default backend: one on a load balancer may"},
		{"too many rules", "eu-west-1", with(func(g *Ingress) {
			second(g)
			for range 100 {
				g.Rules = append(g.Rules, g.Rules[0])
			}
		}), "112 rules: a listener takes up to 100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := client.SetIngresses(t.Context(), c.region, c.all)
			var refused *AdminError
			if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest ||
				!strings.Contains(refused.Message, c.want) {
				t.Errorf("error %v\nwant a 400 with %s", err, c.want)
			}
		})
	}
	if diff := cmp.Diff(before, s.regions[0].balancers[0].Status().Rules); diff != "" {
		t.Errorf("refused Ingresses changed the rules (-before +after):\n%s", diff)
	}
}
