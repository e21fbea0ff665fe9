package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// planFlags are what the commands that make a plan have in common.
type planFlags struct {
	files   *[]string
	account *account
	output  *format
	force   bool
	many    bool // changes of more than 30 %
	regions []string
	release []string // policies whose held health checks are released
	// detailed asks to be told by the exit code whether there are changes.
	detailed bool
}

func addPlanFlags(cmd *cobra.Command) *planFlags {
	p := &planFlags{files: addFiles(cmd), account: addAccount(cmd), output: addOutput(cmd)}
	cmd.Flags().BoolVar(&p.force, "force", false, "continue although more than 30 % of what Bulkhead owns changes, the last healthy member goes, or checks "+
		"are unhealthy everywhere")
	cmd.Flags().BoolVar(&p.many, "allow-many", false, "continue although more than 30 % of what Bulkhead owns changes; unhealthy checks still refuse")
	cmd.Flags().StringArrayVar(&p.regions, "region", nil, "change only what belongs to this `Region`; may be repeated")
	cmd.RegisterFlagCompletionFunc("region", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		var regions []string
		for _, policy := range p.policies() {
			for _, r := range policy.Spec.Regions {
				regions = append(regions, r.Name)
			}
		}
		slices.Sort(regions)
		return slices.Compact(regions), cobra.ShellCompDirectiveNoFileComp
	})
	return p
}

// addDetailedExitCode adds the flag that terraform has by this name.
func (p *planFlags) addDetailedExitCode(cmd *cobra.Command, usage string) {
	cmd.Flags().BoolVar(&p.detailed, "detailed-exitcode", false, usage)
}

// exit ends a command that has shown a plan and not executed it.
func (p *planFlags) exit(shown plan.Plan) error {
	if p.detailed && !shown.Empty() {
		return exitWith(exitFindings)
	}
	return nil
}

// check refuses a wrong call, before any file is read.
func (p *planFlags) check() error {
	if len(*p.files) == 0 {
		return usageError{errors.New("-f is missing: give the file or directory of the policies")}
	}
	return p.account.check()
}

// policies are those of the files, for completions: what cannot be read has none.
func (p *planFlags) policies() (policies []failover.Policy) {
	objects, err := readObjects(strings.NewReader(""), *p.files)
	if err != nil {
		return nil
	}
	for _, o := range objects {
		if o.Policy != nil {
			policies = append(policies, *o.Policy)
		}
	}
	return policies
}

func (p *planFlags) guard() plan.Guard {
	return plan.Guard{Regions: p.regions, Force: p.force, Many: p.many, Release: p.release}
}

// addRelease is for the commands that show and do what policies ask for.
func (p *planFlags) addRelease(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&p.release, "release-holds", nil, "release the health checks of the policy `NAMESPACE/NAME` that an operator has disabled "+
		"or inverted by hand; may be repeated")
	cmd.RegisterFlagCompletionFunc("release-holds", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return keysOf(p.policies()), cobra.ShellCompDirectiveNoFileComp
	})
}

// read reads the files, and refuses a Region that none of their policies has: a slip of the pen would change nothing
// and look like success.
func (p *planFlags) read(stdin io.Reader) ([]failover.Object, []apply.Group, error) {
	objects, err := readObjects(stdin, *p.files)
	if err != nil {
		return nil, nil, err
	}
	groups, err := apply.GroupByClass(objects)
	if errors.Is(err, apply.ErrNoPolicies) {
		return nil, nil, fmt.Errorf("%s: %w", strings.Join(*p.files, ", "), err)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := p.checkReleases(groups); err != nil {
		return nil, nil, err
	}
	return objects, groups, p.checkRegions(groups)
}

func (p *planFlags) checkReleases(groups []apply.Group) error {
	var known []string
	for _, g := range groups {
		known = append(known, keysOf(g.Policies)...)
	}
	slices.Sort(known)
	for _, key := range p.release {
		if !slices.Contains(known, key) {
			return usageError{fmt.Errorf("--release-holds %s: the files have no such policy; they have: %s", key, strings.Join(known, ", "))}
		}
	}
	return nil
}

func (p *planFlags) checkRegions(groups []apply.Group) error {
	var known []string
	for _, g := range groups {
		for _, policy := range g.Policies {
			for _, r := range policy.Spec.Regions {
				known = append(known, r.Name)
			}
		}
	}
	slices.Sort(known)
	known = slices.Compact(known)
	for _, r := range p.regions {
		if !slices.Contains(known, r) {
			return usageError{fmt.Errorf("--region %s: no policy of the files has this Region; they have: %s", r, strings.Join(known, ", "))}
		}
	}
	return nil
}

// A planned is a plan that was made, and with whom.
type planned struct {
	apply.Prepared
	applier   *apply.Applier
	provider  failover.Provider
	notes     []plan.Finding     // beside those of the plan
	takeovers []explain.Takeover // what an adoption changes for clients
}

// prepare makes the plan for the policies of groups. A plan that is refused is returned with the error.
func (p *planFlags) prepare(cmd *cobra.Command, objects []failover.Object, groups []apply.Group, guard plan.Guard, o apply.Options) (*planned, error) {
	applier, provider, err := p.account.open(cmd.Context(), apply.Account(groups), o)
	if err != nil {
		return nil, err
	}
	defer sayReading(cmd.Context(), cmd.ErrOrStderr(), applier)()
	prepared, err := applier.Prepare(cmd.Context(), apply.Request{Groups: groups, Guard: guard})
	return &planned{Prepared: prepared, applier: applier, provider: provider, notes: prepared.Notes}, apply.Locate(objects, err)
}

// readingPause is how long nothing is said while the account is read.
const readingPause = 2 * time.Second

// sayReading tells how many calls were made, as long as the account is read. It ends when the function is called that
// it returns.
func sayReading(ctx context.Context, w io.Writer, a *apply.Applier) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	p := newProgress(w)
	go func() {
		defer close(ended)
		tick := time.NewTicker(readingPause)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				sum := 0
				for _, n := range a.Calls() {
					sum += n
				}
				p.say(fmt.Sprintf("reading the account: %d calls so far", sum))
			}
		}
	}()
	return func() { cancel(); <-ended; p.done() }
}

