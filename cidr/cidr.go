// Package cidr holds CIDR collections: which clients are at which location, for IP-based routing.
package cidr

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/validation"
)

// A Collection says which clients are at which location, for IP-based routing. A location exists while it has blocks. A
// collection is a value: Change returns another one and does not change it. r53: A.8.
type Collection struct {
	ID              string `json:"id"`              // a UUID
	Name            string `json:"name"`            // 1 to 64 of 0-9 A-Z a-z _ -
	CallerReference string `json:"callerReference"` // 1 to 64 ASCII characters
	Version         int64  `json:"version"`         // 1 at first, and one more with every change

	// Locations has the blocks of each location by its name, 1 to 16 of 0-9 A-Z a-z _ -. Blocks have no host bits and are
	// in order. A block belongs to one location; it may be inside a block of another location.
	Locations map[string][]netip.Prefix `json:"locations,omitempty"`
}

// A Action is what one change does to the blocks of a location.
type Action string

// The two actions of ChangeCidrCollection. r53: C.3.
const (
	Put            Action = "PUT"              // adds blocks; one that is there already stays
	DeleteIfExists Action = "DELETE_IF_EXISTS" // removes blocks; one that is not there is no error
)

// A Change is one entry of ChangeCidrCollection.
type Change struct {
	LocationName string
	Action       Action
	CIDRList     []string // blocks such as 192.0.2.0/24, 1 to 1000
}

// Limits of the CIDR operations. r53: A.8, C.3.
const (
	// MaxLocationName is the longest name of a location, in characters.
	MaxLocationName = 16

	maxCollectionName = 64
	maxReference      = 64
	maxChanges        = 1000
	maxBlocks         = 1000
	maxBlockText      = 50
	maxIPv4Bits       = 24
	maxIPv6Bits       = 48
)

// New returns an empty collection of version 1. The error is *validation.InvalidInput. r53: C.3.
func New(id, name, callerReference string) (Collection, error) {
	var v validation.Violations
	v.AtMost(maxCollectionName, name, "name")
	v.Check(IsName(name), name, "name", "Member must satisfy regular expression pattern: "+NamePattern)
	v.AtMost(maxReference, callerReference, "callerReference")
	v.Check(isASCII(callerReference), callerReference, "callerReference",
		`Member must satisfy regular expression pattern: \p{ASCII}+`)
	if err := v.Err(); err != nil {
		return Collection{}, err
	}
	return Collection{ID: id, Name: name, CallerReference: callerReference, Version: 1}, nil
}

// NamePattern is the form of the names of collections and their locations. r53: A.8.
const NamePattern = `[0-9A-Za-z_\-]+`

// IsName reports whether a text has the form of NamePattern.
func IsName(s string) bool {
	for _, c := range []byte(s) {
		if !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '_' || c == '-') {
			return false
		}
	}
	return s != ""
}

func isASCII(s string) bool {
	for _, c := range []byte(s) {
		if c > 0x7f {
			return false
		}
	}
	return s != ""
}

// Change returns the collection after ChangeCidrCollection. version is the CollectionVersion that the client has seen,
// or 0 if it gave none. used reports whether a record set routes to a location of this collection; nil means that none
// does. Only CIDRBlocksPerCollection of the limits is used.
//
// Changes take effect in order. Only the result is checked, so a block moves by a DELETE_IF_EXISTS and a PUT in either
// order. The errors are *validation.InvalidInput, *VersionMismatch, *BlockInUse and *quota.LimitsExceeded. r53: C.3.
func (c Collection) Change(version int64, changes []Change, used func(location string) bool,
	limits quota.Limits) (Collection, error) {
	if err := checkShape(version, changes); err != nil {
		return Collection{}, err
	}
	if version != 0 && version != c.Version {
		return Collection{}, &VersionMismatch{ID: c.ID, Given: version, Current: c.Version}
	}
	next := c.blocks()
	for i, change := range changes {
		for j, text := range change.CIDRList {
			block, err := parseBlock(text)
			if err != nil {
				text := fmt.Sprintf("Invalid request: changes.%d.member.cidrList.%d.member: %v", i+1, j+1, err)
				return Collection{}, &validation.InvalidInput{Message: text}
			}
			next.apply(change, block)
		}
	}
	if err := c.checkBlocks(next, used, limits); err != nil {
		return Collection{}, err
	}
	c.Version++
	c.Locations = next.sorted()
	return c, nil
}

// checkShape checks the constraints of the API model. All changes together may have only as many blocks as one change:
// Route 53 says so about the whole request.
func checkShape(version int64, changes []Change) error {
	var v validation.Violations
	v.Check(version >= 0, version, "collectionVersion", "Member must have value greater than or equal to 1")
	v.Listed(len(changes), maxChanges, "changes")
	blocks := 0
	for i, change := range changes {
		path := fmt.Sprintf("changes.%d.member", i+1)
		v.AtMost(MaxLocationName, change.LocationName, path+".locationName")
		v.Check(IsName(change.LocationName), change.LocationName, path+".locationName",
			"Member must satisfy regular expression pattern: "+NamePattern)
		v.Check(change.Action == Put || change.Action == DeleteIfExists, change.Action, path+".action",
			"Member must satisfy enum value set: [PUT, DELETE_IF_EXISTS]")
		v.Listed(len(change.CIDRList), maxBlocks, path+".cidrList")
		for j, text := range change.CIDRList {
			v.AtMost(maxBlockText, text, fmt.Sprintf("%s.cidrList.%d.member", path, j+1))
		}
		blocks += len(change.CIDRList)
	}
	if err := v.Err(); err != nil {
		return err
	}
	if blocks > maxBlocks { // wording unconfirmed
		return &validation.InvalidInput{Message: fmt.Sprintf(
			"Invalid request: %d CIDR blocks in one request, at most %d are allowed", blocks,
			maxBlocks)}
	}
	return nil
}

