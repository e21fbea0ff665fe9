package prober

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/bulkhead-dns/bulkhead/health"
)

// probe makes one probe over a connection of its own. r53: B.1, B.3.
func (p *Prober) probe(ctx context.Context, j job) result {
	c := j.check.Config
	address, byName, err := p.address(ctx, c)
	if err != nil {
		return fail(err, netip.Addr{})
	}
	if health.Forbidden(address, p.o.AllowedAddresses) {
		p.warnInternal(j.check.ID, address)
		return fail(failure(addressRefused), netip.Addr{}) // which address a name has inside is not told either
	}
	resolved := netip.Addr{}
	if byName {
		resolved = address
	}
	to := endpoint{from: j.checker.source(address), to: netip.AddrPortFrom(address, uint16(c.PortNumber()))}
	if c.Type == health.TCP {
		return p.probeTCP(ctx, to, resolved)
	}
	conn, err := p.open(ctx, to, c)
	if err != nil {
		return fail(err, resolved)
	}
	defer hangUp(conn)
	defer context.AfterFunc(ctx, func() { hangUp(conn) })()
	code, err := p.ask(conn, c, j.check.ID)
	if err != nil {
		return fail(err, resolved)
	}
	return success(statusText(code))
}

// An endpoint is where a probe goes, and where from when that matters.
type endpoint struct {
	from netip.Addr
	to   netip.AddrPort
}

// source is the address that probes of an endpoint leave from; the zero address leaves it to the system.
func (c Checker) source(to netip.Addr) netip.Addr {
	if !c.Bind || c.IPAddress.Unmap().Is4() != to.Unmap().Is4() {
		return netip.Addr{}
	}
	return c.IPAddress
}

// address is where the check points now: its literal address, or the IPv4 address of its name, asked for at every
// probe. r53: B.3.
func (p *Prober) address(ctx context.Context, c health.Config) (a netip.Addr, byName bool, err error) {
	if c.IPAddress != "" {
		a, err = netip.ParseAddr(c.IPAddress)
		return a, false, err
	}
	name := strings.TrimSuffix(c.FullyQualifiedDomainName, ".")
	// That resolution has a budget of its own, the size of the connection's, is (unconfirmed).
	ctx, cancel := context.WithTimeout(ctx, health.ConnectTimeout)
	defer cancel()
	a, err = p.o.Resolve(ctx, name)
	if err != nil {
		if ownFault(err) {
			return netip.Addr{}, true, err
		}
		return netip.Addr{}, true, failure("DNS resolution failed: " + unresolved(err))
	}
	a = a.Unmap()
	if !a.Is4() {
		return netip.Addr{}, true, failure("DNS resolution failed: " + name + " has no IPv4 address")
	}
	return a, true, nil
}

// unresolved says why a name has no address. The system's own words have the addresses of resolvers.
func unresolved(err error) string {
	var system *net.DNSError
	switch {
	case !errors.As(err, &system):
		return err.Error()
	case system.IsNotFound:
		return system.Name + " has no IPv4 address"
	case system.IsTimeout:
		return "no resolver answered in time"
	}
	return "no resolver gave an answer"
}

// systemResolve takes the first IPv4 address that the system gives; which of several Route 53 takes is (unconfirmed).
func systemResolve(ctx context.Context, host string) (netip.Addr, error) {
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
	if err != nil {
		return netip.Addr{}, err
	}
	if len(addresses) == 0 {
		return netip.Addr{}, fmt.Errorf("%s has no IPv4 address", host)
	}
	return addresses[0], nil
}

// dialTCP connects. Keep-alives have no use on connections this short and cost system calls.
func dialTCP(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{KeepAlive: -1}
	if from.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	return d.DialContext(ctx, "tcp", to.String())
}

// probeTCP succeeds when the connection does. r53: B.1.
func (p *Prober) probeTCP(ctx context.Context, e endpoint, resolved netip.Addr) result {
	ctx, cancel := context.WithTimeout(ctx, health.TCPTimeout)
	defer cancel()
	conn, err := p.dial(ctx, e.from, e.to)
	if err != nil {
		return fail(reason(err, connectTimedOut), resolved)
	}
	conn.Close()
	return success("The TCP connection was established.") // text (unconfirmed)
}

// open connects, with TLS where the type says so. A certificate that does not have the name sent by SNI makes a second
// attempt without SNI, on a new connection with a new budget. r53: B.1, B.3.
func (p *Prober) open(ctx context.Context, e endpoint, c health.Config) (net.Conn, error) {
	name := ""
	if c.SendsSNI() {
		name = strings.TrimSuffix(c.FullyQualifiedDomainName, ".")
	}
	conn, err := p.connect(ctx, e, c.Type.IsTLS(), name)
	if err != nil || name == "" || named(conn, name) {
		return conn, err
	}
	hangUp(conn)
	return p.connect(ctx, e, true, "")
}

