package r53server

import (
	"net"
	"net/netip"
	"sync"
)

// maxPerClient is how many requests of one client may be in flight. Each may hold maxBody bytes before its signature is
// checked, so the limit is always on.
const maxPerClient = 64

// PerClient counts the requests that each client has in flight, up to a limit. It remembers only clients that have
// some.
type PerClient struct {
	max  int
	mu   sync.Mutex
	busy map[netip.Prefix]int
}

// NewPerClient allows every client up to max requests in flight.
func NewPerClient(max int) *PerClient {
	return &PerClient{max: max, busy: map[netip.Prefix]int{}}
}

// Enter counts one more request of the client with this address ("192.0.2.1:4711"). The caller calls leave once, when
// the request is done. If the client is at its limit, ok is false and leave is nil.
func (c *PerClient) Enter(remoteAddr string) (leave func(), ok bool) {
	client := clientOf(remoteAddr)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy[client] >= c.max {
		return nil, false
	}
	c.busy[client]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.busy[client]--; c.busy[client] == 0 {
			delete(c.busy, client)
		}
	}, true
}

// clientOf is the client's IPv4 address, or the /64 of its IPv6 address, because one host can have a /64 for itself.
// All clients without an address, as at a Unix socket, count as one.
func clientOf(remoteAddr string) netip.Prefix {
	host, _, err := net.SplitHostPort(remoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	return netip.PrefixFrom(addr, min(addr.BitLen(), 64)).Masked()
}
