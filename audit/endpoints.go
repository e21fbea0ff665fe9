package audit

// balancers lists the load balancers that a member sends clients to.
func balancers(m *member) []*target {
	var list []*target
	m.Walk(func(inner *member) {
		if inner.Target != nil && inner.Target.Balancer {
			list = append(list, inner.Target)
		}
	})
	return list
}