// connect makes one connection and handshake within ConnectTimeout.
func (p *Prober) connect(ctx context.Context, e endpoint, secure bool, name string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, health.ConnectTimeout)
	defer cancel()
	conn, err := p.dial(ctx, e.from, e.to)
	if err != nil {
		return nil, reason(err, connectTimedOut)
	}
	// Reset instead of lingering in TIME_WAIT: thousands of probes of one load balancer would run out of ports.
	if t, ok := conn.(*net.TCPConn); ok {
		err = t.SetLinger(0)
		if err != nil {
			conn.Close()
			return nil, reason(err, connectTimedOut)
		}
	}
	if !secure {
		return conn, nil
	}
	t := tls.Client(conn, &tls.Config{
		ServerName:         name,
		InsecureSkipVerify: true, // r53: B.1: certificates are not validated
		MinVersion:         tls.VersionTLS10,
		CipherSuites:       allCipherSuites(),
	})
	err = t.HandshakeContext(ctx)
	if err != nil {
		conn.Close()
		return nil, alert(err)
	}
	return t, nil
}

// allCipherSuites are also those that only old endpoints need: this is a check of health, not of strength.
func allCipherSuites() []uint16 {
	var ids []uint16
	for _, s := range tls.CipherSuites() {
		ids = append(ids, s.ID)
	}
	for _, s := range tls.InsecureCipherSuites() {
		ids = append(ids, s.ID)
	}
	return ids
}

// named says that the certificate has the name: as alternative name, or as common name, which old ones have only.
func named(conn net.Conn, name string) bool {
	certificates := conn.(*tls.Conn).ConnectionState().PeerCertificates
	if len(certificates) == 0 {
		return false
	}
	leaf := certificates[0]
	return leaf.VerifyHostname(name) == nil || strings.EqualFold(leaf.Subject.CommonName, name)
}

// hangUp closes the connection below TLS at once: a close notification would have to wait for a stalled endpoint.
func hangUp(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	conn.Close()
}

// ask sends the request and judges the response. It returns the status code of a healthy one. r53: B.1, G.1 6.
func (p *Prober) ask(conn net.Conn, c health.Config, id string) (code int, err error) {
	buf := p.buffers.Get().(*[maxHead]byte)
	defer p.buffers.Put(buf)
	err = conn.SetDeadline(time.Now().Add(health.ResponseTimeout))
	if err != nil {
		return 0, reason(err, responseTimedOut)
	}
	_, err = conn.Write(appendRequest(buf[:0], c, id))
	if err != nil {
		return 0, reason(err, responseTimedOut)
	}
	h, rest, err := readHead(conn, buf)
	if err != nil {
		return 0, reason(err, responseTimedOut)
	}
	if h.code < 200 || h.code > 399 {
		return 0, failure(statusText(h.code))
	}
	if !c.Type.MatchesString() {
		return h.code, nil
	}
	err = conn.SetReadDeadline(time.Now().Add(health.BodyTimeout))
	if err != nil {
		return 0, reason(err, bodyTimedOut)
	}
	err = search(h, rest, conn, c.SearchString)
	if err != nil {
		return 0, reason(err, bodyTimedOut)
	}
	return h.code, nil
}

// appendRequest writes the request. Which headers AWS sends besides Host and User-Agent is (unconfirmed); the codings
// are those that the search decodes. r53: B.3.
func appendRequest(b []byte, c health.Config, id string) []byte {
	b = append(b, "GET "...)
	b = appendPath(b, c.Path())
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = appendHost(b, c)
	b = append(b, "\r\nUser-Agent: Amazon-Route53-Health-Check-Service (ref "...)
	b = append(b, id...)
	b = append(b, "; report http://amzn.to/1vsZADi)\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n"+
		"Connection: close\r\n\r\n"...)
	return b
}

// appendPath writes the request target; what may not stand in one is percent-encoded.
func appendPath(b []byte, path string) []byte {
	for i := range len(path) {
		if ch := path[i]; ch <= ' ' || ch >= 0x7f {
			b = append(b, '%', "0123456789ABCDEF"[ch>>4], "0123456789ABCDEF"[ch&15])
		} else {
			b = append(b, ch)
		}
	}
	return b
}

// appendHost writes the FQDN, or the address without one, and the port unless it is the scheme's own. r53: B.3.
func appendHost(b []byte, c health.Config) []byte {
	switch {
	case c.FullyQualifiedDomainName != "":
		b = append(b, strings.TrimSuffix(c.FullyQualifiedDomainName, ".")...)
	case strings.Contains(c.IPAddress, ":"):
		b = append(append(append(b, '['), c.IPAddress...), ']')
	default:
		b = append(b, c.IPAddress...)
	}
	port, own := c.PortNumber(), 80
	if c.Type.IsTLS() {
		own = 443
	}
	if port != own {
		b = strconv.AppendInt(append(b, ':'), int64(port), 10)
	}
	return b
}
