package r53server

import (
	"net"
	"net/netip"
	"sync"
)

// maxPerClient is how many requests of one client are worked on at once. Each may hold maxBody bytes before its signature is
// known, so the bound holds for everybody, throttled or not.
const maxPerClient = 64

// PerClient counts what every client has under way, up to a bound. It remembers only clients that have something.
type PerClient struct {
	max  int
	mu   sync.Mutex
	busy map[netip.Prefix]int
}

// NewPerClient allows every client up to max at once.
func NewPerClient(max int) *PerClient {
	return &PerClient{max: max, busy: map[netip.Prefix]int{}}
}

// Enter counts one more for the client with this address ("192.0.2.1:4711"); leave must be called once when it is done. ok
// is false, and leave nil, when the client has as many as it may.
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

// clientOf is the client's address, of IPv6 the /64 that one host can have for itself. All that have no address (at a Unix
// socket) are one client.
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
