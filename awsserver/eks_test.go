package awsserver

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// EKS describes the attached cluster in its Region, and answers what AWS answers without one.
func TestEKSDescribesAttachedClusters(t *testing.T) {
	server := httptest.NewServer(&eks{
		regions: []Region{{Name: "eu-west-1", Cluster: &Cluster{"kind-west", "https://127.0.0.1:6443", "Q0E="}}},
		lookup:  lookup,
		logger:  slog.New(slog.DiscardHandler),
	})
	defer server.Close()
	wrong := sigv4.Credentials{AccessKeyID: administrator.AccessKeyID, SecretAccessKey: "guess"}
	for _, c := range []struct {
		name, method, path, region, service string
		credentials                         sigv4.Credentials
		wantStatus                          int
		wantCode, want                      string // want "" is any message
	}{
		{"list", "GET", "/clusters?maxResults=100", "eu-west-1", serviceEKS, administrator, 200, "",
			`{"clusters":["kind-west"],"nextToken":null}`},
		{"list without", "GET", "/clusters", "eu-central-1", serviceEKS, administrator, 200, "",
			`{"clusters":[],"nextToken":null}`},
		{"describe", "GET", "/clusters/kind-west", "eu-west-1", serviceEKS, administrator, 200, "",
			`{"cluster":{"name":"kind-west","arn":"arn:aws:eks:eu-west-1:000000000000:cluster/kind-west",` +
				`"endpoint":"https://127.0.0.1:6443",` +
				`"status":"ACTIVE","certificateAuthority":{"data":"Q0E="},"tags":{}}}`},
		{"describe in another Region", "GET", "/clusters/kind-west", "eu-central-1", serviceEKS, administrator, 404,
			"ResourceNotFoundException",
			`{"message":"No cluster found for name: kind-west."}`},
		{"describe another", "GET", "/clusters/kind%3Aeast", "eu-west-1", serviceEKS, administrator, 404,
			"ResourceNotFoundException",
			`{"message":"No cluster found for name: kind:east."}`},
		{"create", "POST", "/clusters", "eu-west-1", serviceEKS, administrator, 404, "UnknownOperationException",
			`{"message":"There is no POST /clusters here: there are GET /clusters and GET /clusters/{name}."}`},
		{"node groups", "GET", "/clusters/kind-west/node-groups", "eu-west-1", serviceEKS, administrator, 404,
			"UnknownOperationException",
			`{"message":"There is no GET /clusters/kind-west/node-groups here: there are GET /clusters and GET ` +
				`/clusters/{name}."}`},
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
