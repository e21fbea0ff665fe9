package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

func newAdopt() *cobra.Command {
	cmd := &cobra.Command{
		Use:        "adopt -f FILE... [HOSTNAME...]",
		SuggestFor: []string{"import", "migrate"},
		Short:      "Take over records that were made by hand or by external-dns",
		Long: `Take over record sets that were made by hand or by other programs such as external-dns, for the hostnames of policies.

Health checks are created first, and their verdicts are awaited. Then one atomic batch for each zone replaces the old record
sets, so a name is never without an answer. Before the batch is sent, the plan that undoes it is written to the rollback
directory.

Without hostnames, the command takes over all hostnames of the policies that somebody else owns; the plan shows them as
"adopted". It leaves all other policies to bulkhead apply.

Before it asks, the command shows what clients notice while nothing fails: who gets other endpoints, which endpoints and types
disappear, and how long resolvers keep the old answers. -o json has every client location.

TXT records of external-dns are not changed. The command lists them, and says what to do about them.

Exit codes: 0 done, nothing to do, or only shown (--dry-run); 1 failed or refused; 2 wrong call. With --dry-run
--detailed-exitcode: 3 if there are changes.`,
		Example: `  bulkhead adopt -f app1.yaml --dry-run
  bulkhead adopt -f app1.yaml app1.example.com
  bulkhead adopt -f policies/ --yes`,
	}
	c := addChangeFlags(cmd)
	cmd.Args = func(_ *cobra.Command, args []string) error {
		for _, name := range args {
			if _, err := zone.ParseName(name); err != nil {
				return usageError{fmt.Errorf("%q is no hostname: %w", name, err)}
			}
		}
		return nil
	}
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, p := range c.policies() {
			names = append(names, p.Spec.Hostname)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	cmd.RunE = func(cmd *cobra.Command, hostnames []string) error {
		if err := cmp.Or(c.planFlags.check(), c.check()); err != nil {
			return err
		}
		objects, groups, err := c.read(cmd.InOrStdin())
		if err != nil {
			return err
		}
		chosen, names, err := chooseHostnames(groups, hostnames)
		if err != nil {
			return err
		}
		if err := c.mayAsk(cmd); err != nil {
			return err
		}
		guard := c.guard()
		guard.Adopt = names
		r, err := c.prepare(cmd, objects, chosen, guard, c.options(cmd))
		if refused := (*plan.Refused)(nil); len(hostnames) == 0 && (err == nil || errors.As(err, &refused)) {
			err = r.onlyAdopted()
		}
		if r != nil {
			r.notes = apply.Heritage(r.Current, names)
			if !r.adopts() && err == nil && len(hostnames) > 0 {
				r.notes = append(r.notes, plan.Finding{Text: "nobody else owns these names: bulkhead apply does the same"})
			}
			if err == nil {
				err = r.compareAdopted(cmd.Context())
			}
		}
		return c.execute(cmd, r, err, "Take these records over?", c.account.endpointFlag(groups))
	}
	return cmd
}

// chooseHostnames returns the policies of hostnames, or all when none is given, and their names.
func chooseHostnames(groups []apply.Group, hostnames []string) ([]apply.Group, []zone.Name, error) {
	wanted := make(map[zone.Name]bool)
	for _, h := range hostnames {
		name, err := zone.ParseName(h)
		if err != nil {
			return nil, nil, err
		}
		wanted[name] = true
	}
	var chosen []apply.Group
	var names []zone.Name
	for _, g := range groups {
		part := apply.Group{Class: g.Class}
		for _, p := range g.Policies {
			name, err := zone.ParseName(p.Spec.Hostname)
			if len(wanted) > 0 && (err != nil || !wanted[name]) {
				continue
			}
			part.Policies = append(part.Policies, p)
			if err == nil { // else the policy is refused later
				names = append(names, name)
			}
		}
		if len(part.Policies) > 0 {
			chosen = append(chosen, part)
		}
	}
	for name := range wanted {
		if !slices.Contains(names, name) {
			return nil, nil, fmt.Errorf("%s: no policy of the files has this hostname: write one first", strings.TrimSuffix(string(name), "."))
		}
	}
	return chosen, names, nil
}

// adopts reports whether the plan takes something over.
func (r *planned) adopts() bool { return len(adoptedBy(r.Plan)) > 0 }

// adoptedBy are the policies for which a plan takes something over.
func adoptedBy(p plan.Plan) map[string]bool {
	policies := make(map[string]bool)
	for _, s := range p.Steps {
		if s.Batch == nil {
			continue
		}
		for _, c := range s.Batch.Changes {
			if c.Adopted {
				policies[c.Policy] = true
			}
		}
	}
	return policies
}

// onlyAdopted makes the plan again for the policies that take something over, or are refused.
func (r *planned) onlyAdopted() error {
	keep := adoptedBy(r.Plan)
	for _, f := range r.Plan.Refusals {
		keep[f.Policy] = true
	}
	r.Policies = slices.DeleteFunc(r.Policies, func(p failover.Policy) bool { return !keep[p.Key()] })
	r.Warnings = slices.DeleteFunc(r.Warnings, func(w failover.Warning) bool { return !keep[w.Where] })
	r.Desired.Checks = slices.DeleteFunc(r.Desired.Checks, func(c plan.Check) bool { return !keep[plan.PolicyOf(c.Key)] })
	r.Desired.Records = slices.DeleteFunc(r.Desired.Records, func(rec plan.Record) bool { return !keep[plan.PolicyOf(rec.CheckKey)] })
	var err error
	r.Plan, err = apply.Diff(r.Current, r.Desired, r.Guard)
	return err
}
