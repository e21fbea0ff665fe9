//go:build kube

package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// What is promised in a chaos, beside the bounds that the good tenants measure themselves.
const (
	maxMemory = 256 // MiB of a controller: what the chart's limit gives it
)

// bounded waits for what controllers of clusters owe a tenant within a time, without outages. It notes when that is broken, and waits on for
// a while. It reports whether what was waited for has come.
func (c *chaos) bounded(ctx context.Context, what string, bound time.Duration, check func(context.Context) error, sites ...*site) bool {
	began, noted := time.Now(), false
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check(ctx)
		waited := c.outages.waited(began, sites...)
		if err == nil {
			c.mu.Lock()
			kind, _, _ := strings.Cut(what, " of ")
			c.slowest[kind] = max(c.slowest[kind], waited.Round(10*time.Millisecond))
			c.mu.Unlock()
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if waited > bound && !noted {
			noted = true
			_, concerned, _ := strings.Cut(what, " of ")
			concerned, _, _ = strings.Cut(concerned, "/")
			c.violated(concerned, "%s: not within %s: %v", what, bound, err)
		}
		if waited > bound+time.Minute {
			return false
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

// watchAnswers notes names that were answered with nothing.
func (c *chaos) watchAnswers(ctx context.Context) {
	noted := 0
	every(ctx, 200*time.Millisecond, func() {
		c.watcher.mu.Lock()
		lost := slices.Clone(c.watcher.lost)
		failed := c.watcher.failed
		c.watcher.failed = nil
		c.watcher.mu.Unlock()
		for _, line := range lost[noted:] {
			tenant := strings.Split(line, ".")[1]
			c.violated(strings.Replace(tenant, "moving", "mover", 1), "answered with nothing: %s", line)
		}
		noted = len(lost)
		if failed != nil {
			c.violated("controllers", "DNS has not answered: %v", failed)
		}
	})
}

// watchAccount notes namespaces beyond their quota, and what was changed that is not Bulkhead's.
func (c *chaos) watchAccount(ctx context.Context) {
	said := ""
	every(ctx, time.Second, func() {
		a, err := c.account(ctx)
		if err != nil {
			if ctx.Err() == nil {
				c.violated("controllers", "the account: %v", err)
			}
			return
		}
		var excess []string
		for _, namespace := range slices.Concat(goodTenants, movers, badTenants) {
			for _, s := range c.sites() {
				if n := len(a.records(namespace, s.Name)); n > chaosQuota {
					excess = append(excess, fmt.Sprintf("%s has %d records in %s, its class allows %d policies", namespace, n, s.Name, chaosQuota))
				}
				// A successor has its check before the check of the one before is gone, and so has a check that is replaced.
				if n := a.checksOf(namespace, s.Name); n > 2*chaosQuota {
					excess = append(excess, fmt.Sprintf("%s has %d health checks in %s, its class allows %d policies: %v", namespace, n, s.Name, chaosQuota,
						a.keysOf(namespace, s.Name)))
				}
			}
		}
		if now := a.stray(); now != c.stray {
			excess = append(excess, fmt.Sprintf("what is not Bulkhead's: was\n%s\nis\n%s", c.stray, now))
		}
		if text := strings.Join(excess, "; "); text != said {
			if said = text; text != "" {
				c.violated(excess[0][:5], "%s", text)
			}
		}
	})
}

// watchProcesses notes controllers that end by themselves or have too much memory.
func (c *chaos) watchProcesses(ctx context.Context) {
	told := map[*process]bool{}
	every(ctx, time.Second, func() {
		for _, s := range c.sites() {
			p := c.controller(s)
			resident, err := p.resident()
			if err != nil {
				c.revive(s, p)
				continue
			}
			c.mu.Lock()
			c.memory[s] = max(c.memory[s], resident)
			c.mu.Unlock()
			if resident > maxMemory && !told[p] {
				told[p] = true
				c.violated("controllers", "the controller in %s has %d MiB, want %d at most", s.Name, resident, maxMemory)
			}
		}
	})
}

// revive starts a controller again that has ended by itself, as its cluster would. It may do so while it cannot reach what it needs.
func (c *chaos) revive(s *site, p *process) {
	gone := p.failed()
	if gone == nil || c.outages.open(s) {
		return // it is killed and started by somebody else
	}
	if c.outages.waited(time.Time{}, s) > 0 {
		c.violated("controllers", "the controller in %s has ended by itself: %v", s.Name, gone)
	}
	c.journal.add("OUTAGE", "the controller in %s has ended: %v", s.Name, gone)
	if err := c.boot(s); err != nil {
		c.violated("controllers", "start the controller: %v", err)
	}
}

func every(ctx context.Context, d time.Duration, do func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		do()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// An account is all that Route 53 has at one time.
type account struct {
	checks []types.HealthCheck
	sets   []types.ResourceRecordSet
	keys   map[string]string // namespace/policy/Region by the id of a check
}

// account reads it.
func (c *chaos) account(ctx context.Context) (*account, error) {
	a := &account{keys: map[string]string{}}
	// Records first: a check that one of them cites may be gone a moment later, but it is not made then.
	pages := route53.NewListResourceRecordSetsPaginator(c.lab.Route53(), &route53.ListResourceRecordSetsInput{HostedZoneId: aws.String(c.zone)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		a.sets = append(a.sets, page.ResourceRecordSets...)
	}
	checks := route53.NewListHealthChecksPaginator(c.lab.Route53(), &route53.ListHealthChecksInput{})
	for checks.HasMorePages() {
		page, err := checks.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, h := range page.HealthChecks {
			a.checks = append(a.checks, h)
			if key, ok := strings.CutPrefix(aws.ToString(h.CallerReference), "bulkhead/"); ok {
				a.keys[aws.ToString(h.Id)] = key
			}
		}
	}
	return a, nil
}

// of reports whether the check with an id is one of a namespace in a Region.
func (a *account) of(id, namespace, region string) bool {
	key := a.keys[id]
	return strings.HasPrefix(key, namespace+"/") && strings.Contains(key, "/"+region)
}

// records are the record sets of type A whose checks are a namespace's in a Region.
func (a *account) records(namespace, region string) (found []types.ResourceRecordSet) {
	for _, r := range a.sets {
		if r.Type == types.RRTypeA && a.of(aws.ToString(r.HealthCheckId), namespace, region) {
			found = append(found, r)
		}
	}
	return found
}

func (a *account) checksOf(namespace, region string) int { return len(a.keysOf(namespace, region)) }

// keysOf are the keys of a namespace's checks in a Region.
func (a *account) keysOf(namespace, region string) (keys []string) {
	for id, key := range a.keys {
		if a.of(id, namespace, region) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// ofTenants is how many health checks some namespaces have.
func (a *account) ofTenants(namespaces []string) (n int) {
	for _, namespace := range namespaces {
		n += a.checksOf(namespace, "")
	}
	return n
}

// stray is what is not Bulkhead's: record sets without a check of Bulkhead's, and checks with another caller reference.
func (a *account) stray() string {
	var all []string
	add := func(v any) {
		text, err := json.Marshal(v)
		if err != nil {
			text = []byte(err.Error())
		}
		all = append(all, string(text))
	}
	for _, h := range a.checks {
		if a.keys[aws.ToString(h.Id)] == "" {
			add(h)
		}
	}
	for _, r := range a.sets {
		if strings.HasPrefix(aws.ToString(r.Name), strayPrefix) || r.Type == types.RRTypeNs || r.Type == types.RRTypeSoa || r.Type == types.RRTypeTxt {
			add(r)
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// strayPrefix begins the names of address records that the test has made by hand.
const strayPrefix = "by-hand"

// makeStray makes what is not Bulkhead's: record sets of tenants' names, a check that looks like one of Bulkhead's, and others.
func (c *chaos) makeStray(t *testing.T) {
	t.Helper()
	api := c.lab.Route53()
	var ids []*string
	for _, reference := range []string{"somebody's", "terraform-20260101", "bulkhead"} {
		made, err := api.CreateHealthCheck(t.Context(), &route53.CreateHealthCheckInput{CallerReference: aws.String(reference), HealthCheckConfig: &types.HealthCheckConfig{
			Type: types.HealthCheckTypeHttp, FullyQualifiedDomainName: aws.String("elsewhere.example.net"), Disabled: aws.Bool(true),
		}})
		must(t, err)
		ids = append(ids, made.HealthCheck.Id)
	}
	// Tags alone make no check Bulkhead's.
	_, err := api.ChangeTagsForResource(t.Context(), &route53.ChangeTagsForResourceInput{ResourceType: "healthcheck", ResourceId: ids[0], AddTags: []types.Tag{
		{Key: aws.String("bulkhead.dev/managed-by"), Value: aws.String("bulkhead")}, {Key: aws.String("bulkhead.dev/check"), Value: aws.String("bad-0/h0/eu-west-1")}}})
	must(t, err)
	var changes []types.Change
	add := func(r types.ResourceRecordSet) {
		changes = append(changes, types.Change{Action: types.ChangeActionCreate, ResourceRecordSet: &r})
	}
	value := func(v string) []types.ResourceRecord { return []types.ResourceRecord{{Value: aws.String(v)}} }
	for _, namespace := range slices.Concat(goodTenants, badTenants) {
		add(types.ResourceRecordSet{Name: aws.String(strayPrefix + "." + namespace + ".example.com"), Type: types.RRTypeA, TTL: aws.Int64(300), ResourceRecords: value("192.0.2.1")})
		add(types.ResourceRecordSet{Name: aws.String("text." + namespace + ".example.com"), Type: types.RRTypeTxt, TTL: aws.Int64(300), ResourceRecords: value(`"a=b"`)})
	}
	for i, id := range ids {
		add(types.ResourceRecordSet{Name: aws.String(strayPrefix + "-weighted.example.com"), Type: types.RRTypeA, TTL: aws.Int64(60), ResourceRecords: value("192.0.2.2"),
			SetIdentifier: aws.String(fmt.Sprint(i)), Weight: aws.Int64(1), HealthCheckId: id})
	}
	_, err = api.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{HostedZoneId: aws.String(c.zone), ChangeBatch: &types.ChangeBatch{Changes: changes}})
	must(t, err)
	a, err := c.account(t.Context())
	must(t, err)
	c.stray = a.stray()
}
