package demo

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/lab"
)

// The demo applies what examples/twoapps says; only timers and port are its own.
func TestThePoliciesAreThoseOfTheExample(t *testing.T) {
	balancers := []lab.LoadBalancerFacts{{Region: "eu-west-1", Port: 80}, {Region: "eu-central-1", Port: 80}}
	got := policies(lab.Applications(), balancers, 30, 3)
	for i, name := range []string{"app1.yaml", "app2.yaml"} {
		data, err := os.ReadFile(filepath.Join("..", "examples", "twoapps", name))
		if err != nil {
			t.Fatal(err)
		}
		objects, err := failover.Parse(name, data)
		if err != nil {
			t.Fatal(err)
		}
		want := *objects[0].Policy
		want.Spec.Objectives = failover.Objective{} // the timers of a demo are anybody's choice
		if diff := cmp.Diff(want, got[i]); diff != "" {
			t.Errorf("%s (-example +demo):\n%s", name, diff)
		}
	}
}
