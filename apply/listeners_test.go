package apply

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/failover"
)

// Where a redirect leads is known when it names a protocol; "#{protocol}" and "#{port}" are those of the request. r53:
// E.1.
func TestRulesOfRedirects(t *testing.T) {
	for _, c := range []struct {
		protocol, port, want string
	}{
		{"HTTPS", "443", "HTTPS:443"},
		{"HTTPS", "#{port}", "HTTPS:80"},
		{"HTTPS", "", "HTTPS:80"},
		{"#{protocol}", "#{port}", ""},
		{"#{protocol}", "8080", ""},
		{"", "", ""},
	} {
		config := &elbtypes.RedirectActionConfig{StatusCode: elbtypes.RedirectActionStatusCodeEnumHttp301}
		if c.protocol != "" {
			config.Protocol = aws.String(c.protocol)
		}
		if c.port != "" {
			config.Port = aws.String(c.port)
		}
		rule := &elbtypes.Rule{Actions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumRedirect, RedirectConfig: config}}}
		want := []failover.ListenerRule{{Port: 80, Status: 301, RedirectTo: c.want}}
		if diff := cmp.Diff(want, rulesOf(80, rule, nil)); diff != "" {
			t.Errorf("%s:%s (-want +got):\n%s", c.protocol, c.port, diff)
		}
	}
}
