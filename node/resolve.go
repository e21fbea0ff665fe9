package node

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"

	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// resolve finds the IPv4 address of a probed name: from what this node serves itself, else by the system's resolver.
// r53: B.3.
func (n *Node) resolve(ctx context.Context, host string) (netip.Addr, error) {
	if name, err := zone.ParseName(host); err == nil {
		addr, ours, err := n.resolveOwn(name)
		if ours {
			return addr, err
		}
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
	if err != nil {
		return netip.Addr{}, err
	}
	if len(addrs) == 0 {
		return netip.Addr{}, fmt.Errorf("%s has no A record", host)
	}
	return addrs[rand.IntN(len(addrs))].Unmap(), nil
}

// resolveOwn asks the node's own view; ours is false when no zone of it holds the name.
func (n *Node) resolveOwn(name zone.Name) (addr netip.Addr, ours bool, err error) {
	view, table := n.dns.Published()
	if view == nil {
		return netip.Addr{}, false, nil
	}
	q := steer.Query{Name: name.AppendWire(nil), Type: zone.A, Rand: rand.Uint64()}
	var a steer.Answer
	steer.Decide(view, table, &q, &a)
	switch a.Outcome {
	case steer.Refused, steer.Referral:
		return netip.Addr{}, false, nil
	case steer.Answered:
		for _, link := range a.Links[:a.N] {
			if addr, ok := firstAddress(link.RRs.Wire); ok {
				return addr, true, nil
			}
		}
	}
	return netip.Addr{}, true, fmt.Errorf("%s has no A record in the engine's own zones", name)
}

// firstAddress finds the first A record in resource records without owner names (RFC 1035 section 3.2.1).
func firstAddress(rrs []byte) (netip.Addr, bool) {
	const fixed = 2 + 2 + 4 + 2 // type, class, TTL, RDLENGTH
	for len(rrs) >= fixed {
		length := int(binary.BigEndian.Uint16(rrs[8:]))
		if zone.RRType(binary.BigEndian.Uint16(rrs)) == zone.A && length == 4 {
			return netip.AddrFrom4([4]byte(rrs[fixed : fixed+4])), true
		}
		rrs = rrs[min(fixed+length, len(rrs)):]
	}
	return netip.Addr{}, false
}