// advise adds to an error what a person can do about it. Of an error before anything was written, adviseEarly says
// more.
func advise(ctx context.Context, err error) error {
	var (
		refused *plan.Refused
		verdict *apply.VerdictError
		batch   *apply.BatchError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return fmt.Errorf("the plan is refused, nothing was written:%s%s", reasonList(refusals(refused)), wayOut(refused))
	case errors.As(err, &verdict):
		return fmt.Errorf("no record set was changed, because of health checks:%s\nCorrect the health check's port and path in the policy, or the "+
			"application. Behind a load balancer, a rule with a host condition does not answer probes: they carry the load balancer's own name, or "+
			"the hostHeader. Health checks that were created are kept, and removed when no policy asks for them; run the same command again to go "+
			"on. --force waives checks that are unhealthy", reasonList(verdict.Reasons))
	case errors.As(err, &batch):
		return fmt.Errorf("the changes of %s were refused as a whole, no record set was changed:%s", batch.Zone, reasonList(batch.Reasons))
	case ctx.Err() != nil:
		return errors.New("interrupted: what was done stays and is safe; run the same command again to complete it")
	}
	return plainly(err)
}

// adviseEarly is advise for what happens before the first call that writes.
func adviseEarly(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted, nothing was written")
	}
	return advise(ctx, err)
}

// refusedAsShown is the error of a plan whose refusals were shown, as a table or in a document.
func (p *planFlags) refusedAsShown(err error) error {
	refused := (*plan.Refused)(nil)
	if !errors.As(err, &refused) || *p.output != "table" {
		return advise(context.Background(), err) // what reads the document is a program; its log has the reasons
	}
	return fmt.Errorf("the plan is refused, nothing was written: see the lines with !%s", wayOut(refused))
}

// wayOut says what helps against refusals that the person may waive.
func wayOut(r *plan.Refused) string {
	var ways string
	mentions := func(word string) bool {
		return slices.ContainsFunc(r.Findings, func(f plan.Finding) bool { return strings.Contains(f.Text, word) })
	}
	if mentions("dopt ") {
		ways += "\nTo take over records that somebody else owns: bulkhead adopt, with the same flags"
	}
	if mentions("more than 30 %") {
		ways += "\nTo change this much, with verdicts still checked: --allow-many"
	}
	if mentions("force it") {
		ways += "\nTo see what would be done: --force with plan or --dry-run"
	}
	return ways
}

func refusals(r *plan.Refused) []string {
	reasons := make([]string, len(r.Findings))
	for i, f := range r.Findings {
		reasons[i] = f.String()
	}
	return reasons
}

// reasonList is what follows the colon of a sentence: one reason in its line, and several in lines of their own.
func reasonList(reasons []string) string {
	if len(reasons) == 1 {
		return " " + reasons[0]
	}
	return "\n  " + strings.Join(reasons, "\n  ")
}

// widthOf is the number of columns of a terminal; what COLUMNS says comes first. 0 is as wide as needed, for files and
// pipes.
func widthOf(w io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n >= minWidth {
		return n
	}
	if f, ok := w.(*os.File); ok && isTerminal(w) {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil {
			return max(n, minWidth)
		}
	}
	return 0
}

const minWidth = 40

// endpointFlag is how an account is named on a command line again.
func (a *account) endpointFlag(groups []apply.Group) string {
	endpoint, provider := a.endpoint, a.provider
	if class := apply.Account(groups); class != nil {
		endpoint = cmp.Or(endpoint, class.Spec.Endpoint)
		provider = cmp.Or(provider, string(class.Spec.Provider))
	}
	var flags string
	for _, f := range []struct{ name, value string }{{"endpoint-url", endpoint}, {"provider", provider}, {"profile", a.profile}} {
		if f.value != "" {
			flags += " --" + f.name + " " + quoted(f.value)
		}
	}
	return flags
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./:@%+=,", r)
	}) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
