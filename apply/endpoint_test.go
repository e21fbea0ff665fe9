package apply

import (
	"testing"
)

// Requests are signed for the Region that the partition of the endpoint wants. r53: C.1.
func TestRoute53Region(t *testing.T) {
	for _, c := range []struct{ endpoint, configured, want string }{
		{"", "", "us-east-1"},
		{"", "cn-north-1", "cn-north-1"},
		{"http://127.0.0.1:8053", "", "us-east-1"},
		{"http://127.0.0.1:8053", "eu-west-1", "eu-west-1"},
		{"https://route53.amazonaws.com", "eu-west-1", "us-east-1"},
		{"https://route53.global.api.aws", "", "us-east-1"},
		{"https://route53.amazonaws.com.cn", "cn-north-1", "cn-northwest-1"},
		{"https://route53.us-gov.amazonaws.com", "", "us-gov-west-1"},
		{"https://route53.amazonaws.eu", "", "eusc-de-east-1"},
	} {
		if got := Route53Region(c.endpoint, c.configured); got != c.want {
			t.Errorf("%q with %q: signed for %s, want %s", c.endpoint, c.configured, got, c.want)
		}
	}
}
