//go:build kube

package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/route53"
	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
)

// Who claims what its class does not give it is told why, in words for people, and nothing is written. No admission policy is
// installed: what is judged here is the last line of defence.
func TestTenantsAreKeptApart(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{Nodes: 1})
	s := w.west
	for n := range 3 {
		s.apply(t, "tenant.yaml", "$TENANT", tenant(n))
	}
	s.apply(t, "tenancyclass.yaml")
	s.startIngresses(t, w)
	s.startReplica(t, w, "controller", "--resync=2s")
	s.apply(t, "owners.yaml")
	for _, name := range []string{"app1", "shared"} {
		kubectl(t, s.Region, "team-0", "wait", "--for=condition=Programmed", "--timeout=60s", "failoverpolicy", name)
	}
	before := w.dump(t)

	wildcard := policyYAML("team-2", "wildcard", "*.team-2.example.com")
	if err := s.Apply(t.Context(), wildcard); err == nil || !strings.Contains(err.Error(), "a wildcard is not accepted") {
		t.Errorf("a wildcard: error %v", err)
	}
	s.route53.took()
	s.apply(t, "intruders.yaml")
	var got string
	eventually(t, "every policy is judged", func(ctx context.Context) (err error) {
		got, err = s.judged(ctx)
		return err
	})
	golden(t, "tenancy.golden", got)
	for _, line := range strings.Split(got, "\n") {
		if strings.HasPrefix(line, "team-0/") != strings.Contains(line, "Accepted=True") && line != "" {
			t.Errorf("policies of team-0 are to be accepted, and no others: %s", line)
		}
	}

	// Passes that read the account have seen them too, beside what they have read before.
	seen := s.route53.called("ListHealthChecks")
	eventually(t, "two passes", func(context.Context) error {
		if n := s.route53.called("ListHealthChecks"); n < seen+2 {
			return fmt.Errorf("health checks were read %d times", n)
		}
		return nil
	})
	if writes := s.route53.took().writes(); len(writes) > 0 {
		t.Errorf("refused policies have led to writes: %s", writes)
	}
	if diff := gocmp.Diff(before, w.dump(t)); diff != "" {
		t.Errorf("what Route 53 has: was -, is +\n%s", diff)
	}
	happened(t, s, v1alpha1.EventRefused, "app1")

	// The owner goes, and who has waited is next. Others' records stay.
	kubectl(t, s.Region, "team-0", "delete", "failoverpolicy", "shared", "--timeout=60s")
	kubectl(t, s.Region, "team-1", "wait", "--for=condition=Programmed", "--timeout=60s", "failoverpolicy", "shared")
}

func policyYAML(namespace, name, hostname string) string {
	return fmt.Sprintf(`{apiVersion: bulkhead.dev/v1alpha1, kind: FailoverPolicy, metadata: {namespace: %s, name: %s},
		spec: {hostname: "%s", targetRef: {kind: Ingress, name: web}}}`, namespace, name, hostname)
}

// judged shows what every policy of the cluster is told, one a line.
func (s *site) judged(ctx context.Context) (string, error) {
	var list v1alpha1.FailoverPolicyList
	if err := s.client.List(ctx, &list); err != nil {
		return "", err
	}
	slices.SortFunc(list.Items, func(a, b v1alpha1.FailoverPolicy) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	stamp := regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
	var all strings.Builder
	for _, p := range list.Items {
		accepted := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionAccepted)
		if accepted == nil || accepted.Status == metav1.ConditionUnknown || accepted.ObservedGeneration != p.Generation {
			return "", fmt.Errorf("%s/%s is not: %v", p.Namespace, p.Name, accepted)
		}
		fmt.Fprintf(&all, "%s/%s %s: Accepted=%s %s: %s", p.Namespace, p.Name, p.Spec.Hostname, accepted.Status, accepted.Reason, stamp.ReplaceAllString(accepted.Message, "TIME"))
		if h := p.Status.HeldBy; h != nil {
			fmt.Fprintf(&all, " [held by %s/%s]", h.Namespace, h.Name)
		}
		all.WriteString("\n")
	}
	return all.String(), nil
}

// golden compares with a file of testdata; with UPDATE_GOLDEN=1 it writes the file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	file = filepath.Join("testdata", file)
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		must(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: want -, got +\n%s", file, diff)
	}
}

// dump returns everything that the engine's account has: health checks with their tags, and record sets.
func (w *world) dump(t *testing.T) string {
	t.Helper()
	var all []any
	checks := route53.NewListHealthChecksPaginator(w.account, &route53.ListHealthChecksInput{})
	for checks.HasMorePages() {
		page, err := checks.NextPage(t.Context())
		must(t, err)
		for _, c := range page.HealthChecks {
			tags, err := w.account.ListTagsForResource(t.Context(), &route53.ListTagsForResourceInput{
				ResourceId: c.Id, ResourceType: "healthcheck",
			})
			must(t, err)
			all = append(all, c, tags.ResourceTagSet)
		}
	}
	zones, err := w.account.ListHostedZones(t.Context(), &route53.ListHostedZonesInput{})
	must(t, err)
	for _, z := range zones.HostedZones {
		all = append(all, z)
		records := route53.NewListResourceRecordSetsPaginator(w.account, &route53.ListResourceRecordSetsInput{HostedZoneId: z.Id})
		for records.HasMorePages() {
			page, err := records.NextPage(t.Context())
			must(t, err)
			for _, r := range page.ResourceRecordSets {
				all = append(all, r)
			}
		}
	}
	text, err := json.MarshalIndent(all, "", " ")
	must(t, err)
	return string(text)
}
