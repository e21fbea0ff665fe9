//go:build kube

package kube

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
)

// A class, and then the definitions of policies and classes, are deleted in one cluster and made again: nobody is answered with nothing, and
// in the end everything is as it was.
func (c *city) definitionsComeAndGo(t *testing.T) {
	s := c.west
	var hosts []string
	var policies []*v1alpha1.FailoverPolicy
	for i := range 3 {
		p := c.policy("defined", fmt.Sprintf("app%d", i), fmt.Sprintf("app%d.defined.example.com", i))
		policies, hosts = append(policies, p), append(hosts, p.Spec.Hostname)
		c.establish(t, p)
	}
	kubectl(t, s.Region, "", "delete", "failoverclass", "default")
	stays(t, 8*time.Second, "records of a policy without its class", func(ctx context.Context) error {
		sets, err := c.sets(ctx, c.zone, hosts[0])
		if err == nil && len(sets) != 2 {
			err = fmt.Errorf("there are %d:\n%s", len(sets), told(sets))
		}
		return err
	})
	p, err := s.get(t.Context(), "defined", "app0")
	must(t, err)
	if said := describe(p); strings.Contains(said, "no record") {
		t.Errorf("while %s answers, the status says that there is no record: %s", s.Name, said)
	}
	s.apply(t, "cityclasses.yaml")
	c.programmed(t, 30*time.Second, "defined", "app0", s)

	kubectl(t, s.Region, "", "delete", "-f", "../../deploy/crds", "--wait=false")
	for _, definition := range []string{"failoverpolicies", "failoverclasses"} {
		kubectl(t, s.Region, "", "wait", "--for=delete", "--timeout=60s", "crd/"+definition+".bulkhead.dev")
	}
	stays(t, 15*time.Second, "records of policies without a definition", func(ctx context.Context) error { // longer than the grace of deleted policies
		sets, err := c.sets(ctx, c.zone, hosts[0])
		if err == nil && len(sets) != 2 {
			err = fmt.Errorf("there are %d:\n%s", len(sets), told(sets))
		}
		return err
	})
	must(t, s.InstallCRDs("../../deploy/crds"))
	s.apply(t, "cityclasses.yaml")
	for _, p := range policies {
		within(t, time.Minute, "the policy can be made again", func(ctx context.Context) error { return s.putPolicy(ctx, p) })
	}
	for _, p := range policies {
		c.programmed(t, time.Minute, p.Namespace, p.Name, s)
	}
	for _, host := range hosts {
		c.bothRegions(t, time.Minute, host)
	}
	c.neverEmpty(t, hosts...)
}
