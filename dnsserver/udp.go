package dnsserver

import (
	"errors"
	"net"
	"time"

	"github.com/bulkhead-dns/bulkhead/wire"
)

// controlLen has room for the one control message we ask for, which says to which of our addresses a packet was sent.
const controlLen = 64

// receiveBackoff is the pause after a socket failed to receive, so that a lasting failure costs no CPU.
const receiveBackoff = 10 * time.Millisecond

// servePackets answers packet by packet through the net package, wherever batches are not to be had. A control
// message goes back as it came, so that the reply leaves from the address that was asked.
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
			// Errors of earlier packets and want of memory pass, what else there may be must not spin.
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
