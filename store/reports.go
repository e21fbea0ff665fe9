package store

import (
	"context"
	"fmt"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// PutReport publishes what one of this node's checkers says, under the node's lease. The local State has it at once,
// with or without etcd; other nodes hear of a transition as fast as etcd is, and of a mere observation (the same
// health) when there is time for it: within a second, or later when there are more than 250 a second. It never waits
// for etcd, and ctx is not used. A report on a check that State does not have is ErrNoSuchHealthCheck.
func (s *Store) PutReport(_ context.Context, r health.Report) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state.Load()
	if _, ok := st.checks.Get(r.Check); !ok {
		return &NoSuch{ErrNoSuchHealthCheck, r.Check}
	}
	e := st.edit(&s.pending, s.leased.holds)
	turned := e.addReport(&health.Vote{Report: r})
	s.publishOwn(e, turned)
	key := reportPrefix + reportID(r.Check, r.Checker)
	s.leased.set(key, &r, turned || !s.leased.holds(key))
	return nil
}

// PutTargetHealth publishes a load balancer's health under this node's lease. The local State has it at once, with or
// without etcd. It never waits for etcd, and ctx is not used.
func (s *Store) PutTargetHealth(_ context.Context, n zone.Name, healthy bool) error {
	key := string(balancerName(n)) + "/" + s.o.Node
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leased.set(targetHealthPrefix+key, healthy, true)
	if st := s.state.Load(); st.cluster != 0 { // the first State takes it from leased
		e := st.edit(&s.pending, s.leased.holds)
		e.setTargetHealth(key, targetEntry{healthy: healthy})
		s.publishOwn(e, true)
	}
	return nil
}

// publishOwn makes what this node itself has to say part of State, and has OnChange told if it matters; s.mu is held.
func (s *Store) publishOwn(e *edit, matters bool) {
	s.state.Store(e.done())
	if matters {
		token(s.changed)
	}
}

// PutLoadBalancer makes a load balancer known under its name, until it is deleted. The name is kept without
// "dualstack.".
func (s *Store) PutLoadBalancer(ctx context.Context, lb zone.LoadBalancer) error {
	lb.DNSName = balancerName(lb.DNSName)
	if lb.DNSName == "" || lb.HostedZoneID == "" {
		return fmt.Errorf("a load balancer needs a DNS name and a canonical hosted zone id: %+v", lb)
	}
	var t transaction
	t.put(loadBalancerPrefix+string(lb.DNSName), encode(lb))
	r, err := s.commit(ctx, &t)
	if err != nil {
		return fmt.Errorf("put load balancer %s: %w", lb.DNSName, err)
	}
	s.settle(ctx, r.Header.Revision)
	return nil
}

// DeleteLoadBalancer forgets a load balancer and its health; one that is not known is no error.
func (s *Store) DeleteLoadBalancer(ctx context.Context, n zone.Name) error {
	n = balancerName(n)
	s.withdrawTargetHealth(n)
	var t transaction
	t.guard(exists(loadBalancerPrefix + string(n)))
	t.delete(loadBalancerPrefix + string(n))
	t.deletePrefix(targetHealthPrefix + string(n) + "/")
	r, err := s.commit(ctx, &t)
	if err != nil {
		return fmt.Errorf("delete load balancer %s: %w", n, err)
	}
	if r.Succeeded {
		s.settle(ctx, r.Header.Revision)
	}
	return nil
}

func (s *Store) withdrawTargetHealth(n zone.Name) {
	key := string(n) + "/" + s.o.Node
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.leased.holds(targetHealthPrefix + key) {
		return
	}
	s.leased.remove(targetHealthPrefix + key)
	e := s.state.Load().edit(&s.pending, s.leased.holds)
	e.deleteTargetHealth(key)
	s.publishOwn(e, true)
}
