package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
)

func newRemove() *cobra.Command {
	f := &removeFlags{}
	cmd := &cobra.Command{
		Use:   "remove",
		Short: "Remove all health checks and records of this cluster, then free it",
		Long: `Remove all health checks and records that this cluster has at Route 53, then free the cluster as 'release'
does.

It removes what this cluster's controller created in this cluster's Region: the health checks that have the
cluster's identity, and the record sets that belong to them. Other Regions, other clusters and everything that
Bulkhead did not create stay as they are. From then on, clients of this Region get the other Regions of their
application.

It shows the plan and executes it after a yes. It refuses the plan, and does nothing, if a hostname would have
no answer because no other Region has it, or no healthy answer. --keep-last leaves such hostnames as they are
and removes the others. --force removes them too.

Run it with AWS credentials that have the rights of deploy/iam/destroy.json: it reads all public zones of the
account. The rollback directory keeps a plan that creates everything again, for 'bulkhead apply --plan'. To
complete an interrupted run, run it again.

No controller may work at the same time, because it would create everything again. See 'bulkhead-controller
release --help'. The FailoverClasses must exist: they say which account and Region the cluster has. For a lost
cluster use 'bulkhead destroy --cluster'.`,
		Example: `  bulkhead-controller remove --dry-run
  bulkhead-controller remove --stop
  bulkhead-controller remove --stop --yes --keep-last --kubeconfig ~/.kube/eu-west-1`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.cluster = addKubeconfig(cmd)
	f.standIn = addStandIn(cmd)
	s := cmd.Flags()
	s.StringVar(&f.endpoint, "endpoint-url", "", "`URL` of an engine's Route 53 API, instead of what classes say")
	s.StringVar(&f.region, "region", "", "`Region` of this cluster, as the controller is given it; without it, what "+
		"classes say")
	s.BoolVar(&f.dryRun, "dry-run", false, "show the plan and end; nothing is written")
	s.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	s.BoolVar(&f.keepLast, "keep-last", false, "leave hostnames as they are that would have no answer, or no healthy "+
		"one, without this Region")
	s.BoolVar(&f.force, "force", false, "remove those too")
	s.StringVar(&f.rollback, "rollback-dir", "bulkhead-rollback", "`directory` that receives plans which make again "+
		"what is removed; empty for none")
	return cmd
}

type removeFlags struct {
	cluster                      *cluster
	standIn                      *standIn
	endpoint, region, rollback   string
	dryRun, yes, keepLast, force bool
}

func (f *removeFlags) run(cmd *cobra.Command) error {
	switch {
	case f.keepLast && f.force:
		return usageError{errors.New("--keep-last and --force contradict each other: use one of them")}
	case !f.yes && !f.dryRun && !interactive(cmd.InOrStdin()):
		return usageError{errors.New("standard input is no terminal, so nobody can confirm: use --yes, or --dry-run to " +
			"look only")}
	}
	config, c, err := f.cluster.connect()
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	ctx, done := cmd.Context(), func() {}
	if !f.dryRun {
		if ctx, done, err = f.standIn.hold(ctx, config, c, out); err != nil {
			return err
		}
	}
	defer done()
	if err := f.remove(ctx, cmd, c); err != nil {
		return lostOr(ctx, cmd.Context(), err)
	}
	if f.dryRun {
		return nil
	}
	released, err := release(ctx, c, out)
	if err != nil {
		return lostOr(ctx, cmd.Context(), err)
	}
	fmt.Fprintf(out, "%s released.\n", counted(released, "policy is", "policies are"))
	f.standIn.next(out)
	return nil
}

// A place is an account and a Region of it in which the cluster may have something.
type place struct {
	class  failover.Class // the first of those that lead there
	region string
}

// remove removes what the cluster has, one account and Region after the other.
func (f *removeFlags) remove(ctx context.Context, cmd *cobra.Command, c client.Client) error {
	places, err := f.places(ctx, c)
	if err != nil {
		return err
	}
	var system corev1.Namespace
	if err := c.Get(ctx, client.ObjectKey{Name: metav1.NamespaceSystem}, &system); err != nil {
		return fmt.Errorf("read the namespace %s, whose UID is the cluster's identity: %w", metav1.NamespaceSystem, err)
	}
	held, err := heldPolicies(ctx, c)
	if err != nil {
		return err
	}
	names := make([]string, len(held))
	for i := range held {
		names[i] = nameOf(&held[i])
	}
	for _, p := range places {
		r := apply.Removal{Cluster: string(system.UID), Policies: names,
			Guard: plan.Guard{Regions: []string{p.region}, Force: f.force, Many: true}}
		if err := f.removeAt(ctx, cmd, p, r); err != nil {
			return err
		}
	}
	return nil
}

// places are those of all classes of the cluster, each once.
func (f *removeFlags) places(ctx context.Context, c client.Client) (places []place, err error) {
	var classes v1alpha1.FailoverClassList
	if err := c.List(ctx, &classes); err != nil {
		return nil, fmt.Errorf("list the FailoverClasses: %w", err)
	}
	seen := make(map[[3]string]bool)
	for i := range classes.Items {
		class := classes.Items[i].Class()
		region := cmp.Or(f.region, class.Spec.Region)
		at := [3]string{string(class.Spec.Provider), cmp.Or(f.endpoint, class.Spec.Endpoint), region}
		if !seen[at] {
			seen[at] = true
			places = append(places, place{class, region})
		}
	}
	if len(places) == 0 {
		return nil, errors.New("there is no FailoverClass, so nothing tells which account and Region is the cluster's: " +
			"make the class again, " +
			"or remove what is there with 'bulkhead destroy --cluster'")
	}
	return places, nil
}

// removeAt shows the plan for one place, asks, and executes it.
func (f *removeFlags) removeAt(ctx context.Context, cmd *cobra.Command, at place, r apply.Removal) error {
	out := cmd.OutOrStdout()
	open, err := accounts(f.endpoint, apply.Options{Force: f.force, RollbackDir: f.rollback,
		Progress: func(p apply.Progress) {
			fmt.Fprintf(out, "[%d/%d] %s: %s\n", p.Step, p.Steps, p.Object, p.Text)
		}})
	if err != nil {
		return err
	}
	applier, _, err := open(ctx, at.class)
	if err != nil {
		return err
	}
	prepared, err := f.prepare(ctx, applier, &r)
	if unknown := (*apply.UnknownCluster)(nil); errors.As(err, &unknown) {
		fmt.Fprintf(out, "This cluster has nothing in %s.\n", at.region)
		return nil
	}
	refused := (*plan.Refused)(nil)
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	fmt.Fprint(out, prepared.Plan.Text(false))
	for _, n := range prepared.Notes {
		fmt.Fprintf(out, "  - %s\n", n)
	}
	if len(r.Keep) > 0 {
		fmt.Fprintf(out, "Left as they are, because this Region is the last that answers, or the last healthy one: %s\n",
			strings.Join(r.Keep, ", "))
	}
	switch {
	case refused != nil:
		return fmt.Errorf("nothing was removed: some hostnames would be left without an answer, or without a healthy one; " +
			"--keep-last leaves those as they are and removes the others, --force removes them too")
	case prepared.Plan.Empty() || f.dryRun:
		return nil
	}
	if !f.yes {
		if err := confirm(cmd, fmt.Sprintf("Remove this from %s?", at.region)); err != nil {
			return err
		}
	}
	result, err := applier.Apply(ctx, prepared.Plan)
	if err != nil {
		return fmt.Errorf("%d of %d steps are done; run this again to complete them: %w", result.Steps,
			len(prepared.Plan.Steps), err)
	}
	undo, err := applier.WriteUndo(prepared.Plan, result)
	if undo != "" {
		fmt.Fprintf(out, "To make it again: bulkhead apply --plan %s\n", undo)
	}
	return err
}

// prepare plans, with --keep-last as often as it takes until nothing that is refused is left.
func (f *removeFlags) prepare(ctx context.Context, applier *apply.Applier, r *apply.Removal) (apply.Prepared, error) {
	for {
		prepared, err := applier.PrepareRemoval(ctx, *r)
		refused := (*plan.Refused)(nil)
		if !f.keepLast || !errors.As(err, &refused) {
			return prepared, err
		}
		before := len(r.Keep)
		for _, finding := range refused.Findings {
			if finding.Policy != "" && !slices.Contains(r.Keep, finding.Policy) {
				r.Keep = append(r.Keep, finding.Policy)
			}
		}
		if len(r.Keep) == before {
			return prepared, err
		}
	}
}

// confirm asks a question. Only the word yes confirms.
func confirm(cmd *cobra.Command, question string) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "%s Only 'yes' is taken for yes: ", question)
	answer, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("not confirmed, nothing was removed")
	}
	return nil
}

func interactive(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
