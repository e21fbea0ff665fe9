package r53server

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/google/go-cmp/cmp"
)

// Every operation of the AWS SDK's client is in the route table, and nothing else is.
func TestRoutesAreTheOperationsOfTheAPI(t *testing.T) {
	var want, got []string
	client := reflect.TypeFor[*route53.Client]()
	for i := range client.NumMethod() {
		if m := client.Method(i); m.Name != "Options" {
			want = append(want, m.Name)
		}
	}
	seen := map[string]string{}
	for _, r := range Operations() {
		got = append(got, r.Name)
		key := r.Method + " " + r.Path
		if other, twice := seen[key]; twice {
			t.Errorf("%s and %s are both %s", other, r.Name, key)
		}
		seen[key] = r.Name
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("operations (-SDK +table):\n%s", diff)
	}
}

func TestFindRoute(t *testing.T) {
	router := newRouter(routes())
	for _, tt := range []struct {
		name, method, path string
		operation          string // "" when there is none
		params             map[string]string
	}{
		{"go client", "POST", "/2013-04-01/hostedzone/Z1/rrset", "ChangeResourceRecordSets", map[string]string{"Id": "Z1"}},
		{"botocore: trailing slash, r53: C.1", "POST", "/2013-04-01/hostedzone/Z1/rrset/", "ChangeResourceRecordSets",
			map[string]string{"Id": "Z1"}},
		{"trailing slash on any path, r53: C.1", "GET", "/2013-04-01/healthcheckcount/", "GetHealthCheckCount",
			map[string]string{}},
		{"escaped prefix, r53: C.1", "GET", "/2013-04-01/hostedzone/%2Fhostedzone%2FZ1", "GetHostedZone",
			map[string]string{"Id": "Z1"}},
		{"escaped change prefix", "GET", "/2013-04-01/change/%2Fchange%2FC1", "GetChange", map[string]string{"Id": "C1"}},
		{"two levels", "GET", "/2013-04-01/healthcheck/x/status", "GetHealthCheckStatus", map[string]string{"Id": "x"}},
		{"literal last segment", "GET", "/2013-04-01/trafficpolicyinstances/hostedzone",
			"ListTrafficPolicyInstancesByHostedZone", map[string]string{}},
		{"two parameters", "GET", "/2013-04-01/tags/healthcheck/x", "ListTagsForResource",
			map[string]string{"ResourceType": "healthcheck", "ResourceId": "x"}},
		{"other method", "PUT", "/2013-04-01/hostedzone", "", nil},
		{"other version", "GET", "/2012-12-12/hostedzone", "", nil},
		{"no operation", "GET", "/2013-04-01/", "", nil},
		{"empty id", "GET", "/2013-04-01/hostedzone//rrset", "", nil},
		{"tags take ids as they are, r53: C.1", "GET", "/2013-04-01/tags/hostedzone/%2Fhostedzone%2FZ1",
			"ListTagsForResource", map[string]string{"ResourceType": "hostedzone", "ResourceId": "/hostedzone/Z1"}},
		{"bad escape", "GET", "/2013-04-01/hostedzone/%zz", "", nil},
		{"dot segments are not resolved", "GET", "/2013-04-01/x/../hostedzone", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, params, err := router.find(tt.method, tt.path)
			if r.operation != tt.operation {
				t.Fatalf("find = %q, %v, want %q", r.operation, err, tt.operation)
			}
			if diff := cmp.Diff(tt.params, params); diff != "" {
				t.Errorf("parameters (-want +got):\n%s", diff)
			}
			var got *apiError
			if tt.operation == "" && (!errors.As(err, &got) || got.code != "UnknownOperationException" || got.status != 404) {
				t.Errorf("find: %v, want UnknownOperationException", err)
			}
		})
	}
}
