// Package plan compares what exists at a provider with what is wanted, and says in which order to get there.
package plan

import (
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A State is health checks and record sets, as they are at a provider or as they are wanted.
type State struct {
	Zones   []zone.HostedZone
	Checks  []Check
	Records []Record
}

// A Check is one health check. Its Key is what makes a wanted and an existing check the same: "<namespace>/<policy>/<region>",
// kept in a tag by whoever made it.
type Check struct {
	Key    string        `json:"key,omitempty"` // empty: not ours
	ID     string        `json:"id,omitempty"`  // existing only
	Config health.Config `json:"config"`
	Tags   []zone.Tag    `json:"tags,omitempty"`
}

// Owned reports whether Bulkhead made the check.
func (c Check) Owned() bool { return c.Key != "" }

// A Record is one record set of a zone. A wanted one names its check by key; an existing one carries its id in the set.
type Record struct {
	ZoneID   string                 `json:"zoneId"`
	CheckKey string                 `json:"checkKey,omitempty"`
	Set      zone.ResourceRecordSet `json:"set"`
}

// The tags by which ownership is known.
const (
	TagManagedBy = "bulkhead.dev/managed-by" // value: TagValue
	TagKey       = "bulkhead.dev/check"      // value: Check.Key
	TagValue     = "bulkhead"
)
