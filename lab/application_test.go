package lab

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/alb"
)

// No health path of one application takes the users of another: rules that name a host come first.
func TestRulesWithAHostComeFirst(t *testing.T) {
	forward := func(application string) alb.Action { return alb.Action{TargetGroup: application} }
	want := []alb.Rule{
		{Priority: 1, Hosts: []string{"app1.example.com"}, Action: forward("app1")},
		{Priority: 2, Hosts: []string{"app2.example.com"}, Action: forward("app2")},
		{Priority: 3, Paths: []string{"/app1health"}, Action: forward("app1")},
		{Priority: 4, Paths: []string{"/app2health"}, Action: forward("app2")},
	}
	if diff := cmp.Diff(want, rulesOf(DefaultDefinition().Applications)); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}
