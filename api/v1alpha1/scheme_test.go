package v1alpha1

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/bulkhead-dns/bulkhead/failover"
)

func TestSchemeKnowsEveryKind(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{failover.PolicyKind, failover.PolicyKind + "List", failover.ClassKind,
		"FailoverClassList"} {
		if !scheme.Recognizes(GroupVersion().WithKind(kind)) {
			t.Errorf("%s is not known", kind)
		}
	}
	if got := GroupVersion().String(); got != failover.APIVersion {
		t.Errorf("the group and version are %s, files say %s", got, failover.APIVersion)
	}
}

// A file of the command line and an object of a cluster are one text.
func TestFilesAndObjectsAreOneText(t *testing.T) {
	files, err := filepath.Glob("../../failover/testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := failover.Parse(file, data)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			text, err := json.Marshal(o.Policy)
			if err != nil {
				t.Fatal(err)
			}
			var p FailoverPolicy
			if err := json.Unmarshal(text, &p); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(*o.Policy, p.Policy()); diff != "" {
				t.Errorf("%s\nwant -, got +\n%s", file, diff)
			}
		}
	}
}

// Objects of a cache are shared: what is taken from one must not lead back to it.
func TestPolicyAndClassShareNothingWithTheObject(t *testing.T) {
	p := &FailoverPolicy{ObjectMeta: metav1.ObjectMeta{Name: "app", Labels: map[string]string{"a": "b"}}}
	p.Spec.Regions = []failover.Region{{Name: "eu-west-1", Addresses: []string{"192.0.2.1"}}}
	p.Spec.Routing.Weights = map[string]int64{"eu-west-1": 1}
	before := p.DeepCopy()
	taken := p.Policy()
	taken.Metadata.Labels["a"] = "c"
	taken.Spec.Regions[0].Addresses[0] = "192.0.2.2"
	taken.Spec.Routing.Weights["eu-west-1"] = 2
	if diff := cmp.Diff(before, p); diff != "" {
		t.Error(diff)
	}
	rule := failover.HostnameRule{Hostnames: []string{"a.example.com"}}
	c := &FailoverClass{Spec: failover.ClassSpec{Hostnames: []failover.HostnameRule{rule}}}
	class := c.Class()
	class.Spec.Hostnames[0].Hostnames[0] = "b.example.com"
	if got := c.Spec.Hostnames[0].Hostnames[0]; got != "a.example.com" {
		t.Error(got)
	}
}

// What the status says must pass the definition, or the API server drops the whole of it.
func TestStatusFitsTheSchema(t *testing.T) {
	now := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	yes := true
	p := FailoverPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: failover.APIVersion, Kind: failover.PolicyKind},
		ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: "team-a"},
		Spec: failover.PolicySpec{Hostname: "app.example.com",
			TargetRef: &failover.TargetRef{Kind: failover.IngressTarget, Name: "x"}},
		Status: FailoverPolicyStatus{
			ObservedGeneration: 3, ClassName: "gold", Hostname: "app.example.com", HostedZoneID: "Z1", Region: "eu-west-1",
			Target: "a-1.eu-west-1.elb.amazonaws.com",
			Health: Healthy, ServedHere: &yes, ServedFrom: "eu-west-1",
			Regions: []RegionStatus{{SetIdentifier: "eu-west-1", Target: "a", HealthCheckID: "1", Healthy: &yes,
				Reason: "16 of 16 checkers", ServedHere: true}, {SetIdentifier: "eu-central-1"}},
			Records: []RecordStatus{{Type: "A", Value: "a", HealthCheckID: "1"}},
			RTO:     &RTOStatus{Typical: failover.Duration(90 * time.Second), Worst: failover.Duration(172 * time.Second)},
			HeldBy:  &Holder{Namespace: "team-b", Name: "app", Since: &now}, HoldUntil: &now,
			LastFailover: &FailoverStatus{Time: now, From: "eu-west-1", To: "eu-central-1", Reason: "unhealthy"},
			Conditions: []metav1.Condition{{Type: ConditionAccepted, Status: metav1.ConditionFalse, Reason: ReasonHostnameHeld,
				Message:            "m",
				LastTransitionTime: now, ObservedGeneration: 3}},
		},
	}
	c := FailoverClass{
		TypeMeta:   metav1.TypeMeta{APIVersion: failover.APIVersion, Kind: failover.ClassKind},
		ObjectMeta: metav1.ObjectMeta{Name: "gold"},
		Status: FailoverClassStatus{ObservedGeneration: 1, Policies: 2, Zones: []ZoneStatus{{ID: "Z1", Name: "example.com."}},
			Conditions: []metav1.Condition{{Type: ConditionAccepted, Status: metav1.ConditionTrue, Reason: ReasonAccepted,
				LastTransitionTime: now}}},
	}
	for plural, o := range map[string]any{"failoverpolicies": &p, "failoverclasses": &c} {
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := serverOf(t, plural).refusals(t, object(t, string(text)), nil); got != nil {
			t.Errorf("%s\n%s", strings.Join(got, "\n"), text)
		}
	}
}
