package prober

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/health"
)

// A world is the network of a bubble: what happens to connections, and what has happened.
type world struct {
	mu     sync.Mutex
	behave func(ctx context.Context) (net.Conn, error)
	dials  []time.Time
	open   int // connections being made or served
	most   int // of them at once

	delivery time.Duration // how long a report takes to deliver
	reports  []seen
	busy     map[string]bool // check and checker whose report is being delivered
}

// A seen is a report as it was delivered.
type seen struct {
	health.Report
	changed bool
	at      time.Time
}

// newWorld is one where connections end as behave says.
func newWorld(behave func(context.Context) (net.Conn, error)) *world {
	return &world{behave: behave, busy: map[string]bool{}}
}

func (w *world) set(behave func(context.Context) (net.Conn, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.behave = behave
}

func (w *world) dial(ctx context.Context, _ netip.Addr, _ netip.AddrPort) (net.Conn, error) {
	w.mu.Lock()
	w.dials = append(w.dials, time.Now())
	w.open++
	w.most = max(w.most, w.open)
	behave := w.behave
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.open--
	}()
	return behave(ctx)
}

// took returns the dials and reports since the last call.
func (w *world) took() ([]time.Time, []seen) {
	w.mu.Lock()
	defer w.mu.Unlock()
	dials, reports := w.dials, w.reports
	w.dials, w.reports = nil, nil
	return dials, reports
}

// up answers at once.
func up(context.Context) (net.Conn, error) {
	return serving(answering("HTTP/1.1 200 OK\r\n\r\n")), nil
}

// upAfter answers after a while.
func upAfter(d time.Duration) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) {
		return serving(func(c net.Conn) {
			readRequest(c)
			time.Sleep(d)
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		}), nil
	}
}

// down refuses at once.
func down(context.Context) (net.Conn, error) { return nil, syscall.ECONNREFUSED }

// silent loses every packet.
func silent(ctx context.Context) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// serving is one end of a connection in memory whose other end is served.
func serving(serve func(net.Conn)) net.Conn {
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		serve(far)
	}()
	return near
}

// start runs a prober in the world until the test ends.
func (w *world) start(t *testing.T, o Options) *Prober {
	t.Helper()
	p := w.prober(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		err := <-done
		if err != nil {
			t.Errorf("Run: %v", err)
		}
		time.Sleep(time.Minute) // the endpoints' sides end
	})
	return p
}

func (w *world) prober(t *testing.T, o Options) *Prober {
	t.Helper()
	o.OnReport = func(r health.Report, changed bool) {
		key := r.Check + " " + r.Checker
		w.mu.Lock()
		if w.busy[key] {
			t.Errorf("two reports of %s at once", key)
		}
		w.busy[key] = true
		w.mu.Unlock()
		time.Sleep(w.delivery)
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.busy, key)
		w.reports = append(w.reports, seen{r, changed, time.Now()})
	}
	p := newProber(t, o)
	p.dial = w.dial
	return p
}

// check is an HTTP check of some address.
func check(id string, interval, threshold int) health.Check {
	return health.Check{ID: id, Config: health.Config{Type: health.HTTP, IPAddress: "192.0.2.1",
		RequestInterval: &interval, FailureThreshold: &threshold}}
}
