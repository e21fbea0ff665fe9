package zone

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// A CIDRCollection says which clients are at which location, for IP-based routing. Locations are made and unmade by their
// first and last block. A collection is a value: Change returns another one and leaves it as it was. r53: A.8.
type CIDRCollection struct {
	ID              string `json:"id"`              // a UUID
	Name            string `json:"name"`            // 1 to 64 of 0-9 A-Z a-z _ -
	CallerReference string `json:"callerReference"` // 1 to 64 ASCII characters
	Version         int64  `json:"version"`         // 1 at first, and one more with every change

	// Locations holds the blocks of every location by its name, 1 to 16 of 0-9 A-Z a-z _ -. Blocks have no host bits,
	// stand in order, and belong to one location each; a block may lie inside one of another location.
	Locations map[string][]netip.Prefix `json:"locations,omitempty"`
}

// A CIDRAction is what one change does to the blocks of a location.
type CIDRAction string

// The two actions of ChangeCidrCollection. r53: C.3.
const (
	PutCIDR            CIDRAction = "PUT"              // adds blocks; one that is there already stays
	DeleteCIDRIfExists CIDRAction = "DELETE_IF_EXISTS" // removes blocks; one that is not there is no error
)

// A CIDRChange is one entry of ChangeCidrCollection.
type CIDRChange struct {
	LocationName string
	Action       CIDRAction
	CIDRList     []string // blocks such as 192.0.2.0/24, 1 to 1000
}

// Limits of the CIDR operations. r53: A.8, C.3.
const (
	maxCollectionName = 64
	maxCIDRReference  = 64
	maxLocationName   = 16
	maxCIDRChanges    = 1000
	maxCIDRList       = 1000
	maxCIDRText       = 50
	maxIPv4Bits       = 24
	maxIPv6Bits       = 48
)

// NewCIDRCollection returns an empty collection of version 1. The error is *InvalidInput. r53: C.3.
func NewCIDRCollection(id, name, callerReference string) (CIDRCollection, error) {
	var v violations
	v.atMost(maxCollectionName, name, "name")
	v.check(isPlain(name), name, "name", "Member must satisfy regular expression pattern: "+plainPattern)
	v.atMost(maxCIDRReference, callerReference, "callerReference")
	v.check(isASCII(callerReference), callerReference, "callerReference",
		`Member must satisfy regular expression pattern: \p{ASCII}+`)
	if err := v.err(); err != nil {
		return CIDRCollection{}, err
	}
	return CIDRCollection{ID: id, Name: name, CallerReference: callerReference, Version: 1}, nil
}

func isASCII(s string) bool {
	for _, c := range []byte(s) {
		if c > 0x7f {
			return false
		}
	}
	return s != ""
}

// Change returns the collection after ChangeCidrCollection. version is the CollectionVersion that the client has seen, 0
// when it gave none. used reports whether a record set routes to a location of this collection; nil knows of none. Of the
// limits CIDRBlocksPerCollection counts.
//
// Changes take effect in list order and are judged by what they leave: moving a block is a DELETE_IF_EXISTS and a PUT in
// either order. The errors are *InvalidInput, *CidrCollectionVersionMismatch, *CidrBlockInUse and *LimitsExceeded.
// r53: C.3.
func (c CIDRCollection) Change(version int64, changes []CIDRChange, used func(location string) bool,
	limits Limits) (CIDRCollection, error) {
	if err := checkCIDRShape(version, changes); err != nil {
		return CIDRCollection{}, err
	}
	if version != 0 && version != c.Version {
		return CIDRCollection{}, &CidrCollectionVersionMismatch{ID: c.ID, Given: version, Current: c.Version}
	}
	next := c.blocks()
	for i, change := range changes {
		for j, text := range change.CIDRList {
			block, err := parseBlock(text)
			if err != nil {
				return CIDRCollection{}, &InvalidInput{fmt.Sprintf("Invalid request: changes.%d.member.cidrList.%d.member: %v", i+1,
					j+1, err)}
			}
			next.apply(change, block)
		}
	}
	if err := c.checkBlocks(next, used, limits); err != nil {
		return CIDRCollection{}, err
	}
	c.Version++
	c.Locations = next.sorted()
	return c, nil
}

// checkCIDRShape checks the constraints of the API model, and that the blocks of all changes are together no more than one
// change may have: Route 53 says so of the whole request.
func checkCIDRShape(version int64, changes []CIDRChange) error {
	var v violations
	v.check(version >= 0, version, "collectionVersion", "Member must have value greater than or equal to 1")
	v.listed(len(changes), maxCIDRChanges, "changes")
	blocks := 0
	for i, change := range changes {
		path := fmt.Sprintf("changes.%d.member", i+1)
		v.atMost(maxLocationName, change.LocationName, path+".locationName")
		v.check(isPlain(change.LocationName), change.LocationName, path+".locationName",
			"Member must satisfy regular expression pattern: "+plainPattern)
		v.check(change.Action == PutCIDR || change.Action == DeleteCIDRIfExists, change.Action, path+".action",
			"Member must satisfy enum value set: [PUT, DELETE_IF_EXISTS]")
		v.listed(len(change.CIDRList), maxCIDRList, path+".cidrList")
		for j, text := range change.CIDRList {
			v.atMost(maxCIDRText, text, fmt.Sprintf("%s.cidrList.%d.member", path, j+1))
		}
		blocks += len(change.CIDRList)
	}
	if err := v.err(); err != nil {
		return err
	}
	if blocks > maxCIDRList { // wording unconfirmed
		return &InvalidInput{fmt.Sprintf("Invalid request: %d CIDR blocks in one request, at most %d are allowed", blocks,
			maxCIDRList)}
	}
	return nil
}

