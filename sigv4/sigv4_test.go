package sigv4_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// The key pair, Region, service and time of AWS's published signing examples.
var (
	exampleKey = sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE",
		SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	exampleTime = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
)

func lookup(keys ...sigv4.Credentials) func(string) (sigv4.Credentials, bool) {
	return func(id string) (sigv4.Credentials, bool) {
		for _, k := range keys {
			if k.AccessKeyID == id {
				return k, true
			}
		}
		return sigv4.Credentials{}, false
	}
}

// AWS's published signature test suite: the request of the IAM guide and the vectors of the suite that concern us.
func TestVerifyPublishedExamples(t *testing.T) {
	const credential = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/"
	for _, tt := range []struct {
		name          string
		r             sigv4.Request
		authorization string
	}{
		{
			"iam guide ListUsers",
			sigv4.Request{Method: "GET", Path: "/", RawQuery: "Action=ListUsers&Version=2010-05-08", Host: "iam.amazonaws.com",
				Header: map[string][]string{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}},
			credential + "iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, " +
				"Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
		},
		{
			"get-vanilla",
			sigv4.Request{Method: "GET", Path: "/", Host: "example.amazonaws.com"},
			credential + "service/aws4_request, SignedHeaders=host;x-amz-date, " +
				"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		},
		{
			"get-vanilla-query-order-key-case",
			sigv4.Request{Method: "GET", Path: "/", RawQuery: "Param2=value2&Param1=value1", Host: "example.amazonaws.com"},
			credential + "service/aws4_request, SignedHeaders=host;x-amz-date, " +
				"Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
		},
		{
			"post-vanilla",
			sigv4.Request{Method: "POST", Path: "/", Host: "example.amazonaws.com"},
			credential + "service/aws4_request, SignedHeaders=host;x-amz-date, " +
				"Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
		},
		{
			"get-header-value-trim",
			sigv4.Request{Method: "GET", Path: "/", Host: "example.amazonaws.com",
				Header: map[string][]string{"My-Header1": {" value1"}, "My-Header2": {` "a   b   c"`}}},
			credential + "service/aws4_request, SignedHeaders=host;my-header1;my-header2;x-amz-date, " +
				"Signature=acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.r
			if r.Header == nil {
				r.Header = map[string][]string{}
			}
			r.Header["X-Amz-Date"] = []string{"20150830T123600Z"}
			r.Header["Authorization"] = []string{tt.authorization}
			scope, err := sigv4.Verify(&r, lookup(exampleKey), exampleTime)
			if err != nil {
				t.Fatal(err)
			}
			if scope.AccessKeyID != "AKIDEXAMPLE" || scope.Region != "us-east-1" ||
				!scope.Date.Equal(exampleTime.Truncate(24*time.Hour)) {
				t.Errorf("scope is %+v", scope)
			}
		})
	}
}

// signed returns a request that verifies at exampleTime.
func signed(c sigv4.Credentials) *sigv4.Request {
	r := &sigv4.Request{
		Method: "POST", Path: "/2013-04-01/hostedzone/Z1/rrset/", RawQuery: "b=2&a=1", Host: "localhost:8053",
		Header: map[string][]string{"Content-Type": {"application/xml"}}, Body: []byte("<a/>"),
	}
	sigv4.Sign(r, c, "eu-west-1", "route53", exampleTime)
	return r
}