// parseBlock reads a block. It refuses host bits, which is the cautious choice: Route 53 may clear them instead
// (unconfirmed). r53: A.8.
func parseBlock(text string) (netip.Prefix, error) {
	block, err := netip.ParsePrefix(text)
	if err != nil || block.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("'%s' is not a CIDR block: want an IPv4 or IPv6 block such as 192.0.2.0/24", text)
	}
	high := maxIPv6Bits
	if block.Addr().Is4() {
		high = maxIPv4Bits
	}
	if block.Bits() < 1 || block.Bits() > high {
		return netip.Prefix{}, fmt.Errorf("'%s' has a prefix length of %d: want 1 to %d (all addresses are the record "+
			"location *)", text, block.Bits(), high)
	}
	if block != block.Masked() {
		return netip.Prefix{}, fmt.Errorf("'%s' has bits set after its prefix: want %s", text, block.Masked())
	}
	return block, nil
}

// blockOwners has the locations of each block. A block has one location, except in the middle of a change.
type blockOwners map[netip.Prefix][]string

func (c Collection) blocks() blockOwners {
	owners := blockOwners{}
	for location, blocks := range c.Locations {
		for _, block := range blocks {
			owners[block] = []string{location}
		}
	}
	return owners
}

// apply applies one block of a change. It may change the lists in o.
func (o blockOwners) apply(change Change, block netip.Prefix) {
	at := slices.Index(o[block], change.LocationName)
	switch {
	case change.Action == Put && at < 0:
		o[block] = append(o[block], change.LocationName)
	case change.Action == DeleteIfExists && at >= 0:
		o[block] = slices.Delete(o[block], at, at+1)
		if len(o[block]) == 0 {
			delete(o, block)
		}
	}
}

// sorted returns the blocks by location, or nil if there are none.
func (o blockOwners) sorted() map[string][]netip.Prefix {
	if len(o) == 0 {
		return nil
	}
	locations := map[string][]netip.Prefix{}
	for block, owners := range o {
		locations[owners[0]] = append(locations[owners[0]], block)
	}
	for _, blocks := range locations {
		slices.SortFunc(blocks, compareBlocks)
	}
	return locations
}

func compareBlocks(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// checkBlocks checks the result of a change.
func (c Collection) checkBlocks(next blockOwners, used func(location string) bool, limits quota.Limits) error {
	kept := map[string]bool{}
	for _, block := range slices.SortedFunc(maps.Keys(next), compareBlocks) {
		// The longest block decides a client's location: two locations cannot have the same one.
		if owners := next[block]; len(owners) > 1 {
			return &BlockInUse{fmt.Sprintf("CIDR block %s is already in use by location %s, location %s cannot have it too",
				block, owners[0], owners[1])}
		}
		kept[next[block][0]] = true
	}
	// Deleting the last block of a location would delete the location that record sets cite. A change of the other blocks
	// of a used location is allowed: Route 53 advises to move blocks between locations without downtime (unconfirmed).
	for _, location := range slices.Sorted(maps.Keys(c.Locations)) {
		if !kept[location] && used != nil && used(location) {
			return &BlockInUse{fmt.Sprintf("The last CIDR block of location %s cannot be deleted, as record sets route to the "+
				"location", location)}
		}
	}
	before := 0
	for _, blocks := range c.Locations {
		before += len(blocks)
	}
	if limit := limits.CIDRBlocksPerCollection; quota.Exceeds(limit, before, len(next)) {
		return &quota.LimitsExceeded{Message: fmt.Sprintf("CIDR collection %s would have %d blocks, at most %d are allowed",
			c.ID, len(next),
			limit)}
	}
	return nil
}

// CheckDelete refuses to delete a collection that has locations, or by which a record set routes (used): a record set
// with only a default location can cite an empty collection. The error is *CollectionInUse. r53: C.3.
func (c Collection) CheckDelete(used bool) error {
	switch {
	case len(c.Locations) > 0:
		return &CollectionInUse{fmt.Sprintf("CIDR collection %s is not empty: it has %d locations", c.ID, len(c.Locations))}
	case used:
		return &CollectionInUse{fmt.Sprintf("CIDR collection %s is in use by record sets", c.ID)}
	}
	return nil
}

// VersionMismatch is Route 53's error for a change based on another version of a collection.
type VersionMismatch struct {
	ID             string
	Given, Current int64
}

// BlockInUse is Route 53's error for a block that another location has, or that record sets need.
type BlockInUse struct{ Message string }

// CollectionInUse is Route 53's error for deleting a collection that is not empty or that record sets need.
type CollectionInUse struct{ Message string }

// Error returns a message that names both versions.
func (e *VersionMismatch) Error() string {
	return fmt.Sprintf("CIDR collection %s has version %d, not %d: it was changed since", e.ID, e.Current, e.Given)
}

// Error returns the message.
func (e *BlockInUse) Error() string { return e.Message }

// Error returns the message.
func (e *CollectionInUse) Error() string { return e.Message }
