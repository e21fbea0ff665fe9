package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/controller"
)

// standIn is how a command keeps the cluster's controllers from working beside it: it holds the Lease that they are
// elected by.
type standIn struct {
	namespace  string // of the Lease and the Deployment
	deployment string
	stop       bool // scale the Deployment to 0 first
}

// addStandIn adds the flags of commands that must work alone.
func addStandIn(cmd *cobra.Command) *standIn {
	s := &standIn{}
	f := cmd.Flags()
	f.StringVarP(&s.namespace, "namespace", "n", "bulkhead-system", "`namespace` of the controller, its Deployment and "+
		"its Lease")
	f.StringVar(&s.deployment, "deployment", "bulkhead-controller", "`name` of the controller's Deployment, for --stop")
	f.BoolVar(&s.stop, "stop", false, "scale the controller's Deployment to 0 first")
	return s
}

// How long a command waits for the Lease. A controller that was killed leaves a Lease that runs out after 15 s; one
// that is told to stop has 30 s to do so.
const (
	leaseWait = 20 * time.Second
	stopWait  = time.Minute
)

// hold takes the Lease and returns what gives it back. The context that it returns ends when the Lease is lost.
func (s *standIn) hold(ctx context.Context, config *rest.Config, c client.Client, out io.Writer) (context.Context,
	func(), error) {
	wait := leaseWait
	if s.stop {
		wait = stopWait
		if err := s.scaleDown(ctx, c, out); err != nil {
			return nil, nil, err
		}
	}
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, nil, err
	}
	e := &election{wait: wait, standIn: s, out: out, lock: resourcelock.LeaseLock{
		LeaseMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: controller.LeaseName},
		Client:    clients.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: fmt.Sprintf("bulkhead-controller command on %s, process %d",
			host, os.Getpid())},
	}}
	if err := e.look(ctx); err != nil && !apierrors.IsNotFound(err) {
		return nil, nil, fmt.Errorf("read the Lease %s/%s: %w", s.namespace, controller.LeaseName, err)
	} else if err != nil && !s.namespaced(ctx, clients) {
		fmt.Fprintf(out, "There is no namespace %s, so no controller of it can be running.\n", s.namespace)
		return ctx, func() {}, nil
	}
	return e.win(ctx)
}

// namespaced reports whether the namespace exists, as far as may be read.
func (s *standIn) namespaced(ctx context.Context, clients kubernetes.Interface) bool {
	_, err := clients.CoreV1().Namespaces().Get(ctx, s.namespace, metav1.GetOptions{})
	return !apierrors.IsNotFound(err)
}

// An election is a command's attempt to get the Lease.
type election struct {
	*standIn
	lock   resourcelock.LeaseLock
	wait   time.Duration
	out    io.Writer
	holder string      // who had the Lease when it was looked at last
	first  metav1.Time // when that holder renewed it, as it was first seen
	alive  bool        // and has renewed it since
}

// look reads who holds the Lease.
func (e *election) look(ctx context.Context) error {
	lock := e.lock // a copy: the elector has its own
	record, _, err := lock.Get(ctx)
	if err != nil {
		return err
	}
	if record.HolderIdentity != e.holder {
		e.holder, e.first = record.HolderIdentity, record.RenewTime
		if e.holder != "" && e.holder != lock.Identity() {
			fmt.Fprintf(e.out, "%s holds the Lease %s. Waiting up to %s.\n", e.holder, lock.Describe(), e.wait)
		}
	}
	e.alive = e.holder != "" && e.holder != lock.Identity() && !record.RenewTime.Equal(&e.first)
	return nil
}

// win waits for the Lease: for as long as a holder that has died blocks it or, with --stop, as one takes to end.
func (e *election) win(ctx context.Context) (context.Context, func(), error) {
	held, cancel := context.WithCancel(ctx)
	started := make(chan struct{})
	lock := e.lock
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &lock, LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: time.Second,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { close(started) },
			OnStoppedLeading: cancel,
		},
	})
	if err != nil {
		cancel()
		return nil, nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		elector.Run(held)
	}()
	stop := func() {
		cancel()
		<-ended
	}
	over := time.NewTimer(e.wait)
	defer over.Stop()
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		select {
		case <-started:
			return held, stop, nil
		case <-ctx.Done():
			stop()
			return nil, nil, context.Cause(ctx)
		case <-over.C:
			stop()
			return nil, nil, e.refusal(e.holder)
		case <-again.C:
			if e.look(ctx) == nil && e.alive && !e.stop {
				stop()
				return nil, nil, e.refusal(e.holder)
			}
		}
	}
}

// refusal says who is in the way and how to go on.
func (s *standIn) refusal(holder string) error {
	if holder == "" {
		return fmt.Errorf("the Lease %s/%s could not be taken: the role of this user must allow get, create and update of "+
			"Leases there",
			s.namespace, controller.LeaseName)
	}
	return fmt.Errorf("a controller is at work: %s holds the Lease %s/%s and would undo what this command does. "+
		"Stop it with 'kubectl -n %s scale deployment/%s --replicas=0', or use --stop, and run this again",
		holder, s.namespace, controller.LeaseName, s.namespace, s.deployment)
}

// scaleDown stops the controller as kubectl scale does. A Deployment that is gone needs no stopping.
func (s *standIn) scaleDown(ctx context.Context, c client.Client, out io.Writer) error {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: s.deployment}}
	err := c.SubResource("scale").Patch(ctx, d, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":0}}`)))
	switch {
	case apierrors.IsNotFound(err):
		fmt.Fprintf(out, "There is no Deployment %s/%s to stop.\n", s.namespace, s.deployment)
	case err != nil:
		return fmt.Errorf("scale the Deployment %s/%s to 0: %w", s.namespace, s.deployment, err)
	default:
		fmt.Fprintf(out, "The Deployment %s/%s is scaled to 0.\n", s.namespace, s.deployment)
	}
	return nil
}

// next says how the controller itself is removed.
func (s *standIn) next(out io.Writer) {
	group := v1alpha1.GroupVersion().Group
	fmt.Fprintf(out, "To go on: helm -n %s uninstall bulkhead; kubectl delete crd failoverpolicies.%s "+
		"failoverclasses.%[2]s\n", s.namespace, group)
}

// errLeaseLost ends a command whose Lease somebody else has got.
var errLeaseLost = errors.New("the Lease was lost to somebody else, so a controller may be at work: nothing more " +
	"was done, run this again")
