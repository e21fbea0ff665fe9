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
)

// MaxReplicas bounds the pods of one application in one Region.
const MaxReplicas = 20

const defaultReplicas = 2

// loadBalancerName is what the load balancer of each Region is called.
const loadBalancerName = "demoalb"

// A region is one Region at work: a load balancer and the deployments behind it.
type region struct {
	name        string
	network     netip.Addr // 127.10.1.0: the load balancer is .1, the Availability Zones have .32 to .63 and .64 to .95
	balancer    *LoadBalancer
	deployments []*deployment // in the order of the applications
	logger      *slog.Logger
}

// A deployment keeps the wanted number of an application's pods running in a Region.
type deployment struct {
	Application
	region *region

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
	name         string
	number       byte // of its network 127.10.<number>.0/24
	hostedZoneID string
	port         int // of the load balancer; 0 means any free one
	applications []Application
	interval     time.Duration // between target health checks
	onHealth     func()
	logger       *slog.Logger
}

// newRegion opens the Region's load balancer and routes to its applications; every application wants two replicas.
func newRegion(o regionOptions) (*region, error) {
	network := netip.AddrFrom4([4]byte{127, 10, o.number, 0})
	balancer, err := NewLoadBalancer(LoadBalancerOptions{
		DNSName:      DNSName(loadBalancerName, o.name),
		HostedZoneID: o.hostedZoneID,
		Address:      network.Next(),
		Port:         o.port,
		OnHealth:     o.onHealth,
		Logger:       o.logger,
	})
	if err != nil {
		return nil, err
	}
	r := &region{name: o.name, network: network, balancer: balancer, logger: o.logger}
	config := Config{Rules: ingressRules(o.applications)}
	for _, a := range o.applications {
		d := &deployment{Application: a, region: r, serving: make(chan struct{})}
		d.replicas.Store(defaultReplicas)
		r.deployments = append(r.deployments, d)
		config.TargetGroups = append(config.TargetGroups, TargetGroup{
			Name:                a.Name,
			HealthCheck:         HealthCheck{Path: a.HealthPath, Interval: o.interval},
			DeregistrationDelay: 10 * time.Second,
		})
	}
	if err := balancer.Configure(config); err != nil {
		return nil, errors.Join(err, balancer.close())
	}
	return r, nil
}

// run starts the pods and serves until ctx ends.
func (r *region) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.balancer.Run(ctx) })
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

// scale sets the wanted number of replicas. It returns when the pods that are too many are gone and the new ones are registered.
func (d *deployment) scale(ctx context.Context, replicas int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.replicas.Store(int32(replicas))
	if !d.running {
		return nil
	}
	return d.reconcile(ctx, replicas)
}

// reconcile brings the pods to a number: new ones serve before they are registered, old ones are deregistered before they stop.
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
	targets := make([]Target, 0, len(d.pods))
	for _, p := range d.pods {
		targets = append(targets, p.target)
	}
	drained, err := d.region.balancer.setTargets(d.Name, targets)
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
	address := d.region.network.As4()
	address[3] = byte(host)
	info := podInfo{
		Application:      d.Name,
		Pod:              podName(d.Name, d.region.name),
		Region:           d.region.name,
		AvailabilityZone: fmt.Sprintf("%s%c", d.region.name, 'a'+zone),
		Hue:              d.Hue,
	}
	return startPod(info, d.HealthPath, netip.AddrFrom4(address), &d.failing, d.region.logger)
}
