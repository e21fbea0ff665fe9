package prober

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/bulkhead-dns/bulkhead/health"
)

const ok200 = "Success: HTTP Status Code 200, OK"

func TestStatusOfHTTPResponses(t *testing.T) {
	p := newProber(t, Options{})
	pad := func(n int) string { // a header of n bytes in all
		const rest = "HTTP/1.1 200 OK\r\nX: \r\n\r\n"
		return "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", n-len(rest)) + "\r\n\r\n"
	}
	for _, test := range []struct{ rule, response, want string }{
		{"r53: B.7", "HTTP/1.1 200 OK\r\n\r\nhello", ok200},
		{"r53: B.7", "HTTP/1.1 503 Service Unavailable\r\n\r\n", "Failure: HTTP Status Code 503, Service Unavailable"},
		{"r53: B.1 200 <= code < 400", "HTTP/1.1 204 No Content\r\n\r\n", "Success: HTTP Status Code 204, No Content"},
		{"r53: B.1 200 <= code < 400", "HTTP/1.1 399 Odd\r\n\r\n", "Success: HTTP Status Code 399"},
		{"r53: B.1 200 <= code < 400", "HTTP/1.1 400 Bad Request\r\n\r\n", "Failure: HTTP Status Code 400, Bad Request"},
		{"r53: B.1 200 <= code < 400", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "Failure: HTTP Status Code 101, Switching Protocols"},
		{"r53: B.3, G.1 6: redirects are not followed", "HTTP/1.1 301 Moved Permanently\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
			"Success: HTTP Status Code 301, Moved Permanently"},
		{"rfc 7231 6.2: interim responses are passed over", "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 500 x\r\n\r\n",
			"Failure: HTTP Status Code 500, Internal Server Error"},
		{"r53: B.3 at most 16,384 bytes", pad(16384), ok200},
		{"r53: B.3 at most 16,384 bytes", pad(16385), "Failure: The response header is longer than 16384 bytes."},
		{"r53: B.3 in total", "HTTP/1.1 100 Continue\r\n\r\n" + pad(16384), "Failure: The response header is longer than 16384 bytes."},
		{"r53: B.3 well-formed", "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n", "Failure: The response header is malformed."},
		{"r53: B.3 well-formed", "HTTP/1.1 200 OK\r\nName : x\r\n\r\n", "Failure: The response header is malformed."},
		{"r53: B.3 well-formed", "HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n", "Failure: The response header is malformed."},
		{"rfc 7230 3.3.3", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "Failure: The response header is malformed."},
		{"rfc 7230 3.3.3", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", "Failure: The response header is malformed."},
		{"rfc 7230 3.2.4: folding is read", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", ok200},
		{"rfc 7230 3.5: a bare LF is read", "HTTP/1.1 200 OK\nX: a\n\n", ok200},
		{"rfc 7230 2.6: 1.0 is read", "HTTP/1.0 200\r\n\r\n", ok200},
		{"not HTTP at all", "SSH-2.0-OpenSSH_9.2\r\n", "Failure: The response is not HTTP/1.1."},
		{"not HTTP/1", "HTTP/2.0 200 OK\r\n\r\n", "Failure: The response is not HTTP/1.1."},
		{"not a code", "HTTP/1.1 2x0 OK\r\n\r\n", "Failure: The response is not HTTP/1.1."},
		{"r53: B.7 closed before the header is whole", "HTTP/1.1 200 OK\r\nX: a\r\n", "Failure: The connection was closed by the endpoint."},
		{"r53: B.7 closed without a response", "", "Failure: The connection was closed by the endpoint."},
	} {
		to := listen(t, answering(test.response))
		if got := probeOnce(t.Context(), p, at(health.HTTP, to)); test.want != got {
			t.Errorf("%s: %.60q\nwant %s\ngot  %s", test.rule, test.response, test.want, got)
		}
	}
}

func compressed(w func(io.Writer) io.WriteCloser, text string) string {
	var b bytes.Buffer
	c := w(&b)
	io.WriteString(c, text)
	c.Close()
	return b.String()
}

func TestSearchString(t *testing.T) {
	p := newProber(t, Options{})
	withGzip := func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
	withZlib := func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }
	withFlate := func(w io.Writer) io.WriteCloser { c, _ := flate.NewWriter(w, 6); return c }
	const (
		missing = "Failure: The search string was not found in the first 5120 bytes of the body."
		closed  = "Failure: The connection was closed by the endpoint."
	)
	zeros := func(n int) string { return strings.Repeat("0", n) }
	for _, test := range []struct{ rule, response, want string }{
		{"r53: B.1", "\r\n\r\nall is well", ok200},
		{"r53: B.1", "\r\n\r\nall is broken", missing},
		{"r53: B.2 case-sensitive", "\r\n\r\nall is WELL", missing},
		{"r53: B.1 wholly inside the first 5,120 bytes", "\r\n\r\n" + zeros(5116) + "well", ok200},
		{"r53: B.1 wholly inside the first 5,120 bytes", "\r\n\r\n" + zeros(5117) + "well", missing},
		{"no body", "\r\nContent-Length: 0\r\n\r\n", missing},
		{"rfc 7230 3.3.3: bytes after the body are not of it", "\r\nContent-Length: 3\r\n\r\nbutwell", missing},
		{"closed in the body", "\r\nContent-Length: 10\r\n\r\nwe", closed},
		{"found before the body is whole", "\r\nContent-Length: 10\r\n\r\nwell", ok200},
		{"rfc 7230 4.1: chunks", "\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nwe\r\n2\r\nll\r\n0\r\n\r\n", ok200},
		{"rfc 7230 4.1: chunks", "\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nwe\r\n0\r\n\r\n", missing},
		{"rfc 7230 4.1: chunks", "\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nw", closed},
		{"rfc 7230 4.1: chunks", "\r\nTransfer-Encoding: chunked\r\n\r\nwell\r\n", "Failure: The body is malformed: invalid byte in chunk length."},
		{"rfc 7230 3.3.3: chunked overrides the length", "\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwell\r\n0\r\n\r\n", ok200},
		{"r53: B.3 gzip", "\r\nContent-Encoding: gzip\r\n\r\n" + compressed(withGzip, "all is well"), ok200},
		{"r53: B.3 gzip", "\r\nContent-Encoding: gzip\r\n\r\n" + compressed(withGzip, "all is broken"), missing},
		{"r53: B.1, B.3 5,120 bytes as decoded", "\r\nContent-Encoding: gzip\r\n\r\n" + compressed(withGzip, zeros(5116)+"well"), ok200},
		{"r53: B.1, B.3 5,120 bytes as decoded", "\r\nContent-Encoding: gzip\r\n\r\n" + compressed(withGzip, zeros(5117)+"well"), missing},
		{"r53: B.3 gzip", "\r\nContent-Encoding: gzip\r\n\r\nwell, this is no gzip", "Failure: The body is malformed: gzip: invalid header."},
		{"r53: B.3 gzip cut short", "\r\nContent-Encoding: gzip\r\n\r\n" + compressed(withGzip, "all is well")[:12], closed},
		{"r53: B.3 deflate", "\r\nContent-Encoding: Deflate\r\n\r\n" + compressed(withZlib, "all is well"), ok200},
		{"r53: B.3 deflate without zlib's frame", "\r\nContent-Encoding: deflate\r\n\r\n" + compressed(withFlate, "all is well"), ok200},
		{"r53: B.3 any other coding fails", "\r\nContent-Encoding: br\r\n\r\nwell", "Failure: The content coding \"br\" is not supported: only gzip and deflate are decoded."},
		{"r53: B.3 any other coding fails", "\r\nContent-Encoding: gzip\r\nContent-Encoding: gzip\r\n\r\nwell", "Failure: The content coding \"gzip,gzip\" is not supported: only gzip and deflate are decoded."},
	} {
		to := listen(t, answering("HTTP/1.1 200 OK"+test.response))
		c := at(health.HTTPStrMatch, to)
		c.SearchString = "well"
		if got := probeOnce(t.Context(), p, c); test.want != got {
			t.Errorf("%s: %.60q\nwant %s\ngot  %s", test.rule, test.response, test.want, got)
		}
	}
	// A status without a body, and one that fails whatever the body says. r53: B.1
	for response, want := range map[string]string{
		"HTTP/1.1 204 No Content\r\n\r\nwell":     missing,
		"HTTP/1.1 500 Server Error\r\n\r\nwell":   "Failure: HTTP Status Code 500, Internal Server Error",
		"HTTP/1.1 302 Found\r\n\r\nwell, go on":   "Success: HTTP Status Code 302, Found",
		"HTTP/1.1 304 Not Modified\r\n\r\nwell\n": missing,
	} {
		c := at(health.HTTPStrMatch, listen(t, answering(response)))
		c.SearchString = "well"
		if got := probeOnce(t.Context(), p, c); want != got {
			t.Errorf("%q\nwant %s\ngot  %s", response, want, got)
		}
	}
}

