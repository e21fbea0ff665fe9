//go:build kube

package kube

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"
)

// Tenants of two clusters, all at the same time: each case has namespaces of its own, and none may be another's.
func TestTenantsOfTwoClusters(t *testing.T) {
	t.Parallel()
	crds := gatewayCRDs(t)
	if sets := filepath.Join(filepath.Dir(crds[0]), "gateway.networking.k8s.io_listenersets.yaml"); !slices.Contains(crds, sets) {
		crds = append(crds, sets)
	}
	c := startCity(t, Options{CRDs: crds}, "cityclasses.yaml",
		"rename-a", "rename-b", "rename-c", "move-a", "move-b", "annotated-a", "annotated-b", "again", "replaced",
		"defined", "young", "gateways", "frontend", "blocked", "swap", "ttl", "reroute", "blue",
		"odd", "odd-neighbour", "slow", "slow-neighbour", "evil", "evil-neighbour", "launch", "rival", "retain", "unknown", "loose")
	for _, s := range c.sites() {
		c.startController(t, s)
	}
	all := c.successors()
	maps.Copy(all, c.groups())
	maps.Copy(all, c.neighbours())
	maps.Copy(all, c.placements())
	cases(t, all)
	t.Run("definitions come and go", c.definitionsComeAndGo)
}
