package prober

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/bulkhead-dns/bulkhead/health"
)

func TestMain(m *testing.M) {
	if os.Getenv(benchServer) != "" {
		serveForBenchmark()
		return
	}
	goleak.VerifyTestMain(m)
}

// newProber is a prober of one checker that may probe any address, unless the options say which.
func newProber(t testing.TB, o Options) *Prober {
	t.Helper()
	if o.Checkers == nil {
		o.Checkers = []Checker{{Name: "n/eu-west-1", Region: "eu-west-1"}}
	}
	if o.AllowedAddresses == nil {
		o.AllowedAddresses = health.AnyAddress()
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// probeOnce makes one probe of a config and returns its status.
func probeOnce(ctx context.Context, p *Prober, c health.Config) string {
	r := p.probe(ctx, job{check: health.Check{ID: "0a1b", Config: c}, checker: p.o.Checkers[0]})
	if r.unmade != nil {
		return "unmade: " + r.unmade.Error()
	}
	return r.status
}

// listen accepts connections on 127.0.0.1 and serves each; the listener and the connections end with the test.
func listen(t *testing.T, serve func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			} else if err != nil {
				t.Errorf("accept: %v", err)
				return
			}
			serve(c)
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// answering reads a request and sends the response.
func answering(response string) func(net.Conn) {
	return func(c net.Conn) {
		readRequest(c)
		io.WriteString(c, response)
	}
}

// readRequest reads up to the empty line and returns it.
func readRequest(c net.Conn) string {
	var text []byte
	b := make([]byte, 1)
	for len(text) < 4 || string(text[len(text)-4:]) != "\r\n\r\n" {
		n, err := c.Read(b)
		text = append(text, b[:n]...)
		if err != nil {
			break
		}
	}
	return string(text)
}

// at is a check of the given type at a listener.
func at(typ health.Type, a netip.AddrPort) health.Config {
	return health.Config{Type: typ, IPAddress: a.Addr().String(), Port: new(int(a.Port()))}
}

// byName is a check of the given type of a name that resolves to the listener.
func byName(typ health.Type, a netip.AddrPort) health.Config {
	return health.Config{Type: typ, FullyQualifiedDomainName: "app1.example.com", Port: new(int(a.Port()))}
}

// resolver answers with one address.
func resolver(a netip.Addr) func(context.Context, string) (netip.Addr, error) {
	return func(_ context.Context, host string) (netip.Addr, error) {
		if host != "app1.example.com" {
			return netip.Addr{}, fmt.Errorf("asked for %s", host)
		}
		return a, nil
	}
}
