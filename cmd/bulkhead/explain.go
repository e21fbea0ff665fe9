package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

func newExplain() *cobra.Command {
	e := &explainFlags{}
	cmd := &cobra.Command{
		Use:        "explain NAME",
		SuggestFor: []string{"why", "trace", "describe"},
		Short:      "Explain a name: who owns it, who gets which answer and why, and what happens if a Region fails",
		Long: `Explain any name of a Route 53 zone, whoever made its records: who owns it, its records and what checkers say, which answer each
client gets and why, and who would move where if a member failed, or all of them. Nothing is written.

Without --client, one client of each location that the records tell apart is shown. A PLACE is an AWS Region (a client near
eu-west-1), a country (DE), a state of the US (US-VA), a continent (EU, or "continent AF" if a country has the same code), or an
address. --geoip says where addresses are. Without it, only CIDR blocks do.

  →  answers    ×  unhealthy    ·  healthy, not chosen

"fail-open" means that no member is healthy, so all count as healthy: Route 53 always answers. "down" means that clients are sent
to a member that --if-down lets fail.

--confirm also asks the provider (TestDNSAnswer, a read call): once for each --client that is an address, sent as EDNS Client
Subnet, and once without an address for all other clients. An engine also tells its reasons. At AWS, answers that are addresses
are compared with what the load balancers' names resolve to on this machine.

Exit codes: 0 explained; 1 failed; 2 wrong call; 3 the provider's answer differs (--confirm).`,
		Example: `  bulkhead explain app1.example.com
  bulkhead explain app1.example.com --client eu-central-1 --client US-VA
  bulkhead explain app1.example.com --if-down eu-west-1 --if-down eu-central-1
  bulkhead explain www.example.com --type AAAA --client 192.0.2.1 --geoip GeoLite2-City.mmdb
  bulkhead explain app1.example.com --confirm --client 10.1.0.1 --endpoint-url http://127.0.0.1:8053
  bulkhead explain app1.example.com --endpoint-url http://127.0.0.1:8053 -o json | jq .answers`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("explain takes one name, got %d: bulkhead explain app1.example.com", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return e.run(cmd, args[0]) },
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return e.names(cmd), cobra.ShellCompDirectiveNoFileComp
		},
	}
	e.look = addLookFlags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&e.clients, "client", nil, "`PLACE` or address whose answer is explained; may be repeated")
	f.StringVar(&e.recordType, "type", "", "record `type`; without it A, else AAAA, CNAME, or another type that exists")
	f.StringArrayVar(&e.down, "if-down", nil, "`Region` or SetIdentifier that fails; repeat it for several that fail together")
	f.BoolVar(&e.confirm, "confirm", false, "also ask the provider for its answers, and say where they differ")
	f.StringVar(&e.geoIP, "geoip", "", "`file` of a GeoIP database (MaxMind's GeoLite2 or GeoIP2, Country or City, or ipinfo's .mmdb) that says where addresses are")
	cmd.MarkFlagFilename("geoip", "mmdb")
	cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions([]string{"A", "AAAA", "CNAME", "MX", "TXT", "SRV", "CAA", "NS", "SOA", "PTR", "HTTPS"},
		cobra.ShellCompDirectiveNoFileComp))
	for _, flag := range []string{"client", "if-down"} {
		cmd.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions)
	}
	return cmd
}

type explainFlags struct {
	look          *lookFlags
	clients, down []string
	recordType    string
	geoIP         string
	confirm       bool
}

func (e *explainFlags) run(cmd *cobra.Command, text string) error {
	q := explain.Question{Clients: e.clients, Down: e.down}
	var err error
	if q.Name, err = zone.ParseName(text); err != nil {
		return usageError{fmt.Errorf("%q is no domain name: %w", text, err)}
	}
	if e.recordType != "" {
		var ok bool
		if q.Type, ok = zone.ParseRRType(strings.ToUpper(e.recordType)); !ok {
			return usageError{fmt.Errorf("--type %s: use a type of Route 53 such as A, AAAA, CNAME or TXT", e.recordType)}
		}
	}
	var geoIP []byte
	if e.geoIP != "" {
		if geoIP, err = os.ReadFile(e.geoIP); err != nil {
			return err
		}
	}
	in, err := e.look.open(cmd.Context(), cmd.InOrStdin())
	if err != nil {
		return err
	}
	in.GeoIP = geoIP
	if err := e.look.read(cmd.Context(), cmd.ErrOrStderr(), in, nearest(q.Name)); err != nil {
		return err
	}
	explained, err := e.explain(cmd.Context(), cmd, in, q)
	if bad := new(geo.GeoIPError); errors.As(err, &bad) {
		return fmt.Errorf("--geoip %s: %w", e.geoIP, err)
	}
	if err != nil {
		return err
	}
	if e.confirm {
		if err := confirmAnswers(cmd.Context(), in.applier, q.Name, &explained); err != nil {
			return err
		}
	}
	out := cmd.OutOrStdout()
	if err := e.look.output.write(out, explained, func() string { return explained.Text(wantsColor(out), widthOf(out)) }); err != nil {
		return err
	}
	if !explained.Confirmed() {
		return exitWith(exitFindings)
	}
	return nil
}

// explain explains twice: first to learn which checks count, then with what these say.
func (e *explainFlags) explain(ctx context.Context, cmd *cobra.Command, in *look, q explain.Question) (explain.Explanation, error) {
	first, err := explain.Name(in.Input, q)
	if err != nil {
		return first, err
	}
	cited := map[string]bool{}
	for _, g := range first.Groups {
		for _, m := range g.Members {
			if m.Check != nil {
				cited[m.Check.ID] = true
			}
		}
	}
	if err := e.look.ask(ctx, cmd.ErrOrStderr(), in, func(c *plan.Check) bool { return cited[c.ID] }); err != nil {
		return first, err
	}
	return explain.Name(in.Input, q)
}

// nearest chooses the one zone that answers for a name, and all where none does, so that the error can name them. r53:
// A.2.
func nearest(name zone.Name) func([]zone.HostedZone) []zone.HostedZone {
	return func(zones []zone.HostedZone) []zone.HostedZone {
		var best []zone.HostedZone
		for _, z := range zones {
			if name.In(z.Name) && (best == nil || len(z.Name) > len(best[0].Name)) {
				best = []zone.HostedZone{z}
			}
		}
		if best == nil {
			return zones
		}
		return best
	}
}

// names are the names of the account's zones, for completions.
func (e *explainFlags) names(cmd *cobra.Command) (names []string) {
	in, err := e.look.open(cmd.Context(), strings.NewReader(""))
	if err != nil || e.look.read(cmd.Context(), cmd.ErrOrStderr(), in, nil) != nil {
		return nil
	}
	for i := range in.State.Records {
		names = append(names, strings.TrimSuffix(string(in.State.Records[i].Set.Name), "."))
	}
	return names
}
