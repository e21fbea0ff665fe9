package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/bulkhead-dns/bulkhead/lab"
)

// runLab starts a lab with a zone and nothing else, until the test ends.
func runLab(t *testing.T) *lab.Lab {
	t.Helper()
	definition, err := lab.ParseDefinition("lab.yaml", []byte("regions: [{name: eu-west-1, address: 127.88.1.1}, "+
		"{name: eu-central-1, address: 127.88.2.1}]\napplications: []\n"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := lab.New(lab.Options{Definition: definition, DataDir: t.TempDir(), HTTPAddr: "127.0.0.1:0",
		DNSAddr: "127.0.0.1:0", ZoneOnly: true, AnyPort: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the lab: %v", err)
		}
	})
	select {
	case <-l.Ready():
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	return l
}

// forHost is an Ingress with one host, and so many ready pods.
func forHost(name, host string, pods int) lab.Ingress {
	backend := lab.IngressBackend{Service: name, Port: 80}
	in := lab.Ingress{
		Namespace: "team-a", Name: name,
		Rules: []lab.IngressRule{{Host: host, Paths: []lab.IngressPath{{Path: "/", PathType: "Prefix",
			Backend: backend}}}},
		Services: []lab.IngressService{{IngressBackend: backend, Endpoints: []lab.Endpoint{}}},
	}
	for n := range pods {
		in.Services[0].Endpoints = append(in.Services[0].Endpoints, lab.Endpoint{Pod: fmt.Sprintf("%s-%d", name, n)})
	}
	return in
}

// One tenant's mistake takes nothing from another: what is in force stays, what is new and right is taken.
func TestRefusedIngressHoldsUpNoOther(t *testing.T) {
	l := runLab(t)
	in := &labIngress{lab: &lab.Client{BaseURL: "http://" + l.Status().API, Credentials: l.Node().Credentials()},
		region: "eu-west-1"}
	at := l.Status().Regions[0].LoadBalancer.Address
	status := func(host string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
			"http://"+net.JoinHostPort(at, strconv.Itoa(l.LoadBalancers()[0].Port))+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	wrong := forHost("wrong", "wrong.example.com", 1)
	wrong.Rules[0].Paths[0].Path = "no-slash"
	was := forHost("changed", "changed.example.com", 1)
	worse := was
	worse.Rules = wrong.Rules

	for _, step := range []struct {
		name    string
		wanted  []lab.Ingress
		refused []string
		answers map[string]int
	}{
		{"a wrong one at the start", []lab.Ingress{wrong, forHost("app1", "app1.example.com", 1)}, []string{"team-a/wrong"},
			map[string]int{"app1.example.com": 200, "wrong.example.com": 404}},
		{"all are right", []lab.Ingress{forHost("app1", "app1.example.com", 1), was}, nil,
			map[string]int{"app1.example.com": 200, "changed.example.com": 200}},
		{"one becomes wrong, one has no pods, one is new", []lab.Ingress{worse, forHost("app1", "app1.example.com", 0),
			forHost("app2", "app2.example.com", 2)},
			[]string{"team-a/changed"}, map[string]int{"changed.example.com": 200, "app1.example.com": 503,
				"app2.example.com": 200}},
		{"the wrong one goes, and another", []lab.Ingress{forHost("app1", "app1.example.com", 1)}, nil,
			map[string]int{"changed.example.com": 404, "app1.example.com": 200, "app2.example.com": 404}},
	} {
		got, refused, err := in.set(t.Context(), step.wanted)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		var names []string
		for name, why := range refused {
			names = append(names, name)
			if !strings.Contains(why, "begin with /") {
				t.Errorf("%s: %s is told %q", step.name, name, why)
			}
		}
		if diff := cmp.Diff(step.refused, names); diff != "" {
			t.Errorf("%s: refused, want -, got +\n%s", step.name, diff)
		}
		for _, s := range got {
			if s.DNSName != l.LoadBalancers()[0].DNSName {
				t.Errorf("%s: %s has %s", step.name, s.Name, s.DNSName)
			}
		}
		for host, want := range step.answers {
			if code := status(host); code != want {
				t.Errorf("%s: %s is answered with %d, want %d", step.name, host, code, want)
			}
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestLabIngressSaysWhatIsWrongWithACall(t *testing.T) {
	l := runLab(t)
	c := l.Node().Credentials()
	t.Setenv("AWS_ACCESS_KEY_ID", c.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", c.SecretAccessKey)
	t.Setenv("AWS_SESSION_TOKEN", "")
	for _, call := range []struct {
		f    labIngressFlags
		want string
	}{
		{labIngressFlags{region: "us-east-1"}, "--region us-east-1: the lab has eu-west-1, eu-central-1"},
		{labIngressFlags{region: "eu-west-1", url: "http://127.0.0.1:1"}, "reach the lab at http://127.0.0.1:1"},
		{labIngressFlags{region: "eu-west-1"}, ""},
	} {
		if call.f.url == "" {
			call.f.url = "http://" + l.Status().API
		}
		call.f.dataDir = t.TempDir()
		_, err := call.f.client(t.Context())
		if got := fmt.Sprint(err); err == nil && call.want != "" || err != nil &&
			(call.want == "" || !strings.Contains(got, call.want)) {
			t.Errorf("%+v: error %v, want %q", call.f, err, call.want)
		}
	}
	for _, call := range []struct {
		args []string
		want string
	}{
		{[]string{"lab-ingress"}, "bulkhead-controller: --region is missing: the lab's Region that this cluster is in, " +
			"such as eu-west-1\nSee 'bulkhead-controller lab-ingress --help'.\n"},
		{[]string{"lab-ingress", "--region=eu-west-1", "--lab-url=lab"}, "bulkhead-controller: --lab-url lab: use a URL " +
			"such as http://127.0.0.1:8053\nSee 'bulkhead-controller lab-ingress --help'.\n"},
		{[]string{"lab-ingress", "more"}, "bulkhead-controller: bulkhead-controller lab-ingress takes no arguments, got " +
			"\"more\"\nSee 'bulkhead-controller lab-ingress --help'.\n"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(call.args, &stdout, &stderr); code != exitUsage || stderr.String() != call.want || stdout.Len() > 0 {
			t.Errorf("%v: exit %d, stdout %q, stderr:\n%swant:\n%s", call.args, code, &stdout, &stderr, call.want)
		}
	}
}

// What is wrong is told once, and again when it is wrong anew.
func TestRefusedIngressIsToldOnce(t *testing.T) {
	var log bytes.Buffer
	var events []string
	l := &labIngress{log: slog.New(slog.NewTextHandler(&log, nil)), said: map[string]string{}}
	l.event = func(in *networkingv1.Ingress, message string) { events = append(events, in.Name+": "+message) }
	in := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "shop"}}
	for _, refusal := range []string{"a", "a", "b", "", "b"} {
		l.tell(in, refusal)
	}
	if diff := cmp.Diff([]string{"shop: a", "shop: b", "shop: b"}, events); diff != "" ||
		strings.Count(log.String(), "team-a/shop") != 3 {
		t.Errorf("want -, got +\n%s\n%s", diff, &log)
	}
}
