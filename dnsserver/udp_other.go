//go:build !linux

package dnsserver

import (
	"errors"
	"net"
	"net/netip"
)

// listenUDP opens one socket for any number of workers, because SO_REUSEPORT differs from system to system.
func listenUDP(addr netip.AddrPort, _ int) ([]*net.UDPConn, error) {
	if addr.Addr().IsUnspecified() {
		return nil, errors.New("an unspecified address works on Linux only, because replies could leave from another " +
			"address than the one that got the query: give one address")
	}
	conn, err := net.ListenUDP(network("udp", addr), net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	return []*net.UDPConn{conn}, nil
}

func (s *Server) serveUDP(conn *net.UDPConn, totals *totals) error {
	return s.servePackets(conn, totals)
}