func TestTamperedRequestsAreRefused(t *testing.T) {
	replace := func(r *sigv4.Request, old, new string) {
		r.Header["Authorization"][0] = strings.Replace(r.Header["Authorization"][0], old, new, 1)
	}
	for _, tt := range []struct {
		name    string
		tamper  func(r *sigv4.Request)
		code    string
		status  int
		message string // a part of it
	}{
		{"method", func(r *sigv4.Request) { r.Method = "GET" }, "SignatureDoesNotMatch", 403,
			"The request signature we calculated does not match"},
		{"path", func(r *sigv4.Request) { r.Path = "/2013-04-01/hostedzone/Z2/rrset/" }, "SignatureDoesNotMatch", 403,
			"'POST\n/2013-04-01/hostedzone/Z2/rrset/\na=1&b=2\n"},
		{"trailing slash", func(r *sigv4.Request) { r.Path = strings.TrimSuffix(r.Path, "/") }, "SignatureDoesNotMatch", 403,
			"calculated"},
		{"query value", func(r *sigv4.Request) { r.RawQuery = "b=3&a=1" }, "SignatureDoesNotMatch", 403, "calculated"},
		{"query added", func(r *sigv4.Request) { r.RawQuery += "&c" }, "SignatureDoesNotMatch", 403, "calculated"},
		{"host", func(r *sigv4.Request) { r.Host = "elsewhere:8053" }, "SignatureDoesNotMatch", 403, "calculated"},
		{"signed header", func(r *sigv4.Request) { r.Header["Content-Type"][0] = "text/plain" }, "SignatureDoesNotMatch", 403,
			"calculated"},
		{"signed header gone", func(r *sigv4.Request) { delete(r.Header, "Content-Type") }, "SignatureDoesNotMatch", 403,
			"calculated"},
		{"body", func(r *sigv4.Request) { r.Body[1] = 'b' }, "SignatureDoesNotMatch", 403, "calculated"},
		{"body added", func(r *sigv4.Request) { r.Body = append(r.Body, ' ') }, "SignatureDoesNotMatch", 403, "calculated"},
		{"time", func(r *sigv4.Request) { r.Header["X-Amz-Date"][0] = "20150830T123601Z" }, "SignatureDoesNotMatch", 403,
			"The String-to-Sign should have " +
				"been\n'AWS4-HMAC-SHA256\n20150830T123601Z\n20150830/eu-west-1/route53/aws4_request\n"},
		{"day", func(r *sigv4.Request) { replace(r, "/20150830/", "/20150831/") }, "SignatureDoesNotMatch", 403,
			"'20150831' != '20150830', from '20150830T123600Z'"},
		{"region", func(r *sigv4.Request) { replace(r, "eu-west-1", "us-east-1") }, "SignatureDoesNotMatch", 403,
			"calculated"},
		{"service", func(r *sigv4.Request) { replace(r, "route53", "sts") }, "SignatureDoesNotMatch", 403, "calculated"},
		{"terminator", func(r *sigv4.Request) { replace(r, "aws4_request", "aws5_request") }, "SignatureDoesNotMatch", 403,
			"valid terminator: 'aws4_request', not 'aws5_request'"},
		{"signature", func(r *sigv4.Request) { replace(r, "Signature=", "Signature=0") }, "SignatureDoesNotMatch", 403,
			"calculated"},
		{"host unsigned", func(r *sigv4.Request) { replace(r, ";host", "") }, "SignatureDoesNotMatch", 403,
			"'Host' must be a 'SignedHeader'"},
		{"another key", func(r *sigv4.Request) { replace(r, "AKIDEXAMPLE", "AKIDOTHER") }, "InvalidClientTokenId", 403,
			"security token included in the request is invalid"},
		{"key without secret", func(r *sigv4.Request) { replace(r, "AKIDEXAMPLE", "AKIDEMPTY") }, "InvalidClientTokenId", 403,
			"invalid"},
		{"unsigned payload", func(r *sigv4.Request) { r.Header["X-Amz-Content-Sha256"] = []string{"UNSIGNED-PAYLOAD"} },
			"SignatureDoesNotMatch", 403, "'UNSIGNED-PAYLOAD' does not match"},
		{"hash of another body", func(r *sigv4.Request) {
			r.Header["X-Amz-Content-Sha256"] = []string{strings.Repeat("0",
				64)}
		}, "SignatureDoesNotMatch", 403, "x-amz-content-sha256"},
		{"no authorization", func(r *sigv4.Request) { delete(r.Header, "Authorization") }, "MissingAuthenticationToken", 403,
			"Missing Authentication Token"},
		{"basic authorization", func(r *sigv4.Request) { r.Header["Authorization"][0] = "Basic Zm9v" }, "IncompleteSignature",
			400, "scheme 'Basic' is not supported"},
		{"no parameters", func(r *sigv4.Request) { r.Header["Authorization"][0] = "AWS4-HMAC-SHA256" }, "IncompleteSignature",
			400, "'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires " +
				"'SignedHeaders' parameter."},
		{"no equal-sign", func(r *sigv4.Request) { r.Header["Authorization"][0] = "AWS4-HMAC-SHA256 x" },
			"IncompleteSignature", 400, "'x' not a valid key=value pair"},
		{"parameter twice", func(r *sigv4.Request) { r.Header["Authorization"][0] += ", Signature=00" },
			"IncompleteSignature", 400, "more than one 'Signature'"},
		{"short credential", func(r *sigv4.Request) { replace(r, "/route53", "") }, "IncompleteSignature", 400,
			"exactly 5 slash-delimited elements"},
		{"no date", func(r *sigv4.Request) { delete(r.Header, "X-Amz-Date") }, "IncompleteSignature", 400,
			"'X-Amz-Date' or a 'Date' header"},
		{"odd date", func(r *sigv4.Request) { r.Header["X-Amz-Date"][0] = "yesterday" }, "IncompleteSignature", 400,
			"'X-Amz-Date' header is not a valid timestamp: 'yesterday'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := signed(exampleKey)
			if _, err := sigv4.Verify(r, lookup(exampleKey), exampleTime); err != nil {
				t.Fatalf("untouched: %v", err)
			}
			tt.tamper(r)
			_, err := sigv4.Verify(r, lookup(exampleKey, sigv4.Credentials{AccessKeyID: "AKIDEMPTY"}), exampleTime)
			var refusal *sigv4.Error
			if !errors.As(err, &refusal) {
				t.Fatalf("Verify = %v, want an *Error", err)
			}
			if refusal.Code != tt.code || refusal.Status != tt.status || !strings.Contains(refusal.Message, tt.message) {
				t.Errorf("Verify = %d %v, want %d %s: …%s…", refusal.Status, refusal, tt.status, tt.code, tt.message)
			}
		})
	}
}

