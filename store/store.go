// Package store keeps zones, record sets, health checks and reports in etcd, and gives every node the same immutable picture
// of them.
//
// Keys are described in keys.go. Every write is one etcd transaction guarded by the revision it was decided on; it is
// acknowledged after etcd has it on disk. Reads never ask etcd: they use State, which follows a watch and survives etcd in a
// snapshot on disk.
package store

import (
	"context"
	"crypto/tls"
	"iter"
	"log/slog"
	"time"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Options of New.
type Options struct {
	Endpoints []string    // etcd: "unix:///…/client.sock" of the embedded one, or "https://host:2379"
	TLS       *tls.Config // external etcd with mTLS; nil for the embedded one
	Node      string      // this node's name, unique among live nodes
	// SnapshotPath is the file of the last-good state for starts without etcd; empty keeps none.
	SnapshotPath string
	// LeaseTTL is how long reports of a dead node still count; 0 means 10 s.
	LeaseTTL time.Duration
	// Verdicts returns the current measured verdicts for the snapshot; nil stores none.
	Verdicts func() map[string]bool
	// OnChange is called from Run, one call at a time, after every change of State (the first call has Full set). When it returns, the node is
	// taken to have applied the revision, and acknowledges it for GetChange.
	OnChange func(*State, Change)
	Logger   *slog.Logger // nil discards
}

// A Change says what differs from the State before.
type Change struct {
	Full          bool // everything: read the whole State
	Zones         []string
	Groups        []Group
	Checks        []string
	Reports       []string // ids of checks whose reports changed
	LoadBalancers []zone.Name
}

// A Group names the record sets that share name and type in a zone.
type Group struct {
	ZoneID string
	Name   zone.Name
	Type   zone.RRType
}

// A Store is one node's client of the shared state.
type Store struct{}

// New prepares a store; Run connects.
func New(o Options) (*Store, error) { panic("contract") }

// Run loads the snapshot (if etcd does not answer at once), then etcd, follows the watch, keeps the node's lease and writes snapshots until ctx ends. Loss of etcd never ends it: it retries
// for ever and says once, in one line, since when it is without.
func (s *Store) Run(ctx context.Context) error { panic("contract") }

// Ready is closed when the first State (etcd's or the snapshot's) has been given to OnChange.
func (s *Store) Ready() <-chan struct{} { panic("contract") }

// Connected reports whether State currently follows etcd, and since when it does or does not.
func (s *Store) Connected() (bool, time.Time) { panic("contract") }

// State returns the current picture; never nil.
func (s *Store) State() *State { panic("contract") }

// A State is an immutable picture of everything stored.
type State struct{}

func (st *State) Revision() int64                                    { panic("contract") }
func (st *State) Zone(id string) (zone.HostedZone, bool)             { panic("contract") }
func (st *State) Zones() iter.Seq[zone.HostedZone]                   { panic("contract") } // by id
func (st *State) ZonesByName() iter.Seq[zone.HostedZone]             { panic("contract") } // Route 53's name order, then id
func (st *State) Records(zoneID string) *zone.Records                { panic("contract") } // never nil; read only
func (st *State) Check(id string) (health.Check, bool)               { panic("contract") }
func (st *State) Checks() iter.Seq[health.Check]                     { panic("contract") } // by id
func (st *State) CheckCount() int                                    { panic("contract") }
func (st *State) ZoneCount() int                                     { panic("contract") }
func (st *State) Reports(checkID string) []health.Report             { panic("contract") } // by checker
func (st *State) Verdict(checkID string) (healthy, ok bool)          { panic("contract") } // from the snapshot, for cold starts
func (st *State) LoadBalancers() iter.Seq[zone.LoadBalancer]         { panic("contract") }
func (st *State) LoadBalancer(n zone.Name) (zone.LoadBalancer, bool) { panic("contract") }

// TargetHealth returns a load balancer's health as published under its owner's lease; true when nobody publishes it.
func (st *State) TargetHealth(n zone.Name) bool { panic("contract") }

// A ChangeInfo is the receipt of a change.
type ChangeInfo struct {
	ID          string    `json:"id"` // "C…"
	Comment     string    `json:"comment,omitempty"`
	SubmittedAt time.Time `json:"submittedAt"`
	InSync      bool      `json:"-"` // every live node has applied it
}

// All writes wait until this node's State contains them (read your writes) or ctx ends. With etcd away they fail with ErrUnavailable.

func (s *Store) CreateHostedZone(ctx context.Context, z zone.HostedZone) (zone.HostedZone, ChangeInfo, error) {
	panic("contract")
} // ID and NameServers are assigned here
func (s *Store) DeleteHostedZone(ctx context.Context, id string) (ChangeInfo, error) {
	panic("contract")
}
func (s *Store) ChangeRecords(ctx context.Context, zoneID, comment string, changes []zone.Change) (ChangeInfo, error) {
	panic("contract")
}
func (s *Store) GetChange(ctx context.Context, id string) (ChangeInfo, error) { panic("contract") }
func (s *Store) CreateHealthCheck(ctx context.Context, callerReference string, c health.Config) (health.Check, error) {
	panic("contract")
} // c as from health.Normalize; idempotent as r53: B.8
func (s *Store) UpdateHealthCheck(ctx context.Context, id string, version *int64, update func(health.Config) (health.Config, error)) (health.Check, error) {
	panic("contract")
}
func (s *Store) DeleteHealthCheck(ctx context.Context, id string) error { panic("contract") }

// PutReport publishes a checker's transition or refreshed observation under this node's lease. With etcd away it is kept and published later; the local State has it at once.
func (s *Store) PutReport(ctx context.Context, r health.Report) error { panic("contract") }

// PutLoadBalancer makes a load balancer known (kept until deleted); PutTargetHealth publishes its health under this node's lease.
func (s *Store) PutLoadBalancer(ctx context.Context, lb zone.LoadBalancer) error { panic("contract") }
func (s *Store) DeleteLoadBalancer(ctx context.Context, n zone.Name) error       { panic("contract") }
func (s *Store) PutTargetHealth(ctx context.Context, n zone.Name, healthy bool) error {
	panic("contract")
}