func TestRequestOnTheWire(t *testing.T) {
	requests := make(chan string, 1)
	to := listen(t, func(c net.Conn) {
		requests <- readRequest(c)
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
	})
	p := newProber(t, Options{Resolve: resolver(to.Addr())})
	c := byName(health.HTTP, to)
	c.FullyQualifiedDomainName = "app1.example.com."
	c.ResourcePath = "a b?q=é"
	if got := probeOnce(t.Context(), p, c); got != ok200 {
		t.Fatal(got)
	}
	want := "GET /a%20b?q=%C3%A9 HTTP/1.1\r\n" + // r53: B.2 leading "/" added
		fmt.Sprintf("Host: app1.example.com:%d\r\n", to.Port()) +
		"User-Agent: Amazon-Route53-Health-Check-Service (ref 0a1b; report http://amzn.to/1vsZADi)\r\n" + // r53: B.3
		"Accept: */*\r\nAccept-Encoding: gzip, deflate\r\nConnection: close\r\n\r\n"
	if diff := cmp.Diff(want, <-requests); diff != "" {
		t.Errorf("the request (-want +got):\n%s", diff)
	}
}

func TestHostHeader(t *testing.T) {
	for _, test := range []struct {
		c    health.Config
		want string
	}{ // r53: B.3
		{health.Config{Type: health.HTTP, FullyQualifiedDomainName: "a.example.com"}, "a.example.com"},
		{health.Config{Type: health.HTTP, FullyQualifiedDomainName: "a.example.com", Port: new(80)}, "a.example.com"},
		{health.Config{Type: health.HTTP, FullyQualifiedDomainName: "a.example.com", Port: new(443)}, "a.example.com:443"},
		{health.Config{Type: health.HTTPS, FullyQualifiedDomainName: "a.example.com", Port: new(443)}, "a.example.com"},
		{health.Config{Type: health.HTTPSStrMatch, FullyQualifiedDomainName: "a.example.com"}, "a.example.com"},
		{health.Config{Type: health.HTTPS, FullyQualifiedDomainName: "a.example.com", Port: new(80)}, "a.example.com:80"},
		{health.Config{Type: health.HTTP, FullyQualifiedDomainName: "a.example.com", IPAddress: "8.8.8.8"}, "a.example.com"},
		{health.Config{Type: health.HTTP, IPAddress: "8.8.8.8"}, "8.8.8.8"},
		{health.Config{Type: health.HTTPStrMatch, IPAddress: "8.8.8.8", Port: new(8080)}, "8.8.8.8:8080"},
		{health.Config{Type: health.HTTP, IPAddress: "2001:4860::8888"}, "[2001:4860::8888]"},
		{health.Config{Type: health.HTTP, IPAddress: "2001:4860::8888", Port: new(81)}, "[2001:4860::8888]:81"},
	} {
		if got := string(appendHost(nil, test.c)); test.want != got {
			t.Errorf("%+v: want %s, got %s", test.c, test.want, got)
		}
	}
}

