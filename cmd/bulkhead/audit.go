package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

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
		Use:        "audit (--zone NAME ... | --all-zones | --input FILE)",
		SuggestFor: []string{"lint", "check", "validate"},
		Short:      "Find what is wrong with the failover of hosted zones; reads only",
		Long: `Find what is wrong with the failover of hosted zones: applications that share their fate, groups without checks, checks that probe
the wrong thing or never fail, timers that miss the promised RTO, checks that nobody uses. Each finding names the affected
hostnames, the reason, and the fix.

The command works on any Route 53 account, whoever made its records, and makes read calls only. It reads all zones, because
applications of several zones may share a load balancer, and shows findings for the zones that you name. It lists unused health
checks that probe something of these zones, and counts the others. It reads load balancers in the Regions that aliases name.
Without the right to do so there are fewer findings, and a note says so.

Policies (-f) say which RTO is promised for their hostnames. --rto is the promise for all other hostnames.

Exit codes: 0 no finding of the severity of --fail-on or worse; 1 the account cannot be read; 2 wrong call; 3 findings, also
if --severity hides them.`,
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
	f.StringArrayVar(&a.zones, "zone", nil, "`name` or id of a hosted zone to audit; may be repeated")
	f.BoolVar(&a.allZones, "all-zones", false, "audit all zones of the account")
	f.DurationVar(&a.rto, "rto", 0, "`time` in which hostnames without a policy must fail over, such as 3m")
	f.StringVar(&a.severity, "severity", string(audit.Info), "lowest `severity` to show: critical, warning or info")
	f.StringVar(&a.failOn, "fail-on", string(audit.Critical), "lowest `severity` with exit code 3: critical, warning, info or never")
	f.BoolVar(&a.health, "health", false, "also read what every checker says: one call for each health check, and AWS allows one a second")
	f.BoolVar(&a.ownAll, "own-load-balancers", false, "all load balancers belong to this account: report aliases to others")
	f.StringVar(&a.input, "input", "", "`file` that --out has written, to audit without an account")
	f.StringVar(&a.out, "out", "", "`file` to save what was read")
	severities := []string{string(audit.Critical), string(audit.Warning), string(audit.Info)}
	cmd.RegisterFlagCompletionFunc("severity", cobra.FixedCompletions(severities, cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions(append(severities, never), cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("zone", completeZones(a.account))
	cmd.MarkFlagFilename("input", "json")
	return cmd
}

// never is the --fail-on that no finding is bad enough for.
const never = "never"

func (a *auditFlags) run(cmd *cobra.Command) error {
	if err := a.check(); err != nil {
		return err
	}
	policies, class, err := readPolicies(cmd.InOrStdin(), *a.files)
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
	chosen, err := a.chosen(s.input.State.Zones)
	if err != nil {
		return err
	}
	if a.out != "" {
		if err := s.keep(a.out); err != nil {
			return err
		}
	}
	if len(a.zones) == 0 {
		chosen = nil
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

// chosen are the zones to judge, all of them where none is named.
func (a *auditFlags) chosen(zones []zone.HostedZone) ([]zone.HostedZone, error) {
	if len(a.zones) == 0 {
		return zones, nil
	}
	return zonesNamed(zones, a.zones)
}

// check refuses flags that make no sense.
func (a *auditFlags) check() error {
	switch {
	case a.input == "" && len(a.zones) == 0 && !a.allZones:
		return usageError{errors.New("no zone to audit: use --zone NAME, or --all-zones")}
	case len(a.zones) > 0 && a.allZones:
		return usageError{errors.New("--zone and --all-zones: use one of them")}
	case a.input != "" && a.account.endpoint != "":
		return usageError{errors.New("--input and --endpoint-url: use one of them, a file or an account")}
	case a.input != "" && (a.health || a.out != ""):
		return usageError{errors.New("--input does not go with --health or --out: it reads no account")}
	case a.rto < 0:
		return usageError{fmt.Errorf("--rto %s: use a time above 0, such as 3m", a.rto)}
	}
	if err := a.account.check(); err != nil {
		return err
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

// keep writes what was read to a file.
func (s *survey) keep(file string) error {
	data, err := json.MarshalIndent(s.input, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o600)
}
