// Package steer decides which answer one client gets: which zone, which name, which member of a group, and why.
//
// A View is the compiled form of all zones; a Table holds the current verdicts of all health checks. Both are immutable to
// readers and cheap to derive from: an edit costs in proportion to what it changes. Decide is a pure function of (View, Table,
// Query) and allocates nothing; Explain is the same code with a trace.
package steer

import (
	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A View is an immutable compiled set of zones.
type View struct{}

// NewView returns an empty view over an atlas.
func NewView(atlas *geo.Atlas) *View { panic("contract") }

// Atlas returns the atlas the view decides by.
func (v *View) Atlas() *geo.Atlas { panic("contract") }

// Edit starts a change of the view. The view itself stays as it is; edits of one View must not run at the same time as edits of a View derived
// from it (there is one writer).
func (v *View) Edit() *Edit { panic("contract") }

// An Edit collects changes; Commit returns the next view.
type Edit struct{}

// PutZone adds a zone or replaces its properties; its groups are kept. Of two zones with one name the first put answers.
func (e *Edit) PutZone(z zone.HostedZone) { panic("contract") }

// DeleteZone removes a zone and every group in it.
func (e *Edit) DeleteZone(id string) { panic("contract") }

// SetGroup replaces the group of name and type; no members removes it. An error means that a value cannot be encoded, and leaves the group
// as it was.
func (e *Edit) SetGroup(zoneID string, n zone.Name, t zone.RRType, members []*zone.ResourceRecordSet) error {
	panic("contract")
}

// PutLoadBalancer makes a load balancer's name answer with its addresses (TTL 60, r53: A.9), alone and under "dualstack.", and makes it an alias target.
// Its service zone ("eu-west-1.elb.amazonaws.com") is created beside it.
func (e *Edit) PutLoadBalancer(lb zone.LoadBalancer) error { panic("contract") }

// DeleteLoadBalancer removes it.
func (e *Edit) DeleteLoadBalancer(n zone.Name) { panic("contract") }

// Commit returns the view with the changes.
func (e *Edit) Commit() *View { panic("contract") }

// A CheckIndex is the place of a verdict in a Table. An index stays with its check for all views derived from one NewView. 0 is no check: always healthy.
type CheckIndex uint32

// Check interns a health check id.
func (e *Edit) Check(id string) CheckIndex { panic("contract") }

// TargetHealth interns the health of a load balancer as Route 53 sees it (r53: A.9).
func (e *Edit) TargetHealth(loadBalancer zone.Name) CheckIndex { panic("contract") }

// Check returns the index of a health check id; 0 when nothing cites it and it was never interned.
func (v *View) Check(id string) CheckIndex { panic("contract") }

// TargetHealth returns the index of a load balancer's health; 0 when it is unknown.
func (v *View) TargetHealth(loadBalancer zone.Name) CheckIndex { panic("contract") }

// A Table holds one verdict per CheckIndex. The zero of everything is healthy: Route 53 believes a check healthy until it has data (r53: B.4). A nil *Table is all healthy.
type Table struct{}

// With returns a table that differs in one verdict; the cost does not depend on the number of records.
func (t *Table) With(i CheckIndex, healthy bool) *Table { panic("contract") }

// Healthy returns the verdict at i.
func (t *Table) Healthy(i CheckIndex) bool { panic("contract") }
