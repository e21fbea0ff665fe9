package dnsserver

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bulkhead-dns/bulkhead/wire"
)

// batchLen is the largest number of packets that one system call receives or sends. With 32 packets, the call costs
// little compared to the packets, and a longer batch would only delay its first packet. It is not configurable, because
// no load needs another value.
const batchLen = 32

// receiveBuffer is the size of each socket's queue in the kernel, in bytes. It is large, so that a pause of the process
// of some milliseconds loses no packets. The system may allow less.
const receiveBuffer = 4 << 20

// listenUDP opens a socket for each worker. The kernel distributes clients over them by address and port.
func listenUDP(addr netip.AddrPort, workers int) (conns []*net.UDPConn, err error) {
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(fd uintptr) { failed = setOptions(int(fd), addr.Addr()) })
		return errors.Join(err, failed)
	}}
	for range workers {
		conn, err := lc.ListenPacket(context.Background(), network("udp", addr), addr.String())
		if err != nil {
			for _, c := range conns {
				c.Close()
			}
			return nil, err
		}
		conns = append(conns, conn.(*net.UDPConn))
	}
	return conns, nil
}

// setOptions prepares a socket before it is bound.
func setOptions(fd int, addr netip.Addr) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return err
	}
	// These two options are improvements; errors do not matter. Without path MTU discovery, forged ICMP messages cannot
	// make us send small fragments.
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	if addr.Is4() {
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_OMIT)
	} else {
		unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_OMIT)
	}
	switch {
	case !addr.IsUnspecified():
		return nil // the socket has one address, and replies leave from it
	case addr.Is4():
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	default:
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	}
}

// mmsghdr is the kernel's struct of that name: a message and, after it was received or sent, its length.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// control has space for one control message with the alignment that the kernel needs: IP_PKTINFO, or IPV6_PKTINFO,
// which is the longer one with 20 bytes.
type control struct {
	hdr  unix.Cmsghdr
	data [20]byte
}

// A slot has one packet of a batch. Its reply is written into the same buffer.
type slot struct {
	buf     [wire.MaxUDP]byte
	src     unix.RawSockaddrInet6 // or an Inet4, which is shorter
	control control
	iov     unix.Iovec
}

// A batch has the packets that one system call receives, and their replies. A worker uses one batch again and again. A
// batch must not move in memory, because the kernel has pointers into it.
type batch struct {
	turn  turn
	slots [batchLen]slot
	rx    [batchLen]mmsghdr // rx[i] receives into slots[i]
	tx    [batchLen]mmsghdr // the replies, without gaps: copies of the headers of their queries

	received int
	sending  []mmsghdr // the part of tx that is not sent yet
	errno    syscall.Errno
}

// serveUDP answers batch by batch until the socket is closed. The poller of the Go runtime waits for packets, so an
// idle worker uses no thread, and Close ends the wait.
func (s *Server) serveUDP(conn *net.UDPConn, totals *totals) error {
	fd, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	b := &batch{turn: newTurn()}
	pktinfo := s.addr.Addr().IsUnspecified()
	for i := range b.slots {
		b.prepare(i, pktinfo)
	}
	receive, send := b.receive, b.send // created once, because a method value is an allocation
	for {
		if err := fd.Read(receive); err != nil {
			return err
		}
		switch b.errno {
		case 0:
		case unix.ENOSYS, unix.EPERM:
			return s.servePackets(conn, totals) // a sandbox without recvmmsg
		default:
			s.log.Warn("receive DNS packets", "err", b.errno)
			time.Sleep(receiveBackoff)
			continue
		}
		b.answer(s.latest.Load())
		totals.add(&b.turn.tally)
		if err := b.sendAll(fd, send, totals); err != nil {
			return err
		}
		for i := range b.received {
			b.prepare(i, pktinfo)
		}
	}
}

// prepare makes slot i ready to receive. The kernel and the reply have changed its lengths.
func (b *batch) prepare(i int, pktinfo bool) {
	p, h := &b.slots[i], &b.rx[i].hdr
	p.iov.Base = &p.buf[0]
	p.iov.SetLen(len(p.buf))
	h.Iov = &p.iov
	h.SetIovlen(1)
	h.Name = (*byte)(unsafe.Pointer(&p.src))
	h.Namelen = uint32(unsafe.Sizeof(p.src))
	if pktinfo {
		h.Control = (*byte)(unsafe.Pointer(&p.control))
		h.SetControllen(int(unsafe.Sizeof(p.control)))
	}
}

// receive receives the packets that are there, without waiting for more. It returns false if there is none.
func (b *batch) receive(fd uintptr) bool {
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&b.rx[0])), batchLen,
			unix.MSG_DONTWAIT, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		b.received, b.errno = int(n), errno
		return errno != unix.EAGAIN
	}
}

// sendAll sends the replies, except those that the kernel refuses. send is b.send.
func (b *batch) sendAll(fd syscall.RawConn, send func(uintptr) bool, totals *totals) error {
	for len(b.sending) != 0 {
		if err := fd.Write(send); err != nil {
			return err
		}
		if b.errno != 0 {
			b.sending = b.sending[1:] // skip only the refused packet
			totals.n[sendErrors].Add(1)
		}
	}
	return nil
}

// send sends the replies, up to the first packet that the kernel refuses. It returns false if the kernel's queue is
// full.
func (b *batch) send(fd uintptr) bool {
	b.errno = 0
	for len(b.sending) != 0 {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&b.sending[0])), uintptr(len(b.sending)),
			unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			b.sending = b.sending[n:]
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default:
			b.errno = errno
			return true
		}
	}
	return true
}

// answer answers the received packets and collects the replies to send.
func (b *batch) answer(p *published) {
	n := 0
	for i := range b.received {
		m, s := &b.rx[i], &b.slots[i]
		src, listens := source(&m.hdr, &s.src)
		if !listens {
			b.turn.drop()
			continue
		}
		reply := b.turn.run(p, s.buf[:m.len], src, udp)
		if reply == nil {
			continue
		}
		s.iov.SetLen(len(reply))
		s.control.anyInterface()
		b.tx[n].hdr = m.hdr
		b.tx[n].hdr.Flags = 0
		n++
	}
	b.sending = b.tx[:n]
}

// source returns the address that a packet came from. listens is false for port 0.
func source(h *unix.Msghdr, sa *unix.RawSockaddrInet6) (addr netip.Addr, listens bool) {
	if h.Namelen == unix.SizeofSockaddrInet4 {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		return netip.AddrFrom4(v4.Addr), v4.Port != 0
	}
	return netip.AddrFrom16(sa.Addr), sa.Port != 0
}

// anyInterface turns the control message of a query into that of its reply. The reply leaves from the address that got
// the query, but by the interface that the routes choose, which may be another one. Only a link-local address needs its
// interface.
func (c *control) anyInterface() {
	switch {
	case c.hdr.Level == unix.IPPROTO_IP && c.hdr.Type == unix.IP_PKTINFO:
		info := (*unix.Inet4Pktinfo)(unsafe.Pointer(&c.data))
		info.Ifindex = 0
	case c.hdr.Level == unix.IPPROTO_IPV6 && c.hdr.Type == unix.IPV6_PKTINFO:
		info := (*unix.Inet6Pktinfo)(unsafe.Pointer(&c.data))
		if !netip.AddrFrom16(info.Addr).IsLinkLocalUnicast() {
			info.Ifindex = 0
		}
	}
}
