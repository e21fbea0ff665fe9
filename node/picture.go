package node

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/prober"
	"github.com/bulkhead-dns/bulkhead/resolver"
	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A picture compiles the store's State into the View and the Table that DNS answers from. Its work is in proportion to
// what changed.
type picture struct {
	atlas   *geo.Atlas
	prober  *prober.Prober
	publish func(*steer.View, *steer.Table)
	log     *slog.Logger

	targets *resolver.Cache // alias targets that are not the engine's own

	editing sync.Mutex // guards view and table: one writer at a time
	view    *steer.View
	table   *steer.Table

	mu       sync.Mutex // guards verdicts: verdict, measured and unhealthy are called from anywhere
	verdicts health.Verdicts
}

func newPicture(
	atlas *geo.Atlas, p *prober.Prober, publish func(*steer.View, *steer.Table), log *slog.Logger,
) *picture {
	return &picture{atlas: atlas, prober: p, publish: publish, log: log, view: steer.NewView(atlas),
		verdicts: health.Verdicts{}}
}

// change follows the store: zones, groups and load balancers into the view, checks to the probers, reports into
// verdicts.
func (p *picture) change(st *store.State, c store.Change) {
	p.editing.Lock()
	defer p.editing.Unlock()
	if c.Full {
		// Indexes of the table belong to one line of views, so a new line starts with a new table.
		p.view, p.table = steer.NewView(p.atlas), nil
		p.targets.ResetCitations()
		c = p.everything(st)
	}
	if len(c.Zones)+len(c.Groups)+len(c.Checks)+len(c.LoadBalancers)+len(c.CIDRCollections) > 0 {
		p.view = p.edit(st, c)
	}
	p.mu.Lock()
	affected := slices.Concat(c.Reports, c.Checks)
	for _, id := range c.Checks {
		affected = append(affected, p.setCheck(st, id)...)
	}
	verdicts := p.verdicts.Decide(affected, st.Votes, time.Now())
	p.mu.Unlock()
	for check, healthy := range verdicts {
		p.table = p.table.With(p.view.Check(check), healthy)
	}
	for _, n := range c.LoadBalancers {
		p.table = p.table.With(p.view.TargetHealth(n), st.TargetHealth(n))
	}
	p.publish(p.view, p.table)
	for _, id := range c.Hints {
		p.prober.ProbeNow(id)
	}
}

// everything lists all that a State holds, and the checks that it no longer holds, as one change.
func (p *picture) everything(st *store.State) store.Change {
	var c store.Change
	for z := range st.Zones() {
		c.Zones = append(c.Zones, z.ID)
		for s := range st.Records(z.ID).From(zone.Key{}) {
			g := store.Group{ZoneID: z.ID, Name: s.Name, Type: s.Type}
			if len(c.Groups) == 0 || c.Groups[len(c.Groups)-1] != g {
				c.Groups = append(c.Groups, g)
			}
		}
	}
	for collection := range st.CIDRCollections() {
		c.CIDRCollections = append(c.CIDRCollections, collection.ID)
	}
	for check := range st.Checks() {
		c.Checks = append(c.Checks, check.ID)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.verdicts {
		if _, kept := st.Check(id); !kept {
			c.Checks = append(c.Checks, id)
		}
	}
	for lb := range st.LoadBalancers() {
		c.LoadBalancers = append(c.LoadBalancers, lb.DNSName)
	}
	return c
}

// edit derives the next view. What cannot be compiled is left as it was and logged: the API validates before it stores,
// so this speaks of data written by something newer.
func (p *picture) edit(st *store.State, c store.Change) *steer.View {
	e := p.view.Edit()
	for _, id := range c.CIDRCollections {
		if now, ok := st.CIDRCollection(id); !ok {
			e.DeleteCIDRCollection(id)
		} else if err := e.PutCIDRCollection(id, now.Locations); err != nil {
			p.log.Error("CIDR collection not usable", "id", id, "err", err)
		}
	}
	for _, lb := range c.LoadBalancers {
		if now, ok := st.LoadBalancer(lb); !ok {
			e.DeleteLoadBalancer(lb)
		} else if err := e.PutLoadBalancer(now); err != nil {
			p.log.Error("load balancer not usable", "name", lb, "err", err)
		} else {
			e.TargetHealth(lb)
		}
	}
	for _, id := range c.Zones {
		if z, ok := st.Zone(id); ok {
			e.PutZone(z)
		} else {
			e.DeleteZone(id)
		}
	}
	for _, g := range c.Groups {
		members := st.Records(g.ZoneID).Group(g.Name, g.Type)
		p.putTargets(e, p.targets.Cite(resolver.Group(g), foreignTargets(st, g.ZoneID, members)))
		if _, ok := st.Zone(g.ZoneID); !ok {
			continue // its zone went with all groups
		}
		if err := e.SetGroup(g.ZoneID, g.Name, g.Type, members); err != nil {
			p.log.Error("record set not usable", "zone", g.ZoneID, "name", g.Name, "type", g.Type, "err", err)
		}
	}
	for _, id := range c.Checks {
		e.Check(id)
	}
	return e.Commit()
}

// foreignTargets lists the alias targets of a group that are neither in its zone nor load balancers known to the
// engine.
func foreignTargets(st *store.State, zoneID string, members []*zone.ResourceRecordSet) (foreign []zone.LoadBalancer) {
	for _, m := range members {
		if m.AliasTarget == nil || m.AliasTarget.HostedZoneID == zoneID {
			continue
		}
		if _, known := st.LoadBalancer(m.AliasTarget.DNSName); known {
			continue
		}
		plain := zone.Name(strings.TrimPrefix(string(m.AliasTarget.DNSName), "dualstack."))
		foreign = append(foreign, zone.LoadBalancer{DNSName: plain, HostedZoneID: m.AliasTarget.HostedZoneID})
	}
	return foreign
}

// resolved puts new addresses of alias targets into the view.
func (p *picture) resolved(targets []zone.LoadBalancer) {
	p.editing.Lock()
	defer p.editing.Unlock()
	e := p.view.Edit()
	p.putTargets(e, targets)
	p.view = e.Commit()
	p.publish(p.view, p.table)
}

func (p *picture) putTargets(e *steer.Edit, targets []zone.LoadBalancer) {
	for _, lb := range targets {
		if err := e.PutLoadBalancer(lb); err != nil {
			p.log.Error("alias target not usable", "name", lb.DNSName, "err", err)
		}
	}
}

// setCheck takes a new, changed or deleted check to the board and the probers, and returns the checks that counted a
// deleted one.
func (p *picture) setCheck(st *store.State, id string) (orphans []string) {
	check, ok := st.Check(id)
	if !ok {
		p.prober.Remove(id)
		return p.verdicts.Delete(id)
	}
	var last *bool
	if healthy, known := st.Verdict(id); known {
		last = &healthy
	}
	p.prober.Set(check, p.verdicts.Put(check, last))
	return nil
}

func (p *picture) verdict(id string) (health.Verdict, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.verdicts.Verdict(id)
}

// measured returns the verdicts as measured, before Inverted and Disabled, for the snapshot.
func (p *picture) measured() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.verdicts.Measured()
}

func (p *picture) unhealthy() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.verdicts.Unhealthy()
}