func TestClockSkew(t *testing.T) {
	for _, tt := range []struct {
		name    string
		offset  time.Duration // of the verifier's clock
		message string        // "" is accepted
	}{
		{"same time", 0, ""},
		{"five minutes old", 5*time.Minute + 900*time.Millisecond, ""},
		{"five minutes ahead", -5 * time.Minute, ""},
		{"older", 5*time.Minute + time.Second,
			"Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)"},
		{"further ahead", -5*time.Minute - time.Second,
			"Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := sigv4.Verify(signed(exampleKey), lookup(exampleKey), exampleTime.Add(tt.offset))
			got := ""
			var refusal *sigv4.Error
			if errors.As(err, &refusal) {
				got = refusal.Message
			}
			if got != tt.message {
				t.Errorf("Verify: %q, want %q", got, tt.message)
			}
		})
	}
}

func TestSessionToken(t *testing.T) {
	temporary := exampleKey
	temporary.SessionToken = "a token"
	r := signed(temporary)
	if _, err := sigv4.Verify(r, lookup(temporary), exampleTime); err != nil {
		t.Fatalf("right token: %v", err)
	}
	r.Header["X-Amz-Security-Token"] = []string{"another"}
	var refusal *sigv4.Error
	if _, err := sigv4.Verify(r, lookup(temporary), exampleTime); !errors.As(err, &refusal) ||
		refusal.Code != "InvalidClientTokenId" {
		t.Errorf("wrong token: %v, want InvalidClientTokenId", err)
	}
	if _, err := sigv4.Verify(signed(exampleKey), lookup(temporary), exampleTime); !errors.As(err, &refusal) ||
		refusal.Code != "InvalidClientTokenId" {
		t.Errorf("no token: %v, want InvalidClientTokenId", err)
	}
}

// Credentials expire exactly at their time. A client without the secret cannot find out that they are expired.
func TestExpiry(t *testing.T) {
	for _, tt := range []struct {
		name    string
		expires time.Time
		secret  string
		code    string // "" is accepted
	}{
		{"never", time.Time{}, exampleKey.SecretAccessKey, ""},
		{"a second left", exampleTime.Add(time.Second), exampleKey.SecretAccessKey, ""},
		{"now", exampleTime, exampleKey.SecretAccessKey, "ExpiredToken"},
		{"long ago", exampleTime.Add(-time.Hour), exampleKey.SecretAccessKey, "ExpiredToken"},
		{"long ago, wrong secret", exampleTime.Add(-time.Hour), "another", "SignatureDoesNotMatch"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			known, used := exampleKey, exampleKey
			known.Expires, used.SecretAccessKey = tt.expires, tt.secret
			_, err := sigv4.Verify(signed(used), lookup(known), exampleTime)
			code := ""
			var refusal *sigv4.Error
			if errors.As(err, &refusal) {
				code = refusal.Code
				if refusal.Status != 403 {
					t.Errorf("status %d, want 403", refusal.Status)
				}
			}
			if code != tt.code {
				t.Errorf("Verify = %v, want code %q", err, tt.code)
			}
		})
	}
}

// However credentials are printed, their secrets are not.
func TestCredentialsDoNotPrintTheirSecrets(t *testing.T) {
	c := sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "hush", SessionToken: "hush"}
	holder := struct{ C sigv4.Credentials }{c}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for _, value := range []any{c, &c, holder, []sigv4.Credentials{c}} {
			if got := fmt.Sprintf(verb, value); strings.Contains(got, "hush") || !strings.Contains(got, "AKIDEXAMPLE") {
				t.Errorf("%s of %T is %s", verb, value, got)
			}
		}
	}
}

// A Date header is used if X-Amz-Date is absent.
func TestDateHeader(t *testing.T) {
	r := &sigv4.Request{Method: "GET", Path: "/", Host: "host.foo.com", Header: map[string][]string{
		"Date": {"Mon, 09 Sep 2011 23:36:00 GMT"},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20110909/us-east-1/host/aws4_request, " +
			"SignedHeaders=date;host, " +
			"Signature=b27ccfbfa7df52a200ff74193ca6e32d4b48b8856fab7ebf1c595d0670a7e470"},
	}}
	if _, err := sigv4.Verify(r, lookup(exampleKey), time.Date(2011, 9, 9, 23, 36, 0, 0, time.UTC)); err != nil {
		t.Error(err)
	}
}
