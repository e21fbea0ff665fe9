package lab

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/awsserver"
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
		want       awsserver.Cluster
		wantError  string
	}{
		{"kind", kindKubeconfig, awsserver.Cluster{Name: "kind-west", Endpoint: "https://127.0.0.1:6443", CA: "Q0E="}, ""},
		{"EKS: the name is the end of the ARN", in("'arn:aws:eks:eu-west-1:111122223333:cluster/prod'",
			"clusters: [{name: 'arn:aws:eks:eu-west-1:111122223333:cluster/prod', cluster: {server: 'https://x'}}]}"),
			awsserver.Cluster{Name: "prod", Endpoint: "https://x", CA: ""}, ""},
		{"what EKS does not allow in names",
			in("'a.b@c'", "clusters: [{name: 'a.b@c', cluster: {server: 'https://x'}}]}"),
			awsserver.Cluster{Name: "a-b-c", Endpoint: "https://x", CA: ""}, ""},
		{"a certificate in a file beside it", in("k",
			"clusters: [{name: k, cluster: {server: 'https://x', certificate-authority: ca.pem}}]}"),
			awsserver.Cluster{Name: "k", Endpoint: "https://x", CA: "UEVN"}, ""},
		{"a certificate that is not there", in("k",
			"clusters: [{name: k, cluster: {server: 'https://x', certificate-authority: no.pem}}]}"),
			awsserver.Cluster{}, "certificate authority: open"},
		{"no current context", "{contexts: [], clusters: []}", awsserver.Cluster{}, `current-context "" is no context of it`},
		{"no such cluster", in("k", "clusters: []}"), awsserver.Cluster{}, `there is no cluster "k"`},
		{"no server", in("k", "clusters: [{name: k, cluster: {}}]}"), awsserver.Cluster{}, `cluster "k" has no server`},
		{"no YAML", "{", awsserver.Cluster{}, "kubeconfig of eu-west-1: read "},
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

// A running lab answers every API on one address, and tells Regions apart by the signature alone.
func TestTheLabServesAWSAPIs(t *testing.T) {
	l, _ := startLab(t, Options{DataDir: t.TempDir(), Empty: true,
		Kubeconfig: map[string]string{"eu-west-1": writeFile(t, t.TempDir(), "config", kindKubeconfig)}})
	const elb, elbVersion = "elasticloadbalancing", "2015-12-01"
	expect := func(method, path, region, service, body, want string) {
		t.Helper()
		status, reply := askAWS(t, l, method, path, region, service, body)
		if status != http.StatusOK || !strings.Contains(reply, want) {
			t.Errorf("%s %s %s in %s: %d %s, want %s", method, path, body, region, status, reply, want)
		}
	}
	query := func(region, service, version, action, want string) {
		t.Helper()
		expect("POST", "/", region, service, "Action="+action+"&Version="+version, want)
	}
	id := strings.TrimPrefix(l.Node().Credentials().AccessKeyID, "AKIA")
	query("us-east-1", "sts", "2011-06-15", "GetCallerIdentity", "<UserId>AIDA"+id+"</UserId>")
	for _, want := range l.LoadBalancers() {
		_, reply := askAWS(t, l, "POST", "/", want.Region, elb, "Action=DescribeLoadBalancers&Version="+elbVersion)
		arn := regexp.MustCompile("<LoadBalancerArn>(.*)</LoadBalancerArn>").FindStringSubmatch(reply)
		if len(arn) != 2 || !strings.Contains(reply,
			"<DNSName>"+want.DNSName+"</DNSName><CanonicalHostedZoneId>"+want.HostedZoneID+"<") {
			t.Fatalf("load balancers of %s: %s, want %+v", want.Region, reply, want)
		}
		query(want.Region, elb, elbVersion, "DescribeListeners&LoadBalancerArn="+arn[1],
			fmt.Sprintf("<Port>%d</Port>", want.Port))
		if want.Region == "eu-west-1" {
			query(want.Region, elb, elbVersion, "DescribeTags&ResourceArns.member.1="+arn[1],
				"<Key>elbv2.k8s.aws/cluster</Key><Value>kind-west</Value>")
		}
	}
	expect("GET", "/clusters/kind-west", "eu-west-1", "eks", "", `"ACTIVE"`)
}

// askAWS signs a request to a running lab and returns status and body of the reply.
func askAWS(t *testing.T, l *Lab, method, path, region, service, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+l.Node().HTTPAddr().String()+path,
		strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	sigv4.Sign(&sigv4.Request{Method: method, Path: request.URL.EscapedPath(), Host: request.URL.Host,
		Header: request.Header, Body: []byte(body)}, l.Node().Credentials(), region, service, time.Now())
	response, err := visitor().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	reply, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(reply)
}