// parseBlock reads a block. That Route 53 refuses host bits, rather than clearing them, is the cautious reading
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
		return netip.Prefix{}, fmt.Errorf("'%s' has a prefix length of %d: want 1 to %d (all addresses are the record location *)",
			text, block.Bits(), high)
	}
	if block != block.Masked() {
		return netip.Prefix{}, fmt.Errorf("'%s' has bits set behind its prefix: want %s", text, block.Masked())
	}
	return block, nil
}

// blockOwners says which locations hold a block: one, but for the time of a change.
type blockOwners map[netip.Prefix][]string

func (c CIDRCollection) blocks() blockOwners {
	owners := blockOwners{}
	for location, blocks := range c.Locations {
		for _, block := range blocks {
			owners[block] = []string{location}
		}
	}
	return owners
}

// apply puts one block of a change into effect. The lists in o are its own.
func (o blockOwners) apply(change CIDRChange, block netip.Prefix) {
	at := slices.Index(o[block], change.LocationName)
	switch {
	case change.Action == PutCIDR && at < 0:
		o[block] = append(o[block], change.LocationName)
	case change.Action == DeleteCIDRIfExists && at >= 0:
		o[block] = slices.Delete(o[block], at, at+1)
		if len(o[block]) == 0 {
			delete(o, block)
		}
	}
}

// sorted returns the blocks by location, nil when there are none.
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

// checkBlocks judges what a change leaves.
func (c CIDRCollection) checkBlocks(next blockOwners, used func(location string) bool, limits Limits) error {
	kept := map[string]bool{}
	for _, block := range slices.SortedFunc(maps.Keys(next), compareBlocks) {
		// The longest block decides a client's location: two locations cannot have the same one.
		if owners := next[block]; len(owners) > 1 {
			return &CidrBlockInUse{fmt.Sprintf("CIDR block %s is already in use by location %s, location %s cannot have it too",
				block, owners[0], owners[1])}
		}
		kept[next[block][0]] = true
	}
	// Taking a location's last block away takes the location from under its record sets. That the other blocks of a used
	// location can be changed is inferred from Route 53 advising to move blocks between locations without downtime
	// (unconfirmed).
	for _, location := range slices.Sorted(maps.Keys(c.Locations)) {
		if !kept[location] && used != nil && used(location) {
			return &CidrBlockInUse{fmt.Sprintf("The last CIDR block of location %s cannot be deleted, as record sets route to the "+
				"location", location)}
		}
	}
	before := 0
	for _, blocks := range c.Locations {
		before += len(blocks)
	}
	if limit := limits.CIDRBlocksPerCollection; exceeds(limit, before, len(next)) {
		return &LimitsExceeded{fmt.Sprintf("CIDR collection %s would have %d blocks, at most %d are allowed", c.ID, len(next),
			limit)}
	}
	return nil
}

// CheckDelete refuses to delete a collection that has locations, or that a record set routes by (used): with a default
// location only, one can cite an empty collection. The error is *CidrCollectionInUse. r53: C.3.
func (c CIDRCollection) CheckDelete(used bool) error {
	switch {
	case len(c.Locations) > 0:
		return &CidrCollectionInUse{fmt.Sprintf("CIDR collection %s is not empty: it has %d locations", c.ID, len(c.Locations))}
	case used:
		return &CidrCollectionInUse{fmt.Sprintf("CIDR collection %s is in use by record sets", c.ID)}
	}
	return nil
}

// CidrCollectionVersionMismatch is Route 53's error for a change that was made from another version of a collection.
type CidrCollectionVersionMismatch struct {
	ID             string
	Given, Current int64
}

// CidrBlockInUse is Route 53's error for a block that another location has, or that record sets need.
type CidrBlockInUse struct{ Message string }

// CidrCollectionInUse is Route 53's error for deleting a collection that is not empty or that record sets need.
type CidrCollectionInUse struct{ Message string }

// LimitsExceeded is Route 53's error for what goes over an account's limit.
type LimitsExceeded struct{ Message string }

// Error returns a message that names both versions.
func (e *CidrCollectionVersionMismatch) Error() string {
	return fmt.Sprintf("CIDR collection %s has version %d, not %d: it was changed since", e.ID, e.Current, e.Given)
}

// Error returns the message.
func (e *CidrBlockInUse) Error() string { return e.Message }

// Error returns the message.
func (e *CidrCollectionInUse) Error() string { return e.Message }

// Error returns the message.
func (e *LimitsExceeded) Error() string { return e.Message }
