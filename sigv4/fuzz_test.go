package sigv4_test

import (
	"errors"
	"testing"

	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// Whatever the Authorization header holds, a request that was not signed with the key is refused with an *Error of a
// known code.
func FuzzAuthorization(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/route53/aws4_request, "+
		"SignedHeaders=host;x-amz-date, Signature=00", "a=b&c=%2", "/a%2Fb")
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/c/d/e,SignedHeaders=,Signature=", "&&=&%", "")
	f.Add("AWS4-HMAC-SHA256 =,=", "+", "//")
	f.Add("", "", "/")
	statuses := map[string]int{
		"MissingAuthenticationToken": 403, "IncompleteSignature": 400, "InvalidClientTokenId": 403,
		"SignatureDoesNotMatch": 403,
	}
	f.Fuzz(func(t *testing.T, authorization, query, path string) {
		r := &sigv4.Request{Method: "GET", Path: path, RawQuery: query, Host: "h", Header: map[string][]string{
			"Authorization": {authorization}, "X-Amz-Date": {"20150830T123600Z"},
		}}
		_, err := sigv4.Verify(r, lookup(exampleKey), exampleTime)
		var refusal *sigv4.Error
		if !errors.As(err, &refusal) {
			t.Fatalf("Verify = %v, want an *Error", err)
		}
		if status, ok := statuses[refusal.Code]; !ok || status != refusal.Status {
			t.Errorf("refused with %d %s", refusal.Status, refusal.Code)
		}
	})
}

// A request signed here verifies here, whatever its path, query and body hold.
func FuzzSignVerify(f *testing.F) {
	f.Add("/2013-04-01/hostedzone/Z1/rrset", "name=a.example.com.&type=A", "<a/>", "token")
	f.Add("", "a=%zz&=&b", "", "")
	f.Fuzz(func(t *testing.T, path, query, body, token string) {
		key := exampleKey
		key.SessionToken = token
		r := &sigv4.Request{Method: "PUT", Path: path, RawQuery: query, Host: "h", Body: []byte(body)}
		sigv4.Sign(r, key, "eu-west-1", "route53", exampleTime)
		if _, err := sigv4.Verify(r, lookup(key), exampleTime); err != nil {
			t.Error(err)
		}
	})
}
