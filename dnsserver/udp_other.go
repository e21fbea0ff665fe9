//go:build !linux

package dnsserver

import (
	"errors"
	"net"
	"net/netip"
)

// listenUDP opens one socket, whatever the number of workers: what SO_REUSEPORT does differs from system to system.
func listenUDP(addr netip.AddrPort, _ int) ([]*net.UDPConn, error) {
	if addr.Addr().IsUnspecified() {
		return nil, errors.New("replies could leave from another address than was asked: give one concrete address")
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
