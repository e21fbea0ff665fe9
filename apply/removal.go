package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/whatif"
)

// A Removal is everything that a cluster has in one Region.
type Removal struct {
	Cluster string // its identity or name, as plan.TagCluster has them
	// Policies, "<namespace>/<policy>", are what the cluster is known to have by its own objects. Their checks are the
	// cluster's where they do not tell whose they are: older versions did not mark them.
	Policies []string
	Keep     []string   // policies that stay
	Guard    plan.Guard // Regions must name the one Region
}

// PrepareRemoval makes the plan that removes what a cluster has. It writes nothing. All public zones are read, as for
// PrepareDestroy. What another cluster looks after in this Region stays as it is, which the plan reports.
//
// Unlike a plan for policies that are named, this one is refused where a hostname would be left without an answer,
// unless it is forced: nobody has looked at each name. The findings of *plan.Refused have the policies. The error is
// *UnknownCluster when nothing is there.
func (a *Applier) PrepareRemoval(ctx context.Context, r Removal) (Prepared, error) {
	var p Prepared
	var err error
	if p.Facts, err = a.Facts(ctx, nil); err != nil {
		return p, err
	}
	if p.Current, err = a.Read(ctx, public(p.Facts.Zones)); err != nil {
		return p, err
	}
	policies, id := r.policies(p.Current)
	if len(policies) == 0 {
		return p, &UnknownCluster{r.Cluster, clusters(p.Current)}
	}
	r.Guard.Cluster = id
	policies = slices.DeleteFunc(policies, func(policy string) bool { return slices.Contains(r.Keep, policy) })
	if r.Guard.Limits == nil && a.o.Provider == failover.AWS {
		r.Guard.Limits = new(quota.Default())
	}
	p.Plan, err = a.judged(ctx, &p.Current, r.Guard, func(g plan.Guard) (plan.Plan, error) {
		p.Guard = g
		planned, err := plan.Destroy(p.Current, policies, g)
		if refused := (*plan.Refused)(nil); err != nil && !errors.As(err, &refused) {
			return planned, err
		}
		return whatif.Guard(p.Current, planned, g.Force, nil)
	})
	return p, err
}

// policies are those that the cluster has something of in the Region, sorted. id is the cluster's identity.
func (r Removal) policies(current plan.State) (list []string, id string) {
	id = r.Cluster
	for _, c := range current.Checks {
		if !c.Owned() || !slices.Contains(r.Guard.Regions, plan.RegionOf(c.Key)) {
			continue
		}
		policy := plan.PolicyOf(c.Key)
		switch cluster, name := plan.ClusterOf(c.Tags); {
		case cluster != "" && (cluster == r.Cluster || name == r.Cluster):
			id = cluster
			list = append(list, policy)
		case cluster == "" && slices.Contains(r.Policies, policy):
			list = append(list, policy)
		}
	}
	slices.Sort(list)
	return slices.Compact(list), id
}

// UnknownCluster says that nothing at Route 53 bears the identity of a cluster.
type UnknownCluster struct {
	Cluster string
	Known   []string // what there is: "<identity> (<Region>, <number> policies)"
}

// Error lists the clusters that there are.
func (e *UnknownCluster) Error() string {
	known := "no health check of this account names a cluster"
	if len(e.Known) > 0 {
		known = "there are " + strings.Join(e.Known, ", ")
	}
	return fmt.Sprintf("no health check here is of the cluster %q: %s", e.Cluster, known)
}

// clusters are those whose checks an account has, sorted.
func clusters(current plan.State) []string {
	policies := make(map[[2]string]map[string]bool)
	for _, c := range current.Checks {
		if cluster, name := plan.ClusterOf(c.Tags); c.Owned() && cluster != "" {
			at := [2]string{strings.TrimSpace(cluster + " " + name), plan.RegionOf(c.Key)}
			if policies[at] == nil {
				policies[at] = make(map[string]bool)
			}
			policies[at][plan.PolicyOf(c.Key)] = true
		}
	}
	var list []string
	for at, has := range policies {
		list = append(list, fmt.Sprintf("%s (%s, policies: %d)", at[0], at[1], len(has)))
	}
	slices.Sort(list)
	return list
}
