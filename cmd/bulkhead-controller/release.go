package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
)

func newRelease() *cobra.Command {
	f := &releaseFlags{}
	cmd := &cobra.Command{
		Use:   "release",
		Short: "Free the cluster of Bulkhead and leave DNS as it is",
		Long: `Free the cluster of Bulkhead and leave DNS as it is.

It removes the finalizer bulkhead.dev/records from every FailoverPolicy. Then policies, namespaces and
CustomResourceDefinitions can be deleted, and those that hang in deletion go at once. Health checks and
records at Route 53 stay, and failover goes on. It does not call Route 53 and needs no AWS credentials.

Use it before you uninstall the controller, or afterwards when objects hang in deletion. 'helm uninstall' runs
it by itself unless the value uninstall.release is false.

No controller may work at the same time, because it would add the finalizers again. The command takes the
controllers' leader election Lease, and refuses to run while a controller holds it. --stop first scales the
controller's Deployment to 0. A controller that you start later takes over the policies with their health
checks and records.

To remove the health checks and records too, run 'bulkhead-controller remove' instead.`,
		Example: `  bulkhead-controller release --dry-run
  bulkhead-controller release --stop
  bulkhead-controller release --kubeconfig ~/.kube/eu-west-1 --namespace dns`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.cluster = addKubeconfig(cmd)
	f.standIn = addStandIn(cmd)
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "list the policies and end; nothing is written")
	return cmd
}

type releaseFlags struct {
	cluster *cluster
	standIn *standIn
	dryRun  bool
}

func (f *releaseFlags) run(cmd *cobra.Command) error {
	config, c, err := f.cluster.connect()
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	held, err := heldPolicies(cmd.Context(), c)
	if err != nil {
		return err
	}
	if f.dryRun {
		for i := range held {
			fmt.Fprintf(out, "would release %s\n", nameOf(&held[i]))
		}
		fmt.Fprintf(out, "%s would be released. Nothing was written.\n", counted(len(held), "policy", "policies"))
		return nil
	}
	ctx, done, err := f.standIn.hold(cmd.Context(), config, c, out)
	if err != nil {
		return err
	}
	defer done()
	released, err := release(ctx, c, out)
	if err != nil {
		return lostOr(ctx, cmd.Context(), err)
	}
	fmt.Fprintf(out, "%s released. Health checks and records at Route 53 are as they were.\n",
		counted(released, "policy is", "policies are"))
	f.standIn.next(out)
	return nil
}

// regain is how long a controller that works without the Lease takes to put a finalizer back.
const regain = 3 * time.Second

// release takes the finalizer off all policies, and returns how many it was taken off.
func release(ctx context.Context, c client.Client, out io.Writer) (released int, err error) {
	seen := make(map[string]bool)
	for {
		held, err := heldPolicies(ctx, c)
		if err != nil {
			return released, err
		}
		if len(held) == 0 {
			return released, nil
		}
		for i := range held {
			p := &held[i]
			if seen[string(p.UID)] {
				return released, fmt.Errorf("%s has got the finalizer %s back: a controller is at work that does not use "+
					"--leader-elect. "+
					"Stop it, and run this again", nameOf(p), v1alpha1.Finalizer)
			}
			seen[string(p.UID)] = true
			if err := releaseOne(ctx, c, p); err != nil {
				return released, err
			}
			released++
			fmt.Fprintf(out, "released %s\n", nameOf(p))
		}
		select {
		case <-time.After(regain):
		case <-ctx.Done():
			return released, context.Cause(ctx)
		}
	}
}

// releaseOne takes the finalizer off one policy. One that is gone meanwhile needs nothing.
func releaseOne(ctx context.Context, c client.Client, p *metav1.PartialObjectMetadata) error {
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		free := p.DeepCopy()
		controllerutil.RemoveFinalizer(free, v1alpha1.Finalizer)
		err := c.Patch(ctx, free, client.MergeFromWithOptions(p, client.MergeFromWithOptimisticLock{}))
		if apierrors.IsConflict(err) {
			if err := c.Get(ctx, client.ObjectKeyFromObject(p), p); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("take the finalizer off %s: %w", nameOf(p), err)
	}
	return nil
}

// heldPolicies are the policies with the finalizer. A cluster without their definition has none. Their metadata alone
// are read, so that it does not matter which version has written them.
func heldPolicies(ctx context.Context, c client.Client) ([]metav1.PartialObjectMetadata, error) {
	var held []metav1.PartialObjectMetadata
	for token := ""; ; {
		var page metav1.PartialObjectMetadataList
		page.SetGroupVersionKind(v1alpha1.GroupVersion().WithKind(failover.PolicyKind + "List"))
		err := c.List(ctx, &page, client.Limit(500), client.Continue(token))
		switch {
		case meta.IsNoMatchError(err) || apierrors.IsNotFound(err):
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("list the policies: %w", err)
		}
		for _, p := range page.Items {
			if controllerutil.ContainsFinalizer(&p, v1alpha1.Finalizer) {
				p.SetGroupVersionKind(v1alpha1.GroupVersion().WithKind(failover.PolicyKind)) // which an entry of a list lacks
				held = append(held, p)
			}
		}
		if token = page.Continue; token == "" {
			return held, nil
		}
	}
}

func nameOf(p *metav1.PartialObjectMetadata) string { return p.Namespace + "/" + p.Name }

// counted is a number with its noun.
func counted(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", more)
}

// lostOr is err, or says that the Lease was lost when that is why.
func lostOr(held, asked context.Context, err error) error {
	if held.Err() != nil && asked.Err() == nil {
		return errLeaseLost
	}
	return err
}
