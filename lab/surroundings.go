package lab

import (
	"context"
	"errors"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// surroundings are the Regions of the lab without the engine: what an AWS account holds.
type surroundings struct {
	regions   []*region
	statePath string

	mu sync.Mutex // one change at a time, state file included
}

// run runs every Region until ctx ends.
func (s *surroundings) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, r := range s.regions {
		g.Go(func() error { return r.run(ctx) })
	}
	return g.Wait()
}

// settled waits until every application has its pods registered and every pod was probed, or ctx ends. changed wakes it
// up.
func (s *surroundings) settled(ctx context.Context, changed <-chan struct{}) {
	for _, r := range s.regions {
		for _, d := range r.deployments {
			select {
			case <-d.serving:
			case <-ctx.Done():
			}
		}
		for _, b := range r.balancers {
			for !b.Probed() {
				select {
				case <-changed:
				case <-ctx.Done():
					return
				}
			}
		}
	}
}

// close frees the ports of Regions that never ran.
func (s *surroundings) close() error {
	var faults []error
	for _, r := range s.regions {
		faults = append(faults, r.close())
	}
	return errors.Join(faults...)
}

// restore reads what an earlier run saved. It ignores applications and Regions that the definition no longer has.
func (s *surroundings) restore() error {
	saved, err := loadState(s.statePath)
	if err != nil {
		return err
	}
	for _, one := range saved {
		if d, err := s.find(one.Application, one.Region); err == nil {
			d.replicas.Store(int32(min(max(one.Replicas, 0), MaxReplicas)))
			d.failing.Store(one.Failing)
		}
	}
	return nil
}

// scale sets the number of an application's pods in a Region. It returns when they run, or are gone.
func (s *surroundings) scale(ctx context.Context, application, region string, replicas int) error {
	if replicas < 0 || replicas > MaxReplicas {
		return refuse("InvalidReplicas", "%d replicas: use 0 to %d", replicas, MaxReplicas)
	}
	return s.change(application, region, func(d *deployment) error { return d.scale(ctx, replicas) })
}

// setIngresses makes these the Ingresses of a Region.
func (s *surroundings) setIngresses(ctx context.Context, region string, all []Ingress) ([]IngressStatus, error) {
	r, err := s.region(region)
	if err != nil {
		return nil, err
	}
	return r.setIngresses(ctx, all)
}

// setFailing makes every pod of an application in a Region answer 500, or ends that. The pods stay registered.
func (s *surroundings) setFailing(application, region string, failing bool) error {
	return s.change(application, region, func(d *deployment) error {
		d.failing.Store(failing)
		return nil
	})
}

// change does something to one deployment and saves the state of all.
func (s *surroundings) change(application, region string, do func(*deployment) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.find(application, region)
	if err != nil {
		return err
	}
	return errors.Join(do(d), replaceFile(s.statePath, s.changed()))
}

// changed returns the deployments that differ from the definition. Only these are saved, so that an edited definition
// takes effect for all others.
func (s *surroundings) changed() []deploymentState {
	all := []deploymentState{}
	for _, r := range s.regions {
		for _, d := range r.deployments {
			if now := d.state(); now != d.initial {
				all = append(all, now)
			}
		}
	}
	return all
}

func (d *deployment) state() deploymentState {
	return deploymentState{d.Name, d.region.name, int(d.replicas.Load()), d.failing.Load()}
}

func (s *surroundings) state() (all []deploymentState) {
	for _, r := range s.regions {
		for _, d := range r.deployments {
			all = append(all, d.state())
		}
	}
	return all
}

// region returns a Region by its name, or a *Refusal that says which there are.
func (s *surroundings) region(name string) (*region, error) {
	var names []string
	for _, r := range s.regions {
		if r.name == name {
			return r, nil
		}
		names = append(names, r.name)
	}
	return nil, refuse("UnknownRegion", "there is no Region %q: use %s", name, strings.Join(names, ", "))
}

// find returns one application in one Region, or a *Refusal that says which there are.
func (s *surroundings) find(application, region string) (*deployment, error) {
	r, err := s.region(region)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, d := range r.deployments {
		if d.Name == application {
			return d, nil
		}
		names = append(names, d.Name)
	}
	if len(names) == 0 {
		return nil, refuse("UnknownApplication", "there is no application %q: the lab runs none in %s", application, region)
	}
	return nil, refuse("UnknownApplication", "there is no application %q: use %s", application, strings.Join(names, ", "))
}
