package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/audit"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// auditFlags are those of bulkhead audit.
type auditFlags struct {
	account *account
	files   *[]string
	output  *format

	zones    []string
	allZones bool
	rto      time.Duration
	severity string
	failOn   string
	health   bool
	ownAll   bool
	input    string
	out      string
}

func newAudit() *cobra.Command {
	var a auditFlags
	cmd := &cobra.Command{
		Use:   "audit (--zone NAME ... | --all-zones | --input FILE)",
		Short: "Find what is wrong with the failover of hosted zones, without changing anything",
		Long: `Audit reads hosted zones, health checks and load balancers, and says what is wrong with failover: applications that share their
fate, groups without checks, checks that look at the wrong thing or never fail, timers that miss the promised RTO, checks that
nobody uses. Every finding names the hostnames concerned, why it matters, and the change that mends it.

It works on any Route 53 account, whoever made its records, and makes read calls only. All zones are read, because an application
of one zone may share a load balancer with one of another; findings are shown for the zones that are named. Load balancers are
described in the Regions that aliases name. Where that is not allowed, there are fewer findings, and a note says so.

FailoverPolicies (-f) say which RTO their hostnames have been promised; --rto is the promise for all others.

Exit code: 3 with findings of the severity of --fail-on or worse, 0 without, also when --severity hides them; 1 when the account
cannot be read; 2 for a wrong call.`,
		Example: `  bulkhead audit --zone bank.example
  bulkhead audit --all-zones --rto 3m --fail-on warning
  bulkhead audit --zone bank.example -f policies/ --health
  bulkhead audit --zone example.com --endpoint-url http://127.0.0.1:8053 -o json
  bulkhead audit --all-zones --out account.json && bulkhead audit --input account.json --severity critical`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.run(cmd) },
	}
	a.account, a.files, a.output = addAccount(cmd), addFiles(cmd), addOutput(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&a.zones, "zone", nil, "`name` or id of a hosted zone to judge; may be repeated")
	f.BoolVar(&a.allZones, "all-zones", false, "judge all zones of the account")
	f.DurationVar(&a.rto, "rto", 0, "`time` in which hostnames without a policy are to fail over, such as 3m")
	f.StringVar(&a.severity, "severity", string(audit.Info), "least `severity` to show: critical, warning or info")
	f.StringVar(&a.failOn, "fail-on", string(audit.Critical), "least `severity` that makes the exit code 3: critical, warning, info or never")
	f.BoolVar(&a.health, "health", false, "read what every checker says too: one call for each health check, which AWS allows once a second")
	f.BoolVar(&a.ownAll, "own-load-balancers", false, "all load balancers belong to this account: tell of aliases to others")
	f.StringVar(&a.input, "input", "", "`file` that --out has written, to judge instead of an account")
	f.StringVar(&a.out, "out", "", "`file` to keep what was read in")
	severities := []string{string(audit.Critical), string(audit.Warning), string(audit.Info)}
	cmd.RegisterFlagCompletionFunc("severity", cobra.FixedCompletions(severities, cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions(append(severities, never), cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("zone", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return a.zoneNames(cmd), cobra.ShellCompDirectiveNoFileComp
	})
	cmd.MarkFlagFilename("input", "json")
	return cmd
}

// never is the --fail-on that no finding is bad enough for.
const never = "never"

// zoneNames are the account's zones, for completions; none where it cannot be read.
func (a *auditFlags) zoneNames(cmd *cobra.Command) (names []string) {
	applier, _, err := a.account.open(cmd.Context(), nil, apply.Options{})
	if err != nil {
		return nil
	}
	zones, err := applier.Zones(cmd.Context())
	if err != nil {
		return nil
	}
	for _, z := range zones {
		names = append(names, plainName(z.Name))
	}
	return names
}

func (a *auditFlags) run(cmd *cobra.Command) error {
	if err := a.check(); err != nil {
		return err
	}
	policies, class, err := a.policies(cmd)
	if err != nil {
		return err
	}
	var s survey
	if a.input != "" {
		err = s.load(a.input)
	} else {
		err = a.read(cmd, class, &s)
	}
	if err != nil {
		return err
	}
	if len(policies) > 0 {
		s.input.Policies = policies
	}
	if a.rto > 0 {
		s.input.RTO = failover.Duration(a.rto)
	}
	chosen, err := choose(s.input.State.Zones, a.zones)
	if err != nil {
		return err
	}
	if a.out != "" {
		if err := s.keep(a.out); err != nil {
			return err
		}
	}
	findings := s.judge(chosen)
	doc := newAuditDocument(&s, findings, audit.Severity(a.severity))
	out := cmd.OutOrStdout()
	if err := a.output.write(out, doc, func() string { return doc.text(widthOf(out), wantsColor(out)) }); err != nil {
		return err
	}
	if a.failOn != never && audit.ExitStatus(findings, audit.Severity(a.failOn)) != 0 {
		return exitWith(exitFindings)
	}
	return nil
}

// check refuses flags that make no sense.
func (a *auditFlags) check() error {
	switch {
	case a.input == "" && len(a.zones) == 0 && !a.allZones:
		return usageError{errors.New("say which zones to judge: --zone NAME, or --all-zones")}
	case len(a.zones) > 0 && a.allZones:
		return usageError{errors.New("--zone and --all-zones: use one of them")}
	case a.input != "" && a.account.endpoint != "":
		return usageError{errors.New("--input and --endpoint-url: judge a file or an account")}
	case a.input != "" && (a.health || a.out != ""):
		return usageError{errors.New("--input reads no account: --health and --out are for one")}
	case a.rto < 0:
		return usageError{fmt.Errorf("--rto %s: use a time above 0, such as 3m", a.rto)}
	}
	for flag, value := range map[string]string{"severity": a.severity, "fail-on": a.failOn} {
		switch audit.Severity(value) {
		case audit.Critical, audit.Warning, audit.Info:
		default:
			if flag != "fail-on" {
				return usageError{fmt.Errorf("--severity %s: use critical, warning or info", value)}
			}
			if value != never {
				return usageError{fmt.Errorf("--fail-on %s: use critical, warning, info or never", value)}
			}
		}
	}
	return nil
}

// policies reads those of -f, completed by their classes, and the class that names the account.
func (a *auditFlags) policies(cmd *cobra.Command) ([]failover.Policy, *failover.Class, error) {
	if len(*a.files) == 0 {
		return nil, nil, nil
	}
	objects, err := readObjects(cmd.InOrStdin(), *a.files)
	if err != nil {
		return nil, nil, err
	}
	groups, err := apply.GroupByClass(objects)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", strings.Join(*a.files, ", "), err)
	}
	var policies []failover.Policy
	for _, g := range groups {
		for _, p := range g.Policies {
			policies = append(policies, failover.Default(p, g.Class))
		}
	}
	return policies, apply.Account(groups), nil
}

// choose returns the zones that are named by name or id, all of them where none is.
func choose(zones []zone.HostedZone, named []string) ([]zone.HostedZone, error) {
	if len(named) == 0 {
		return zones, nil
	}
	var chosen []zone.HostedZone
	for _, n := range named {
		found := false
		for _, z := range zones {
			if n == z.ID || strings.EqualFold(strings.TrimSuffix(n, "."), plainName(z.Name)) {
				chosen, found = append(chosen, z), true
			}
		}
		if !found {
			var names []string
			for _, z := range zones {
				names = append(names, plainName(z.Name))
			}
			if len(names) == 0 {
				return nil, fmt.Errorf("--zone %s: there is no hosted zone", n)
			}
			return nil, fmt.Errorf("--zone %s: there is no such hosted zone; there: %s", n, strings.Join(names, ", "))
		}
	}
	return chosen, nil
}

func plainName(n zone.Name) string { return strings.TrimSuffix(string(n), ".") }

// keep writes what was read to a file.
func (s *survey) keep(file string) error {
	data, err := json.MarshalIndent(s.input, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o600)
}
