// Package plan compares what exists at a provider with what is wanted, and lists the steps that lead there, in order.
//
// A Plan is a value. It can be shown, stored as JSON, compared by its hash and executed later, step by step:
//
//   - Checks are created, tagged and updated first. Then the plan waits for their first verdicts.
//   - Record sets change in atomic batches. All changes of one name are in one batch, in an order that Route 53
//     accepts.
//   - Checks that nothing refers to any more are deleted last.
//
// A run that ends in the middle leaves a state from which the next plan reaches the same result. The tags of a health
// check alone say that Bulkhead owns it, and a record set is Bulkhead's when its health check is. Everything else stays
// as it is, unless it is adopted by name. A Guard refuses plans that would do harm. Nothing here does I/O.
package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A Plan is what to do, in order, and what to know about it.
type Plan struct {
	Hash     string      `json:"hash"` // of the steps and the refusals; equal plans have equal hashes
	Steps    []Step      `json:"steps"`
	Refusals []Finding   `json:"refusals,omitempty"` // why the plan must not be executed
	Reports  []Finding   `json:"reports,omitempty"`  // nothing to do, but good to know
	Held     []HeldCheck `json:"held,omitempty"`     // what stays as somebody has made it by hand
	Counts   Counts      `json:"counts"`
	// Zones are the zones that the plan was made from. They are set when the plan or its inverse deletes health checks:
	// right before a deletion these zones are searched for record sets that have come to cite the check.
	Zones []ZoneRef `json:"zones,omitempty"`
	// Scope is the cluster that the plan was made for. It is set when Guard.Cluster was.
	Scope *Scope `json:"scope,omitempty"`
}

// A ZoneRef names a hosted zone.
type ZoneRef struct {
	ID   string    `json:"id"`
	Name zone.Name `json:"name"`
}

// A Kind is what a step does.
type Kind string

// The kinds of steps, in the order in which they stand in a plan.
const (
	CreateCheck   Kind = "create-check" // CreateHealthCheck, then ChangeTagsForResource
	TagCheck      Kind = "tag-check"    // ChangeTagsForResource
	UpdateCheck   Kind = "update-check" // UpdateHealthCheck with CheckChange.Update
	WaitVerdicts  Kind = "wait"
	ChangeRecords Kind = "change-records" // ChangeResourceRecordSets
	DeleteCheck   Kind = "delete-check"   // DeleteHealthCheck
)

// A Step is one thing to do. Check is set for the kinds that end in -check, Wait for WaitVerdicts, Batch for
// ChangeRecords.
type Step struct {
	Kind  Kind         `json:"kind"`
	Check *CheckChange `json:"check,omitempty"`
	Wait  *Wait        `json:"wait,omitempty"`
	Batch *Batch       `json:"batch,omitempty"`
}

// A CheckChange is what happens to one health check.
type CheckChange struct {
	Key string `json:"key"`
	ID  string `json:"id,omitempty"` // empty for one to create
	// CallerReference is the reference to create the check with, or the one that an existing check was created with. When
	// a deleted check still holds the reference, one of FreshReference is used instead.
	CallerReference string         `json:"callerReference,omitempty"`
	Old             *health.Config `json:"old,omitempty"`  // nil for one to create
	New             *health.Config `json:"new,omitempty"`  // nil for one to delete
	Tags            []tagging.Tag  `json:"tags,omitempty"` // to set; for one to delete: what it has
	// Untag are the keys of tags to remove, in the same call that sets Tags. At most 10.
	Untag []string `json:"untag,omitempty"`
	Why   string   `json:"why,omitempty"` // when it does not go without saying
	// Names are set for a check to delete: the names where its policy has or wants record sets. They are read again right
	// before the deletion, because somebody may have bound the check there meanwhile.
	Names []NameInZone `json:"sites,omitempty"`
}

// A NameInZone is a name of a hosted zone.
type NameInZone struct {
	ZoneID string    `json:"zoneId"`
	Name   zone.Name `json:"name"`
}

// A Wait asks for verdicts before record sets depend on them.
type Wait struct {
	Checks []string `json:"checks"` // keys of checks that must have a verdict, and not that every checker fails
	// Healthy names groups that have a healthy answer now and will depend on checks without a verdict. One check of each
	// group must be healthy, or the execution stops here.
	Healthy []HealthyGroup `json:"healthy,omitempty"`
	// Replaces names checks that replace others which record sets cite. Each must be healthy, unless the check that it
	// replaces is unhealthy too. Otherwise the execution stops here.
	Replaces []Replacement `json:"replaces,omitempty"`
}

// A Replacement is a check that record sets are to cite instead of another one.
type Replacement struct {
	Check string `json:"check"` // key
	ID    string `json:"id"`    // of the check that it replaces
}

// A HealthyGroup is a group that needs one healthy check of those named by key.
type HealthyGroup struct {
	Name   zone.Name   `json:"name"`
	Type   zone.RRType `json:"type"`
	Checks []string    `json:"checks"`
}

// A Batch is one atomic change batch of a zone, within the limits of ChangeResourceRecordSets. r53: C.6.
type Batch struct {
	ZoneID   string         `json:"zoneId"`
	ZoneName zone.Name      `json:"zoneName"`
	Changes  []RecordChange `json:"changes"`
}

// A RecordChange is one entry of a batch.
type RecordChange struct {
	Action zone.Action `json:"action"`
	Policy string      `json:"policy,omitempty"` // whom it is for
	// CheckKey names a check that an earlier step creates. Its id goes into the set's HealthCheckID, which is empty here.
	CheckKey string                  `json:"checkKey,omitempty"`
	Set      zone.ResourceRecordSet  `json:"set"`
	Old      *zone.ResourceRecordSet `json:"old,omitempty"`      // what an UPSERT replaces
	Adopted  bool                    `json:"adopted,omitempty"`  // what is deleted or replaced was not ours
	Dangling bool                    `json:"dangling,omitempty"` // and the check that it refers to does not exist
}

