package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bulkhead-dns/bulkhead/alb"
)

// MaxReplicas bounds the pods of one application in one Region.
const MaxReplicas = 20

const defaultReplicas = 2

// A region is one Region at work: load balancers and the deployments behind them.
type region struct {
	name        string
	network     netip.Addr // 127.10.1.0: load balancers have .1 to .16, the Availability Zones .32 to .63 and .64 to .95
	balancers   []*balancer
	deployments []*deployment // in the order of the applications
	ingresses   ingresses
	interval    time.Duration // between target health checks; 0 means 15 s
	logger      *slog.Logger
}

// A balancer is a load balancer with what the definition has put on it; the rules of Ingresses come before that.
type balancer struct {
	*alb.LoadBalancer
	own alb.Config
}

// A deployment keeps the wanted number of an application's pods running in a Region.
type deployment struct {
	Application
	region   *region
	balancer *alb.LoadBalancer
	answer   HealthAnswer
	initial  deploymentState // as the definition has it

	failing  atomic.Bool  // every pod's, those to come included
	replicas atomic.Int32 // as asked for, 0..MaxReplicas

	serving chan struct{} // closed when the first pods are registered

	mu      sync.Mutex
	running bool // pods exist between start and stop
	pods    []*pod
	started int // pods ever, to spread them over Availability Zones and addresses
}

// regionOptions of newRegion.
type regionOptions struct {
	definition   RegionDefinition
	applications []ApplicationDefinition // those that are not in the Region are passed over
	hostedZoneID string                  // of the Region's load balancers
	port         int                     // of every load balancer; 0 means any free one
	interval     time.Duration           // between target health checks
	onHealth     func()
	logger       *slog.Logger
}

// newRegion opens the Region's load balancers, all on one port, and routes to its applications.
func newRegion(o regionOptions) (*region, error) {
	r := &region{name: o.definition.Name, network: o.definition.network().Addr(), interval: o.interval, logger: o.logger}
	address := o.definition.Address
	for _, lb := range o.definition.LoadBalancers {
		opened, err := alb.New(alb.Options{
			Name:         lb.Name,
			DNSName:      alb.DNSName(lb.Name, r.name),
			HostedZoneID: o.hostedZoneID,
			Address:      address,
			Port:         o.port,
			OnHealth:     o.onHealth,
			Logger:       o.logger,
		})
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
		b := &balancer{LoadBalancer: opened}
		r.balancers = append(r.balancers, b)
		if err := r.deploy(b, o.applications); err != nil {
			return nil, errors.Join(err, r.close())
		}
		o.port = int(opened.Address().Port())
		address = address.Next()
	}
	return r, nil
}

// deploy puts the applications that are behind a load balancer there.
func (r *region) deploy(b *balancer, applications []ApplicationDefinition) error {
	var here []ApplicationDefinition
	for _, a := range applications {
		placed, ok := a.in(r.name)
		if !ok || placed.LoadBalancer != b.Name() {
			continue
		}
		here = append(here, a)
		d := &deployment{
			Application: a.application(),
			region:      r,
			balancer:    b.LoadBalancer,
			answer:      placed.HealthAnswer,
			initial:     deploymentState{a.Name, r.name, *placed.Replicas, *placed.Failing},
			serving:     make(chan struct{}),
		}
		d.replicas.Store(int32(d.initial.Replicas))
		d.failing.Store(d.initial.Failing)
		r.deployments = append(r.deployments, d)
		b.own.TargetGroups = append(b.own.TargetGroups, alb.TargetGroup{
			Name:                a.Name,
			HealthCheck:         alb.HealthCheck{Path: a.HealthPath, Interval: r.interval},
			DeregistrationDelay: drainTime,
		})
	}
	b.own.Rules = rulesOf(here)
	return b.Configure(b.own)
}

// drainTime is the lab's deregistration delay: long enough to be seen.
const drainTime = 10 * time.Second

// close frees the ports of a Region that never ran.
func (r *region) close() error {
	var faults []error
	for _, b := range r.balancers {
		faults = append(faults, b.Close())
	}
	return errors.Join(faults...)
}

// balancerNames are the load balancers in the order of the definition.
func (r *region) balancerNames() []string {
	var names []string
	for _, b := range r.balancers {
		names = append(names, b.Name())
	}
	return names
}

// run starts the pods and serves until ctx ends.
func (r *region) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, b := range r.balancers {
		g.Go(func() error { return b.Run(ctx) })
	}
	g.Go(func() error {
		<-ctx.Done()
		return r.ingresses.stop(ctx)
	})
	for _, d := range r.deployments {
		g.Go(func() error {
			err := d.start(ctx)
			if err == nil {
				<-ctx.Done()
			}
			return errors.Join(err, d.stop(ctx))
		})
	}
	return g.Wait()
}

func (d *deployment) start(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running = true
	defer close(d.serving)
	return d.reconcile(ctx, int(d.replicas.Load()))
}

func (d *deployment) stop(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.reconcile(ctx, 0)
	d.running = false
	return err
}

// scale sets the wanted number of replicas. It returns when the pods that are too many are gone and the new ones are
// registered.
func (d *deployment) scale(ctx context.Context, replicas int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.replicas.Store(int32(replicas))
	if !d.running {
		return nil
	}
	return d.reconcile(ctx, replicas)
}

// reconcile starts or stops pods until want of them run. A new pod serves before it is registered; an old one is
// deregistered before it stops.
func (d *deployment) reconcile(ctx context.Context, want int) error {
	var faults []error
	for len(d.pods) < want {
		p, err := d.startPod()
		if err != nil {
			faults = append(faults, err)
			break
		}
		d.pods = append(d.pods, p)
	}
	surplus := d.pods[min(want, len(d.pods)):]
	d.pods = d.pods[:len(d.pods)-len(surplus)]
	targets := make([]alb.Target, 0, len(d.pods))
	for _, p := range d.pods {
		targets = append(targets, p.target)
	}
	drained, err := d.balancer.SetTargets(d.Name, targets)
	faults = append(faults, err)
	var stopping errgroup.Group
	for _, p := range surplus {
		stopping.Go(func() error { return p.stop(ctx, drained) })
	}
	return errors.Join(append(faults, stopping.Wait())...)
}

// startPod starts one more pod, in the Availability Zone whose turn it is.
func (d *deployment) startPod() (*pod, error) {
	zone := d.started % 2
	host := 32 + 32*zone + 1 + d.started/2%30
	d.started++
	info := podInfo{
		Application:      d.Name,
		Pod:              podName(d.Name, d.region.name),
		Region:           d.region.name,
		AvailabilityZone: fmt.Sprintf("%s%c", d.region.name, 'a'+zone),
		Hue:              d.Hue,
	}
	health := podHealth{path: d.HealthPath, answer: d.answer, failing: &d.failing}
	return startPod(info, health, d.region.host(host), d.region.logger)
}

// host is an address of the Region's network.
func (r *region) host(last int) netip.Addr {
	address := r.network.As4()
	address[3] = byte(last)
	return netip.AddrFrom4(address)
}
