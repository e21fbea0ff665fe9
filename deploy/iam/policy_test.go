package iam_test

import (
	"os"
	"strings"
	"testing"

	"github.com/bulkhead-dns/bulkhead/test/awslike"
)

// readPolicy reads a policy of this directory for a zone.
func readPolicy(t *testing.T, name, zoneID string) awslike.Policy {
	t.Helper()
	data, err := os.ReadFile(name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	p, err := awslike.ParsePolicy([]byte(strings.ReplaceAll(string(data), "Z0EXAMPLE", zoneID)))
	if err != nil {
		t.Fatalf("%s.json: %v", name, err)
	}
	return p
}

// The conditions of the policies are held to the cases that matter.
func TestConditionsRestrictWhatABatchMayDo(t *testing.T) {
	batch := func(action, recordType, name string) awslike.Access {
		return awslike.Access{Action: "route53:ChangeResourceRecordSets", Resource: "arn:aws:route53:::hostedzone/Z1",
			Names: []string{"app1.example.com", name}, Types: []string{"A", recordType}, Changes: []string{"DELETE", action}}
	}
	elsewhere := batch("DELETE", "A", "app2.example.com")
	elsewhere.Resource = "arn:aws:route53:::hostedzone/Z2"
	for _, c := range []struct {
		policy string
		access awslike.Access
		want   bool
	}{
		{"apply", batch("CREATE", "AAAA", "app2.example.com"), true},
		{"apply", batch("CREATE", "MX", "app2.example.com"), false},
		{"apply", batch("CREATE", "A", "example.com"), false},
		{"apply", batch("CREATE", "CNAME", "app2.example.com"), false},
		{"adopt", batch("DELETE", "CNAME", "app2.example.com"), true},
		{"adopt", batch("DELETE", "TXT", "app2.example.com"), false},
		{"destroy", batch("DELETE", "A", "app2.example.com"), true},
		{"destroy", batch("CREATE", "A", "app2.example.com"), false},
		{"destroy", elsewhere, false},
		{"plan", batch("CREATE", "A", "app2.example.com"), false},
	} {
		if got := readPolicy(t, c.policy, "Z1").Allows(c.access); got != c.want {
			t.Errorf("%s.json allows %+v: %v, want %v", c.policy, c.access, got, c.want)
		}
	}
}
