package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/bulkhead-dns/bulkhead/alb"
)

// ingresses are the Ingresses of a Region at work: their stand-in pods and what was answered for them.
type ingresses struct {
	mu      sync.Mutex
	pods    map[standIn]*pod
	started int // pods ever, to spread them over addresses and Availability Zones
	closed  bool
	all     []IngressStatus
}

// A standIn is a pod of a Service that the lab runs.
type standIn struct {
	balancer, group, pod, application, zone string
}

// status is what the Ingresses have got.
func (s *ingresses) status() []IngressStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

// stop ends all stand-ins, and lets none begin.
func (s *ingresses) stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	old := s.pods
	s.pods = nil
	return stopPods(ctx, old)
}

// stopPods ends pods that get no further requests.
func stopPods[K comparable](ctx context.Context, pods map[K]*pod) error {
	drained := make(chan struct{})
	close(drained)
	var g errgroup.Group
	for _, p := range pods {
		g.Go(func() error { return p.stop(ctx, drained) })
	}
	return g.Wait()
}

// setIngresses makes these the Ingresses of the Region, or refuses them all and changes nothing. It returns when the
// stand-ins serve and the rules are in force, and the pods that are too many are gone.
func (r *region) setIngresses(ctx context.Context, all []Ingress) ([]IngressStatus, error) {
	wanted, err := r.traffic(all)
	if err != nil {
		return nil, refuse("InvalidIngress", "%v", err)
	}
	s := &r.ingresses
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("the lab is ending")
	}
	pods, targets, err := r.standIns(ctx, wanted)
	if err != nil {
		return nil, err
	}
	for i, b := range r.balancers {
		err := b.Configure(wanted[i].config)
		for _, g := range wanted[i].groups {
			_, refused := b.SetTargets(g.name, targets[b.Name()+"/"+g.name])
			err = errors.Join(err, refused)
		}
		if err != nil {
			return nil, err
		}
	}
	old := s.pods
	s.pods = pods
	for key := range pods {
		delete(old, key)
	}
	s.all = r.answer(all)
	return s.all, stopPods(ctx, old)
}

// traffic is what each load balancer shall do, in their order: first the rules of Ingresses, then those of the
// definition.
func (r *region) traffic(all []Ingress) ([]traffic, error) {
	var faults []error
	of := map[string][]Ingress{}
	for _, g := range all {
		g.LoadBalancer = cmp.Or(g.LoadBalancer, r.balancers[0].Name())
		if !slices.Contains(r.balancerNames(), g.LoadBalancer) {
			faults = append(faults, fmt.Errorf("ingress %s/%s: there is no load balancer %q in %s: there are %s",
				g.Namespace, g.Name, g.LoadBalancer, r.name, strings.Join(r.balancerNames(), ", ")))
		}
		of[g.LoadBalancer] = append(of[g.LoadBalancer], g)
	}
	var wanted []traffic
	for _, b := range r.balancers {
		t, err := trafficOf(of[b.Name()])
		for i := range t.config.TargetGroups {
			t.config.TargetGroups[i].HealthCheck.Interval = r.interval
		}
		for _, rule := range b.own.Rules {
			rule.Priority = len(t.config.Rules) + 1
			t.config.Rules = append(t.config.Rules, rule)
		}
		t.config.TargetGroups = append(t.config.TargetGroups, b.own.TargetGroups...)
		if err == nil {
			err = t.config.Check()
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("load balancer %s: %w", b.Name(), err))
		}
		wanted = append(wanted, t)
	}
	return wanted, errors.Join(faults...)
}

// standIns starts the pods that are missing, and returns all that are wanted, with the targets of each "<load
// balancer>/<group>". When one cannot be started those before it end.
func (r *region) standIns(ctx context.Context, wanted []traffic) (
	pods map[standIn]*pod, targets map[string][]alb.Target, err error) {
	pods, targets = map[standIn]*pod{}, map[string][]alb.Target{}
	fresh := map[standIn]*pod{}
	for i, b := range r.balancers {
		for _, g := range wanted[i].groups {
			for n, e := range g.endpoints {
				zone := cmp.Or(e.AvailabilityZone, fmt.Sprintf("%s%c", r.name, 'a'+n%2))
				target := alb.Target{ID: e.Pod, Address: e.Address, AvailabilityZone: zone}
				if !e.Address.IsValid() {
					key := standIn{b.Name(), g.name, e.Pod, cmp.Or(g.service.Application, g.service.Service), zone}
					p := r.ingresses.pods[key]
					if p == nil {
						if p, err = r.startStandIn(key); err != nil {
							return nil, nil, errors.Join(err, stopPods(ctx, fresh))
						}
						fresh[key] = p
					}
					pods[key] = p
					target = p.target
				}
				at := b.Name() + "/" + g.name
				targets[at] = append(targets[at], target)
			}
		}
	}
	return pods, targets, nil
}

func (r *region) startStandIn(key standIn) (*pod, error) {
	info := podInfo{
		Application:      key.application,
		Pod:              key.pod,
		Region:           r.name,
		AvailabilityZone: key.zone,
		Hue:              hueOf(key.application),
	}
	host := 97 + r.ingresses.started%30 // beside the two Availability Zones of the lab's own pods
	r.ingresses.started++
	return startPod(info, podHealth{answer: HealthHonest, failing: new(atomic.Bool)}, r.host(host), r.logger)
}

// answer returns the load balancer of each Ingress.
func (r *region) answer(all []Ingress) []IngressStatus {
	answers := []IngressStatus{}
	for _, g := range all {
		for i, b := range r.balancers {
			if b.Name() != g.LoadBalancer && (g.LoadBalancer != "" || i > 0) {
				continue
			}
			answers = append(answers, IngressStatus{
				Namespace:    g.Namespace,
				Name:         g.Name,
				LoadBalancer: b.Name(),
				DNSName:      b.DNSName(),
				Address:      b.Address().Addr().String(),
				Port:         int(b.Address().Port()),
			})
		}
	}
	return answers
}