func TestTCPProbe(t *testing.T) {
	p := newProber(t, Options{})
	sent := make(chan string, 1)
	to := listen(t, func(c net.Conn) {
		b, err := io.ReadAll(c)
		sent <- fmt.Sprintf("%q %v", b, err)
	})
	if got, want := probeOnce(t.Context(), p, at(health.TCP, to)), "Success: The TCP connection was established."; want != got {
		t.Errorf("want %s, got %s", want, got)
	}
	if got, want := <-sent, `"" <nil>`; want != got { // r53: B.3 no payload; closed in order
		t.Errorf("the endpoint must see an orderly close and no payload: %s", got)
	}
}

// closedPort is an address that nobody listens on, and nobody can until the test ends: it is bound.
func closedPort(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	local := [4]byte{127, 0, 0, 1}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: local}); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return netip.AddrPortFrom(netip.AddrFrom4(local), uint16(name.(*unix.SockaddrInet4).Port))
}

func TestConnectionsThatFail(t *testing.T) {
	closed := closedPort(t)
	reset := listen(t, func(c net.Conn) {
		readRequest(c)
		c.(*net.TCPConn).SetLinger(0)
	})
	halfClosed := listen(t, func(c net.Conn) { // says nothing more, and waits for the other side to end
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, c)
	})
	p := newProber(t, Options{Resolve: resolver(closed.Addr())})
	for _, test := range []struct {
		what string
		c    health.Config
		want string
	}{
		{"closed port", at(health.HTTP, closed), "Failure: The connection was refused by the endpoint."},
		{"closed port, TCP", at(health.TCP, closed), "Failure: The connection was refused by the endpoint."},
		{"closed port, TLS", at(health.HTTPS, closed), "Failure: The connection was refused by the endpoint."},
		{"closed port by name", byName(health.HTTP, closed), "Failure: Resolved IP: 127.0.0.1. The connection was refused by the endpoint."},
		{"reset", at(health.HTTP, reset), "Failure: The connection was closed by the endpoint."},
		{"reset by name; r53: B.7", byName(health.HTTP, reset), "Failure: Resolved IP: 127.0.0.1. The connection was closed by the endpoint."},
		{"half closed", at(health.HTTP, halfClosed), "Failure: The connection was closed by the endpoint."},
		{"half closed in the handshake", at(health.HTTPS, halfClosed), "Failure: The connection was closed by the endpoint."},
	} {
		if got := probeOnce(t.Context(), p, test.c); test.want != got {
			t.Errorf("%s\nwant %s\ngot  %s", test.what, test.want, got)
		}
	}
}

