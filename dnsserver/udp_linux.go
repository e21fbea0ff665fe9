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

// batchLen is how many packets one system call takes or sends at most. At 32 the cost of the call is small against
// the cost of the packets; a longer batch would only add to the wait of its first packet. Not configurable: no load
// wants another value.
const batchLen = 32

// receiveBuffer is the kernel's queue of each socket in bytes, so that a pause of the process for some milliseconds
// loses nothing. The system may allow less.
const receiveBuffer = 4 << 20

// listenUDP opens a socket for each worker; the kernel spreads clients over them by address and port.
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
	// These two are improvements where the system has them. Without path MTU discovery nobody can make us send
	// fragments of a size of his choice by forged ICMP messages.
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

// mmsghdr is the kernel's struct of that name: a message and, after receiving or sending it, its length.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// control is room for one control message, aligned as the kernel wants it: IP_PKTINFO or IPV6_PKTINFO, the longer of
// them with 20 bytes.
type control struct {
	hdr  unix.Cmsghdr
	data [20]byte
}

// A slot is a packet of a batch and its reply, which is written into the same buffer.
type slot struct {
	buf     [wire.MaxUDP]byte
	src     unix.RawSockaddrInet6 // or an Inet4, which is shorter
	control control
	iov     unix.Iovec
}

// An engine is a worker's batch. It stays where it is while the kernel has pointers into it.
type engine struct {
	turn  turn
	slots [batchLen]slot
	rx    [batchLen]mmsghdr // rx[i] receives into slots[i]
	tx    [batchLen]mmsghdr // replies without gaps; copies of what they reply to

	received int
	sending  []mmsghdr // of tx: not sent yet
	errno    syscall.Errno
}

// serveUDP answers batch by batch until the socket is closed. Waiting for packets is the runtime's poller's, so a
// worker without work takes no thread, and Close ends the wait.
func (s *Server) serveUDP(conn *net.UDPConn, totals *totals) error {
	fd, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	e := &engine{turn: newTurn()}
	pktinfo := s.addr.Addr().IsUnspecified()
	for i := range e.slots {
		e.prepare(i, pktinfo)
	}
	receive, send := e.receive, e.send // bound once: a method value is an allocation
	for {
		if err := fd.Read(receive); err != nil {
			return err
		}
		switch e.errno {
		case 0:
		case unix.ENOSYS, unix.EPERM:
			return s.servePackets(conn, totals) // a sandbox that knows or allows no recvmmsg
		default:
			s.log.Warn("receive DNS packets", "err", e.errno)
			time.Sleep(receiveBackoff)
			continue
		}
		e.answer(s.latest.Load())
		totals.add(&e.turn.tally)
		if err := e.sendAll(fd, send, totals); err != nil {
			return err
		}
		for i := range e.received {
			e.prepare(i, pktinfo)
		}
	}
}

// prepare makes slot i ready to receive, after the kernel and the reply have changed its lengths.
func (e *engine) prepare(i int, pktinfo bool) {
	p, h := &e.slots[i], &e.rx[i].hdr
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

// receive takes a batch: what is there, without waiting for more. False means wait until there is something.
func (e *engine) receive(fd uintptr) bool {
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&e.rx[0])), batchLen, unix.MSG_DONTWAIT, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		e.received, e.errno = int(n), errno
		return errno != unix.EAGAIN
	}
}

// sendAll sends what is to be sent, except for what the kernel refuses. send is e.send.
func (e *engine) sendAll(fd syscall.RawConn, send func(uintptr) bool, totals *totals) error {
	for len(e.sending) != 0 {
		if err := fd.Write(send); err != nil {
			return err
		}
		if e.errno != 0 {
			e.sending = e.sending[1:] // the packet that was refused, and only that
			totals.n[sendErrors].Add(1)
		}
	}
	return nil
}

// send sends what is to be sent, up to the first packet that the kernel refuses. False means wait until there is
// room.
func (e *engine) send(fd uintptr) bool {
	e.errno = 0
	for len(e.sending) != 0 {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&e.sending[0])), uintptr(len(e.sending)), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			e.sending = e.sending[n:]
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default:
			e.errno = errno
			return true
		}
	}
	return true
}

// answer turns the batch that was received into the batch to be sent.
func (e *engine) answer(p *published) {
	n := 0
	for i := range e.received {
		m, s := &e.rx[i], &e.slots[i]
		src, listens := source(&m.hdr, &s.src)
		if !listens {
			e.turn.drop()
			continue
		}
		reply := e.turn.run(p, s.buf[:m.len], src, udp)
		if reply == nil {
			continue
		}
		s.iov.SetLen(len(reply))
		s.control.anyInterface()
		e.tx[n].hdr = m.hdr
		e.tx[n].hdr.Flags = 0
		n++
	}
	e.sending = e.tx[:n]
}

// source reads the address a packet came from; listens is false for port 0.
func source(h *unix.Msghdr, sa *unix.RawSockaddrInet6) (addr netip.Addr, listens bool) {
	if h.Namelen == unix.SizeofSockaddrInet4 {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		return netip.AddrFrom4(v4.Addr), v4.Port != 0
	}
	return netip.AddrFrom16(sa.Addr), sa.Port != 0
}

// anyInterface changes what the kernel said of a packet into what it should do for the reply: use the same address of
// ours, but the interface that the routes say, which may be another one. Only a link-local address means nothing
// without its interface.
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
