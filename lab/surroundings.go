package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// A Refusal is a request for something that the lab does not have or cannot do.
type Refusal struct {
	Code    string // UnknownApplication, UnknownRegion or InvalidReplicas
	Message string
}

func (e *Refusal) Error() string { return e.Message }

// surroundings are the Regions of the lab without the engine: what an AWS account would hold.
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

// settled waits until every application has its pods registered and every pod was probed, or ctx ends. changed wakes it up.
func (s *surroundings) settled(ctx context.Context, changed <-chan struct{}) {
	for _, r := range s.regions {
		for _, d := range r.deployments {
			select {
			case <-d.serving:
			case <-ctx.Done():
			}
		}
		for !r.balancer.probed() {
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// close frees the ports of Regions that never ran.
func (s *surroundings) close() error {
	var faults []error
	for _, r := range s.regions {
		faults = append(faults, r.balancer.close())
	}
	return errors.Join(faults...)
}

// restore brings back what an earlier run saved. What it saved of an application or Region that is no more is passed over.
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
		return &Refusal{"InvalidReplicas", fmt.Sprintf("%d replicas: use 0 to %d", replicas, MaxReplicas)}
	}
	return s.change(application, region, func(d *deployment) error { return d.scale(ctx, replicas) })
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
	return errors.Join(do(d), saveState(s.statePath, s.state()))
}

func (s *surroundings) state() (all []deploymentState) {
	for _, r := range s.regions {
		for _, d := range r.deployments {
			all = append(all, deploymentState{d.Name, r.name, int(d.replicas.Load()), d.failing.Load()})
		}
	}
	return all
}

// find returns one application in one Region, or a *Refusal that says which there are.
func (s *surroundings) find(application, region string) (*deployment, error) {
	var names []string
	for _, r := range s.regions {
		names = append(names, r.name)
	}
	at := slices.Index(names, region)
	if at < 0 {
		return nil, &Refusal{"UnknownRegion", fmt.Sprintf("there is no Region %q: there are %s", region, strings.Join(names, ", "))}
	}
	names = nil
	for _, d := range s.regions[at].deployments {
		if d.Name == application {
			return d, nil
		}
		names = append(names, d.Name)
	}
	return nil, &Refusal{"UnknownApplication",
		fmt.Sprintf("there is no application %q: there are %s", application, strings.Join(names, ", "))}
}
