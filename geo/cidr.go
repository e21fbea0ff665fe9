package geo

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// Blocks is a CIDR collection compiled for lookups of the location with the longest block that contains a client. It is
// immutable. nil is a collection without blocks.
type Blocks struct {
	table              bart.Table[block]
	longest4, longest6 int // length of the longest block of each family
}

// A block has its location and its length in bits. nested is set if there are longer blocks inside it.
type block struct {
	location string
	bits     int
	nested   bool
}

// NewBlocks compiles the blocks of each location. The error names a block that is not a prefix, that has bits beyond
// its length, or that is in two locations.
func NewBlocks(locations map[string][]netip.Prefix) (*Blocks, error) {
	b := &Blocks{}
	var list []netip.Prefix
	for _, name := range slices.Sorted(maps.Keys(locations)) {
		for _, given := range locations[name] {
			p := unmapPrefix(given)
			if !p.IsValid() || p != p.Masked() {
				return nil, fmt.Errorf("location %s: %s is not a CIDR block such as 192.0.2.0/24", name, given)
			}
			if other, ok := b.table.Get(p); ok && other.location != name {
				return nil, fmt.Errorf("location %s: block %s is in location %s already", name, given, other.location)
			}
			b.table.Insert(p, block{location: name, bits: p.Bits()})
			list = append(list, p)
			if longest := b.longest(p.Addr()); p.Bits() > *longest {
				*longest = p.Bits()
			}
		}
	}
	for _, p := range list {
		at, _ := b.table.Get(p)
		at.nested = hasInside(&b.table, p)
		b.table.Insert(p, at)
	}
	return b, nil
}

func (b *Blocks) longest(addr netip.Addr) *int {
	if addr.Is4() {
		return &b.longest4
	}
	return &b.longest6
}

// Locate finds the location of a client, without allocating. client is what is known of its address, IPv4-mapped or
// not. A block that is longer than client does not match, though the client may be inside it (r53: A.8). location is
// empty when no block matches.
//
// scope is the prefix length for which the location holds (RFC 7871 section 7.2.1), as for Atlas.Locate: the length of
// the block, or of the collection's longest block where a longer block could give another location.
func (b *Blocks) Locate(client netip.Prefix) (location string, scope int) {
	p, mapped := unmapClient(client)
	if b == nil || !p.IsValid() {
		return "", 0
	}
	at, ok := b.table.LookupPrefix(p)
	if ok && !at.nested {
		return at.location, mapped + at.bits
	}
	return at.location, mapped + *b.longest(p.Addr())
}

// Block returns the block that decides the location of a client, for display, or the zero Prefix if there is none.
func (b *Blocks) Block(client netip.Prefix) netip.Prefix {
	p, _ := unmapClient(client)
	if b == nil || !p.IsValid() {
		return netip.Prefix{}
	}
	decided, _, _ := b.table.LookupPrefixLPM(p)
	return decided
}

// unmapClient returns a client's prefix in the form that prefix tables have: IPv4 instead of IPv4-mapped IPv6. mapped
// is how many bits shorter the address is then, 96 or 0.
func unmapClient(client netip.Prefix) (p netip.Prefix, mapped int) {
	addr := client.Addr().Unmap()
	mapped = client.Addr().BitLen() - addr.BitLen()
	p, _ = addr.Prefix(max(client.Bits()-mapped, 0)) // the zero Addr makes the zero Prefix
	return p, mapped
}
