package alb

import "testing"

// group returns a target group with targets in these states, in use unless every target is unused.
func group(name string, states ...TargetState) *targetGroup {
	g := &targetGroup{TargetGroup: TargetGroup{Name: name}, inUse: true}
	for i, s := range states {
		g.targets = append(g.targets, &target{Target: someTargets(i)[0], state: s})
		g.inUse = s != Unused
	}
	return g
}

func TestLoadBalancerHealthAsRoute53SeesIt(t *testing.T) {
	for _, c := range []struct {
		rule       string // r53: A.9
		groups     []*targetGroup
		want       bool
		wantReason string
	}{
		{`rule 1: "default 1" healthy target is enough`, []*targetGroup{group("app1", Healthy, Unhealthy, Unhealthy)}, true,
			"every target group with targets has a healthy one"},
		{`rule 1: no healthy target is a breach`, []*targetGroup{group("app1", Unhealthy, Unhealthy)}, false,
			"target group app1 has no healthy target of 2"},
		{`rule 1: an initial target is not yet a healthy one`, []*targetGroup{group("app1", Initial)}, false,
			"target group app1 has no healthy target of 1"},
		{`rule 2: "every TG that has registered targets"`, []*targetGroup{group("app1", Healthy), group("app2", Healthy)},
			true,
			"every target group with targets has a healthy one"},
		{`rule 2: "One all-unhealthy TG of a minor service takes the whole shared ALB out"`,
			[]*targetGroup{group("app1", Healthy), group("app2", Unhealthy)}, false,
			"target group app2 has no healthy target of 1"},
		{`rule 3: "an empty TG is ignored while another TG has targets"`,
			[]*targetGroup{group("app1"), group("app2", Healthy)}, true,
			"every target group with targets has a healthy one"},
		{`rule 3: "an LB whose TGs are all empty is unhealthy"`, []*targetGroup{group("app1"), group("app2")}, false,
			"no target group has a target"},
		{`rule 4: "only counts while it is referenced by a listener default action or rule"`,
			[]*targetGroup{group("app1", Healthy), group("old", Unused)}, true,
			"every target group with targets has a healthy one"},
		{`rule 5: fixed responses only, "treat as healthy"`, nil, true, "no target group is in use"},
		{`rules 4 and 5: nothing but an unused group`, []*targetGroup{group("old", Unused)}, true,
			"no target group is in use"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, reason := healthAsRoute53Sees(c.groups)
			if got != c.want || reason != c.wantReason {
				t.Errorf("healthy %v because %q, want %v because %q", got, reason, c.want, c.wantReason)
			}
		})
	}
}