// A Finding is a sentence about an object.
type Finding struct {
	Kind   FindingKind `json:"kind,omitempty"`   // empty where no program needs to tell it from others
	Policy string      `json:"policy,omitempty"` // whom it concerns, empty for the whole plan
	Object string      `json:"object,omitempty"` // a check's key, a record set, a zone
	Text   string      `json:"text"`
	Holder string      `json:"holder,omitempty"` // who has what is wanted, see Kind
	// Regions are set for RoutingWaits: the Regions whose wanted routing does not go together with what is wanted here.
	// When Agreed is set, all Regions want the same, and the one in Regions makes the change.
	Regions []string `json:"regions,omitempty"`
	Agreed  bool     `json:"agreed,omitempty"`
	// Checks are the ids of the health checks whose tags led to this finding, for the kinds that other clusters can
	// change. A caller that caches tags reads these again before it makes the next plan.
	Checks []string `json:"checks,omitempty"`
}

// A FindingKind is what a finding is about, for programs.
type FindingKind string

// The kinds of findings.
const (
	// HeldByPolicy refuses: the hostname, or a Region of it, belongs to the policy Holder, "<namespace>/<policy>".
	HeldByPolicy FindingKind = "held-by-policy"
	// HeldByCluster refuses: the cluster Holder owns the Region of the hostname. As a report on destroyed policies, it
	// says that what the cluster Holder owns stays.
	HeldByCluster FindingKind = "held-by-cluster"
	// RoutingWaits reports: the routing of a hostname stays as it is until all Regions can change theirs in one batch. The
	// rest of the plan is executed. It refuses for a Region that has no record set of the hostname yet. See TagRouting.
	RoutingWaits FindingKind = "routing-waits"
	// OtherPolicy reports: the record set of another Region belongs to the policy Holder. It stays as it is.
	OtherPolicy FindingKind = "other-policy"
)

// String returns the finding as a sentence.
func (f Finding) String() string {
	if f.Object == "" {
		return f.Text
	}
	return f.Object + ": " + f.Text
}

// Refused is the error of a plan that must not be executed.
type Refused struct{ Findings []Finding }

// Error returns all reasons.
func (e *Refused) Error() string {
	reasons := make([]string, len(e.Findings))
	for i, f := range e.Findings {
		reasons[i] = f.String()
	}
	return "plan refused: " + strings.Join(reasons, "; ")
}

// Empty reports whether there is nothing to do.
func (p Plan) Empty() bool { return len(p.Steps) == 0 }

// hash covers the steps and the refusals.
func (p Plan) hash() string {
	data, err := json.Marshal(struct {
		Steps    []Step
		Refusals []Finding
	}{p.Steps, p.Refusals})
	if err != nil { // plain values always have a JSON form
		panic(err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Refuse returns the plan with further reasons why it must not be executed.
func (p Plan) WithRefusals(reasons ...Finding) Plan {
	p.Refusals = slices.SortedStableFunc(slices.Values(slices.Concat(p.Refusals, reasons)), Finding.compare)
	p.Hash = p.hash()
	return p
}

// Tell returns the plan with further reports.
func (p Plan) WithReports(reports ...Finding) Plan {
	p.Reports = slices.SortedStableFunc(slices.Values(slices.Concat(p.Reports, reports)), Finding.compare)
	return p
}

// compare orders findings by policy, then by object.
func (f Finding) compare(g Finding) int {
	return strings.Compare(f.Policy+"\x00"+f.Object+"\x00"+f.Text, g.Policy+"\x00"+g.Object+"\x00"+g.Text)
}

// seal sets the counts and the hash, which follow from the steps.
func (p *Plan) seal() {
	p.Counts.count(p.Steps)
	p.Hash = p.hash()
}

// Parse reads a plan from its JSON form. It refuses unknown fields, anything after the plan, and a plan whose hash does
// not match.
func Parse(data []byte) (Plan, error) {
	var p Plan
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return Plan{}, fmt.Errorf("plan: %w", err)
	}
	if dec.More() {
		return Plan{}, errors.New("plan: more than one JSON value, want one plan")
	}
	if got := p.hash(); got != p.Hash {
		return Plan{}, fmt.Errorf("plan: hash is %q but the steps hash to %q: it was changed, make it anew", p.Hash, got)
	}
	for i, s := range p.Steps {
		if !s.complete() {
			return Plan{}, fmt.Errorf("plan: step %d of kind %q lacks what it is about, or has too much", i+1, s.Kind)
		}
	}
	return p, nil
}

// complete reports whether a step has exactly the fields that its kind needs.
func (s Step) complete() bool {
	var want Step
	switch s.Kind {
	case CreateCheck:
		want.Check = s.Check
		return s.only(want) && s.Check.New != nil
	case TagCheck:
		want.Check = s.Check
		return s.only(want) && s.Check.ID != ""
	case UpdateCheck:
		want.Check = s.Check
		return s.only(want) && s.Check.ID != "" && s.Check.Old != nil && s.Check.New != nil
	case DeleteCheck:
		want.Check = s.Check
		return s.only(want) && s.Check.ID != ""
	case WaitVerdicts:
		want.Wait = s.Wait
	case ChangeRecords:
		want.Batch = s.Batch
	}
	return s.only(want)
}

// only reports whether s has the same one field set as want.
func (s Step) only(want Step) bool {
	return s.Check == want.Check && s.Wait == want.Wait && s.Batch == want.Batch && want != Step{}
}
