package prober

import (
	"context"
	"io"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bulkhead-dns/bulkhead/health"
)

func TestTimeOutsAreExact(t *testing.T) {
	const (
		noConnection = "Failure: " + connectTimedOut
		noResponse   = "Failure: The endpoint did not send a response within 2 seconds of the connection."
		noString     = "Failure: The endpoint did not send the search string within 2 seconds of the response header."
	)
	forever := func(c net.Conn) { io.Copy(io.Discard, c) }
	// served connects after a delay and then serves.
	served := func(after time.Duration, serve func(net.Conn)) func(context.Context) (net.Conn, error) {
		return func(ctx context.Context) (net.Conn, error) {
			select {
			case <-time.After(after):
				return serving(serve), nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	}
	// saying sends parts one after another, and then nothing more.
	saying := func(pause time.Duration, parts ...string) func(net.Conn) {
		return func(c net.Conn) {
			readRequest(c)
			for _, part := range parts {
				time.Sleep(pause)
				io.WriteString(c, part)
			}
			forever(c)
		}
	}
	const head = "HTTP/1.1 200 OK\r\n\r\n"
	for _, test := range []struct {
		rule   string
		typ    health.Type
		behave func(context.Context) (net.Conn, error)
		want   string
		took   time.Duration
	}{
		{"r53: B.1 connect <= 4 s", health.HTTP, silent, noConnection, 4 * time.Second},
		{"r53: B.1 connect <= 4 s", health.HTTP, served(3999*time.Millisecond, saying(0, head)), ok200, 3999 * time.Millisecond},
		{"r53: B.1 connect <= 10 s for TCP", health.TCP, silent, noConnection, 10 * time.Second},
		{"r53: B.1 connect <= 10 s for TCP", health.TCP, served(9*time.Second, forever), "Success: The TCP connection was established.", 9 * time.Second},
		{"r53: B.1 TLS shares the 4 s", health.HTTPS, served(3*time.Second, forever), noConnection, 4 * time.Second},
		{"r53: B.1 response within 2 s", health.HTTP, served(0, saying(0)), noResponse, 2 * time.Second},
		{"r53: B.1 response within 2 s", health.HTTP, served(0, saying(1999*time.Millisecond, head)), ok200, 1999 * time.Millisecond},
		{"r53: B.1 of the connection", health.HTTP, served(3*time.Second, saying(0)), noResponse, 5 * time.Second},
		{"a header that trickles is late", health.HTTP, served(0, saying(time.Second, "HTTP/1.1 200 OK\r\n", "X: y\r\n", "\r\n")), noResponse, 2 * time.Second},
		{"an endpoint that reads nothing", health.HTTP, served(0, func(c net.Conn) { time.Sleep(time.Minute) }), noResponse, 2 * time.Second},
		{"r53: B.1 body within a further 2 s", health.HTTPStrMatch, served(0, saying(0, head)), noString, 2 * time.Second},
		{"r53: B.1 further", health.HTTPStrMatch, served(0, saying(1900*time.Millisecond, head, "all is well")), ok200, 3800 * time.Millisecond},
		{"a body that trickles is late", health.HTTPStrMatch, served(0, saying(900*time.Millisecond, head, "we", "l", "l")), noString, 2900 * time.Millisecond},
		{"the match ends the probe, not the body", health.HTTPStrMatch, served(0, saying(time.Second, head, "well")), ok200, 2 * time.Second},
		{"no body is waited for without a string", health.HTTP, served(0, saying(time.Second, head, "well")), ok200, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newWorld(test.behave).prober(t, Options{})
			c := health.Config{Type: test.typ, IPAddress: "192.0.2.1", Port: new(80)}
			if test.typ.MatchesString() {
				c.SearchString = "well"
			}
			began := time.Now()
			status := probeOnce(t.Context(), p, c)
			if took := time.Since(began); test.want != status || test.took != took {
				t.Errorf("%s\nwant %s after %v\ngot  %s after %v", test.rule, test.want, test.took, status, took)
			}
			time.Sleep(time.Minute) // the endpoint's side ends
		})
	}
}

func TestResolutionThatHangsIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProber(t, Options{Resolve: func(ctx context.Context, _ string) (netip.Addr, error) {
			<-ctx.Done()
			return netip.Addr{}, ctx.Err()
		}})
		began := time.Now()
		got := probeOnce(t.Context(), p, byName(health.HTTP, netip.AddrPort{}))
		if want := "Failure: DNS resolution failed: context deadline exceeded"; want != got || time.Since(began) != health.ConnectTimeout {
			t.Errorf("want %s after %v\ngot  %s after %v", want, health.ConnectTimeout, got, time.Since(began))
		}
	})
}