func TestHalfClosedAfterTheResponseIsHealthy(t *testing.T) {
	to := listen(t, func(c net.Conn) {
		readRequest(c)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, c)
	})
	if got := probeOnce(t.Context(), newProber(t, Options{}), at(health.HTTP, to)); got != ok200 {
		t.Error(got)
	}
}

func TestNamesThatCannotBeProbed(t *testing.T) {
	for _, test := range []struct {
		rule    string
		resolve func(context.Context, string) (netip.Addr, error)
		want    string
	}{
		{"r53: B.3 no A record", failing(fmt.Errorf("no such host")), "Failure: DNS resolution failed: no such host"},
		{"r53: B.3 IPv4 only", resolver(netip.MustParseAddr("2001:4860::8888")),
			"Failure: DNS resolution failed: app1.example.com has no IPv4 address"},
		// The addresses of the engine's resolvers are not for whoever reads a status.
		{"no such host", failing(&net.DNSError{Err: "no such host", Name: "app1.example.com", Server: "10.0.0.2:53", IsNotFound: true}),
			"Failure: DNS resolution failed: app1.example.com has no IPv4 address"},
		{"no answer", failing(&net.DNSError{Err: "read udp 10.0.0.1:2->10.0.0.2:53: i/o timeout", IsTimeout: true}),
			"Failure: DNS resolution failed: no resolver answered in time"},
		{"a bad answer", failing(&net.DNSError{Err: "server misbehaving", Server: "10.0.0.2:53"}),
			"Failure: DNS resolution failed: no resolver gave an answer"},
	} {
		p := newProber(t, Options{Resolve: test.resolve})
		if got := probeOnce(t.Context(), p, byName(health.HTTP, netip.AddrPort{})); test.want != got {
			t.Errorf("%s\nwant %s\ngot  %s", test.rule, test.want, got)
		}
	}
}

func failing(err error) func(context.Context, string) (netip.Addr, error) {
	return func(context.Context, string) (netip.Addr, error) { return netip.Addr{}, err }
}

func TestSystemResolverIsTheDefault(t *testing.T) {
	to := listen(t, answering("HTTP/1.1 200 OK\r\n\r\n"))
	c := byName(health.HTTP, to)
	c.FullyQualifiedDomainName = "localhost"
	if got := probeOnce(t.Context(), newProber(t, Options{}), c); got != ok200 {
		t.Error(got)
	}
}

func TestReasonsOfTheKernel(t *testing.T) {
	const late = failure("late")
	for _, test := range []struct {
		err  error
		want string
	}{
		{syscall.ECONNREFUSED, "The connection was refused by the endpoint."},
		{syscall.EHOSTUNREACH, "The endpoint is unreachable: no route to it."},
		{syscall.ENETUNREACH, "The endpoint is unreachable: no route to it."},
		{syscall.ETIMEDOUT, "late"},
		{os.ErrDeadlineExceeded, "late"},
		{syscall.ECONNRESET, "The connection was closed by the endpoint."}, // r53: B.7
		{syscall.EPIPE, "The connection was closed by the endpoint."},
		{io.ErrUnexpectedEOF, "The connection was closed by the endpoint."},
	} {
		got := reason(&net.OpError{Op: "read", Err: os.NewSyscallError("read", test.err)}, late)
		if test.want != got.Error() {
			t.Errorf("%v: want %s, got %v", test.err, test.want, got)
		}
	}
}

func TestProbesLeaveFromTheCheckersAddress(t *testing.T) {
	from := make(chan string, 1)
	to := listen(t, func(c net.Conn) { from <- c.RemoteAddr().(*net.TCPAddr).IP.String() })
	p := newProber(t, Options{Checkers: []Checker{{Name: "a", IPAddress: netip.MustParseAddr("127.10.1.7"), Bind: true}}})
	probeOnce(t.Context(), p, at(health.TCP, to))
	if got := <-from; got != "127.10.1.7" {
		t.Errorf("the probe came from %s", got)
	}
	// An address that this machine does not have: nothing is learnt about the endpoint.
	p.o.Checkers[0].IPAddress = netip.MustParseAddr("198.51.100.1")
	if got := probeOnce(t.Context(), p, at(health.TCP, to)); !strings.HasPrefix(got, "unmade: ") {
		t.Errorf("a probe that could not be made has the result %q", got)
	}
}
