package lab

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/sigv4"
)

const kindKubeconfig = `apiVersion: v1
kind: Config
current-context: kind-west
contexts:
- {name: kind-other, context: {cluster: kind-other, user: kind-other}}
- {name: kind-west, context: {cluster: kind-west, user: kind-west}}
clusters:
- {name: kind-other, cluster: {server: "https://127.0.0.1:1"}}
- {name: kind-west, cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: Q0E=}}
users:
- {name: kind-west, user: {client-key-data: c2VjcmV0}}
`

func writeFile(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAClusterIsReadFromAKubeconfig(t *testing.T) {
	const contexts = "{current-context: c, contexts: [{name: c, context: {cluster: %}}], "
	in := func(cluster, rest string) string { return strings.Replace(contexts, "%", cluster, 1) + rest }
	for _, c := range []struct {
		name, text string
		want       cluster
		wantError  string
	}{
		{"kind", kindKubeconfig, cluster{"kind-west", "https://127.0.0.1:6443", "Q0E="}, ""},
		{"EKS: the name is the end of the ARN", in("'arn:aws:eks:eu-west-1:111122223333:cluster/prod'",
			"clusters: [{name: 'arn:aws:eks:eu-west-1:111122223333:cluster/prod', cluster: {server: 'https://x'}}]}"),
			cluster{"prod", "https://x", ""}, ""},
		{"what EKS does not allow in names",
			in("'a.b@c'", "clusters: [{name: 'a.b@c', cluster: {server: 'https://x'}}]}"), cluster{"a-b-c", "https://x", ""}, ""},
		{"a certificate in a file beside it", in("k", "clusters: [{name: k, cluster: {server: 'https://x', certificate-authority: ca.pem}}]}"),
			cluster{"k", "https://x", "UEVN"}, ""},
		{"a certificate that is not there", in("k", "clusters: [{name: k, cluster: {server: 'https://x', certificate-authority: no.pem}}]}"),
			cluster{}, "certificate authority: open"},
		{"no current context", "{contexts: [], clusters: []}", cluster{}, `current-context "" is no context of it`},
		{"no such cluster", in("k", "clusters: []}"), cluster{}, `there is no cluster "k"`},
		{"no server", in("k", "clusters: [{name: k, cluster: {}}]}"), cluster{}, `cluster "k" has no server`},
		{"no YAML", "{", cluster{}, "kubeconfig of eu-west-1: read "},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, dir, "ca.pem", "PEM")
			got, err := readClusters(map[string]string{"eu-west-1": writeFile(t, dir, "config", c.text)})
			if c.wantError != "" {
				if err == nil || !strings.Contains(err.Error(), c.wantError) {
					t.Errorf("error %v, want %q", err, c.wantError)
				}
				return
			}
			if err != nil || got["eu-west-1"] != c.want {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestKubeconfigsAreRefusedBeforeAnythingStarts(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct{ region, want string }{
		{"mars-1", `kubeconfig for Region "mars-1": there are eu-west-1, eu-central-1`},
		{"eu-west-1", "kubeconfig of eu-west-1: open " + missing},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		_, err := New(Options{DataDir: dir, Kubeconfig: map[string]string{c.region: missing}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.region, err, c.want)
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s: the data directory was made", c.region)
		}
	}
}

// EKS describes the attached cluster in its Region, and answers what AWS answers without one.
func TestEKSDescribesAttachedClusters(t *testing.T) {
	server := httptest.NewServer(&eks{
		clusters: map[string]cluster{"eu-west-1": {"kind-west", "https://127.0.0.1:6443", "Q0E="}},
		lookup:   func(id string) (sigv4.Credentials, bool) { return administrator, id == administrator.AccessKeyID },
		logger:   slog.New(slog.DiscardHandler),
	})
	defer server.Close()
	wrong := sigv4.Credentials{AccessKeyID: administrator.AccessKeyID, SecretAccessKey: "guess"}
	for _, c := range []struct {
		name, method, path, region, service string
		credentials                         sigv4.Credentials
		wantStatus                          int
		wantCode, want                      string // want "" is any message
	}{
		{"list", "GET", "/clusters?maxResults=100", "eu-west-1", serviceEKS, administrator, 200, "", `{"clusters":["kind-west"],"nextToken":null}`},
		{"list without", "GET", "/clusters", "eu-central-1", serviceEKS, administrator, 200, "", `{"clusters":[],"nextToken":null}`},
		{"describe", "GET", "/clusters/kind-west", "eu-west-1", serviceEKS, administrator, 200, "",
			`{"cluster":{"name":"kind-west","arn":"arn:aws:eks:eu-west-1:000000000000:cluster/kind-west","endpoint":"https://127.0.0.1:6443",` +
				`"status":"ACTIVE","certificateAuthority":{"data":"Q0E="},"tags":{}}}`},
		{"describe in another Region", "GET", "/clusters/kind-west", "eu-central-1", serviceEKS, administrator, 404, "ResourceNotFoundException",
			`{"message":"No cluster found for name: kind-west."}`},
		{"describe another", "GET", "/clusters/kind%3Aeast", "eu-west-1", serviceEKS, administrator, 404, "ResourceNotFoundException",
			`{"message":"No cluster found for name: kind:east."}`},
		{"create", "POST", "/clusters", "eu-west-1", serviceEKS, administrator, 404, "UnknownOperationException",
			`{"message":"There is no POST /clusters here: there are GET /clusters and GET /clusters/{name}."}`},
		{"node groups", "GET", "/clusters/kind-west/node-groups", "eu-west-1", serviceEKS, administrator, 404, "UnknownOperationException",
			`{"message":"There is no GET /clusters/kind-west/node-groups here: there are GET /clusters and GET /clusters/{name}."}`},
		{"another service", "GET", "/clusters", "eu-west-1", "route53", administrator, 403, "InvalidSignatureException", ""},
		{"wrong secret", "GET", "/clusters", "eu-west-1", serviceEKS, wrong, 403, "InvalidSignatureException", ""},
		{"unknown key", "GET", "/clusters", "eu-west-1", serviceEKS, sigv4.Credentials{AccessKeyID: "AKIAOTHER"},
			403, "UnrecognizedClientException", ""},
		{"not signed", "GET", "/clusters", "", "", administrator, 403, "MissingAuthenticationTokenException", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := awsClient{server.URL, c.region, c.credentials}
			status, header, reply := client.send(t, c.method, c.path, c.service, "")
			if status != c.wantStatus || header.Get("X-Amzn-Errortype") != c.wantCode || !json.Valid([]byte(reply)) {
				t.Errorf("%d %q %s, want %d %q", status, header.Get("X-Amzn-Errortype"), reply, c.wantStatus, c.wantCode)
			}
			if diff := cmp.Diff(c.want, strings.TrimSpace(reply)); c.want != "" && diff != "" {
				t.Errorf("reply (-want +got):\n%s", diff)
			}
		})
	}
}

// A running lab answers every API on one address, and tells Regions apart by the signature alone.
func TestTheLabServesAWSAPIs(t *testing.T) {
	l, _ := startLab(t, Options{DataDir: t.TempDir(), Empty: true,
		Kubeconfig: map[string]string{"eu-west-1": writeFile(t, t.TempDir(), "config", kindKubeconfig)}})
	client := awsClient{"http://" + l.Node().HTTPAddr().String(), "eu-west-1", l.Node().Credentials()}
	status, _, reply := client.send(t, "POST", "/", serviceSTS, "Action=GetCallerIdentity&Version=2011-06-15")
	if status != 200 || !strings.Contains(reply, "<UserId>AIDA"+strings.TrimPrefix(client.credentials.AccessKeyID, "AKIA")+"</UserId>") {
		t.Errorf("GetCallerIdentity: %d %s", status, reply)
	}
	for _, want := range l.LoadBalancers() {
		client.region = want.Region
		lb := describe[describeLoadBalancersResult](t, client, "DescribeLoadBalancers").LoadBalancers.Member
		if len(lb) != 1 || lb[0].DNSName != want.DNSName || lb[0].CanonicalHostedZoneID != want.HostedZoneID {
			t.Fatalf("load balancers of %s: %+v, want %+v", want.Region, lb, want)
		}
		listener := describe[describeListenersResult](t, client, "DescribeListeners", "LoadBalancerArn", lb[0].LoadBalancerArn).Listeners.Member
		if len(listener) != 1 || listener[0].Port != want.Port {
			t.Errorf("listeners of %s: %+v, want one on port %d", want.Region, listener, want.Port)
		}
	}
	client.region = "eu-west-1"
	if status, _, reply := client.send(t, "GET", "/clusters/kind-west", serviceEKS, ""); status != 200 || !strings.Contains(reply, `"ACTIVE"`) {
		t.Errorf("describe-cluster: %d %s", status, reply)
	}
	lb := describe[describeLoadBalancersResult](t, client, "DescribeLoadBalancers").LoadBalancers.Member[0].LoadBalancerArn
	tags := describe[describeTagsResult](t, client, "DescribeTags", "ResourceArns.member.1", lb).TagDescriptions.Member[0].Tags.Member
	if want := (keyValue{"elbv2.k8s.aws/cluster", "kind-west"}); len(tags) == 0 || tags[0] != want {
		t.Errorf("tags %v, want the attached cluster's %v", tags, want)
	}
}
