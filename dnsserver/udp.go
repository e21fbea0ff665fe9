package dnsserver

import (
	"errors"
	"net"
	"time"

	"github.com/bulkhead-dns/bulkhead/wire"
)

// controlLen is enough for the one control message that we ask for: the address to which a packet was sent.
const controlLen = 64

// receiveBackoff is the backoff after a failed receive, so that a lasting failure does not use a whole CPU.
const receiveBackoff = 10 * time.Millisecond

// servePackets answers packet by packet, through the net package, on systems without batches. It sends the control
// message of the query back with the reply, so that the reply leaves from the address that got the query.
func (s *Server) servePackets(conn *net.UDPConn, totals *totals) error {
	t := newTurn()
	buf := make([]byte, wire.MaxUDP)
	control := make([]byte, controlLen)
	for {
		n, nc, _, src, err := conn.ReadMsgUDPAddrPort(buf, control)
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		if err != nil {
			// Errors of earlier packets and lack of memory pass. Other errors must not make this loop spin.
			s.log.Warn("receive DNS packets", "err", err)
			time.Sleep(receiveBackoff)
			continue
		}
		var reply []byte
		if src.Port() != 0 {
			reply = t.run(s.latest.Load(), buf[:n], src.Addr(), udp)
		} else {
			t.drop()
		}
		totals.add(&t.tally)
		if reply == nil {
			continue
		}
		if _, _, err := conn.WriteMsgUDPAddrPort(reply, control[:nc], src); err != nil {
			totals.n[sendErrors].Add(1)
		}
	}
}
