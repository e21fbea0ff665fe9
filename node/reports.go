package node

import (
	"context"
	"time"

	"github.com/bulkhead-dns/bulkhead/health"
)

// Besides transitions, a checker's latest observation is published so that other nodes can show it: when its text
// changed, at most every statusRefresh, and in any case every observationRefresh.
const (
	statusRefresh      = 10 * time.Second
	observationRefresh = 5 * time.Minute
)

// due reports whether r is to be published, given what this checker published last.
func (n *Node) due(r health.Report) bool {
	for _, last := range n.store.State().Reports(r.Check) {
		if last.Checker == r.Checker {
			age := r.CheckedTime.Sub(last.CheckedTime)
			return age >= observationRefresh || last.Status != r.Status && age >= statusRefresh
		}
	}
	return true
}

// publishTimeout bounds how long a probe's report waits for etcd; the local verdict does not wait for it.
const publishTimeout = 2 * time.Second

func (n *Node) onReport(r health.Report, changed bool) {
	if changed || n.due(r) {
		ctx, cancel := context.WithTimeout(context.Background(), publishTimeout)
		defer cancel()
		if err := n.store.PutReport(ctx, r); err != nil {
			n.o.Logger.Debug("report not published yet", "check", r.Check, "checker", r.Checker, "err", err)
		}
	}
	if n.o.OnReport != nil {
		n.o.OnReport(r, changed)
	}
}

// Observations returns every known checker's latest report of a check: this node's own as they are now, others' as
// published.
func (n *Node) Observations(checkID string) []health.Report {
	own := n.prober.Observations(checkID)
	reports := own
	for _, r := range n.store.State().Reports(checkID) {
		if !n.ownChecker(r.Checker) {
			reports = append(reports, r)
		}
	}
	return reports
}

func (n *Node) ownChecker(name string) bool {
	for _, region := range n.o.CheckerRegions {
		if name == n.checkerName(region) {
			return true
		}
	}
	return false
}

// checkerName is unique among all nodes.
func (n *Node) checkerName(region string) string { return n.o.Name + "/" + region }
