package apply

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A server that has no TestDNSAnswer is said to have none, whatever it answers; what is about the request stays what it
// is.
func TestServerWithoutTestDNSAnswer(t *testing.T) {
	t.Parallel()
	const refusal = `<ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Error><Type>Sender</Type>` +
		`<Code>NoSuchHostedZone</Code>` +
		`<Message>No hosted zone found with ID: Z1</Message></Error><RequestId>r</RequestId></ErrorResponse>`
	const none = "this Route 53 API does not have TestDNSAnswer"
	for name, tt := range map[string]struct {
		status     int
		kind, body string
		want       string
	}{
		"a page of HTML": {404, "text/html", "<!doctype html><html><body>Not Found</body></html>",
			none + ": its answers cannot be confirmed; ask its name servers, with dig (status 404)"},
		"an empty page":          {404, "text/plain", "", none},
		"another method":         {405, "text/plain", "method not allowed", none},
		"JSON":                   {501, "application/json", `{"message":"not yet implemented"}`, none},
		"an error of XML":        {501, "text/xml", strings.Replace(refusal, "NoSuchHostedZone", "InternalFailure", 1), none},
		"a page that is a reply": {200, "text/html", "<!doctype html><html><body>Welcome</body>", none},
		"another document":       {200, "text/xml", "<Other/>", none},
		"a zone that is missing": {404, "text/xml", refusal, "No hosted zone found with ID: Z1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", tt.kind)
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			}))
			defer server.Close()
			a, err := New(Options{Provider: failover.Engine, Route53: route53.New(route53.Options{
				BaseEndpoint: &server.URL, Region: "us-east-1", HTTPClient: server.Client(),
				Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
			})})
			if err != nil {
				t.Fatal(err)
			}
			_, err = a.Test(t.Context(), "Z1", "www.example.com.", zone.A, netip.MustParseAddr("192.0.2.1"))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "XML") {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}
