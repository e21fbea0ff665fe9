package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"
)

// deny stands between commands and an engine, and refuses paths that have one of these parts, as IAM does. r53: C.5. It
// returns what leads commands there.
func deny(t *testing.T, engine string, parts ...string) []string {
	t.Helper()
	target, err := url.Parse(engine)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(target)
		p.Out.Host = p.In.Host // which is signed
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(r.URL.Path, part) }) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Error><Type>Sender</Type>`+
				`<Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>`)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.Close()
		transport.CloseIdleConnections()
	})
	return []string{"AWS_ENDPOINT_URL_ROUTE_53=" + server.URL}
}

// What may not be read costs findings, and a note tells; a zone that is to be judged has to be read.
func TestAuditWithoutRights(t *testing.T) {
	t.Parallel()
	l := newTestLab(t)
	other, err := l.createZone("example.org")
	if err != nil {
		t.Fatal(err)
	}
	var checks []string
	for _, name := range []string{"office", "orphan"} {
		out, err := l.client.CreateHealthCheck(t.Context(), &route53.CreateHealthCheckInput{CallerReference: &name,
			HealthCheckConfig: &types.HealthCheckConfig{Type: types.HealthCheckTypeHttp, IPAddress: new("192.0.2.1"), RequestInterval: new(int32(30))}})
		if err != nil {
			t.Fatal(err)
		}
		checks = append(checks, *out.HealthCheck.Id)
	}
	collection, err := l.client.CreateCidrCollection(t.Context(), &route53.CreateCidrCollectionInput{Name: new("offices"), CallerReference: new("1")})
	if err != nil {
		t.Fatal(err)
	}
	id := collection.Collection.Id
	if _, err = l.client.ChangeCidrCollection(t.Context(), &route53.ChangeCidrCollectionInput{Id: id, Changes: []types.CidrCollectionChange{
		{Action: types.CidrCollectionChangeActionPut, LocationName: new("berlin"), CidrList: []string{"203.0.113.0/24"}}}}); err != nil {
		t.Fatal(err)
	}
	_, err = l.client.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{HostedZoneId: &l.zone,
		ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionCreate, ResourceRecordSet: &types.ResourceRecordSet{
			Name: new("app.example.com"), Type: types.RRTypeA, SetIdentifier: new("berlin"), TTL: new(int64(60)), HealthCheckId: &checks[0],
			CidrRoutingConfig: &types.CidrRoutingConfig{CollectionId: id, LocationName: new("berlin")},
			ResourceRecords:   []types.ResourceRecord{{Value: new("192.0.2.1")}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	const berlin = " Clients in 203.0.113.0/24 have one member only, and are still sent to it when it is down."
	why := "This IP-based group has no default: clients anywhere else get no address, and neither do those whose place is not known."
	asAWS := []string{"audit", "--zone", "example.com", "--provider", "aws", "--fail-on", "never", "-o", "json"}
	for _, c := range []struct {
		denied string
		rules  []string
		why    string
		note   string
	}{
		{"/nothing", []string{"default-missing", "check-orphaned"}, why + berlin, ""},
		{"/hostedzone/" + other, []string{"default-missing"}, why + berlin,
			"Zone example.org was not read (AccessDenied): nothing is said of health checks that only it may use."},
		{"/cidrcollection", []string{"default-missing", "check-orphaned"}, why,
			"CIDR collection " + *id + " was not read (AccessDenied): its clients are judged by the default location."},
		{"/accountlimit", []string{"default-missing", "check-orphaned"}, why + berlin,
			"Quotas were not read (AccessDenied): they are taken to be those that an account has at first."},
		{"/hostedzonelimit", []string{"default-missing", "check-orphaned"}, why + berlin,
			"Quotas were not read (AccessDenied): they are taken to be those that an account has at first."},
	} {
		t.Run(c.denied[1:], func(t *testing.T) {
			doc := judged(t, l.stdout(t, 0, deny(t, l.url, c.denied), asAWS...))
			rules := slices.DeleteFunc(rulesOf(doc.Findings), func(rule string) bool { return rule == "cost" })
			if diff := cmp.Diff(c.rules, rules); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.why, doc.Findings[0].Why); diff != "" {
				t.Errorf("why (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.note, strings.Join(doc.Notes, "\n")); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
	for _, path := range []string{"/hostedzone/" + l.zone, "/healthcheck"} {
		t.Run("not without "+strings.Split(path, "/")[1], func(t *testing.T) {
			l.stdout(t, exitFailure, deny(t, l.url, path), asAWS...)
		})
	}
}

// Nothing is found in what the policies of examples/twoapps make, by neither provider's standards.
func TestAuditOfTheTwoApps(t *testing.T) {
	t.Parallel()
	l := newTestLab(t)
	dir := t.TempDir()
	for _, name := range []string{"app1.yaml", "app2.yaml"} {
		data, err := os.ReadFile("../../examples/twoapps/" + name)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(data), "port: 80,", "port: "+l.port()+",")
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l.stdout(t, 0, nil, "apply", "-f", dir, "--yes", "--rollback-dir", t.TempDir())
	for _, provider := range []string{"aws", "engine"} {
		for _, args := range [][]string{{"-f", dir}, {"-f", dir, "--health"}, {"--rto", "3m"}} {
			args = append([]string{"audit", "--all-zones", "--fail-on", "info", "--own-load-balancers", "--provider", provider}, args...)
			if got, _, _ := strings.Cut(l.stdout(t, 0, nil, args...), "\n"); got != "Nothing found." {
				t.Errorf("%q: %s", args, got)
			}
		}
	}
}
