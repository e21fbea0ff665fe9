package node

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A pipeListener hands out the server's ends of pipes, so that time-outs can be watched by a clock of the test.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func readAll(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(w, r.Body); err != nil {
		http.Error(w, "the body did not come", http.StatusBadRequest)
	}
}

// A client that sends slowly is cut off, however it spreads what it sends.
func TestSlowClientsAreCutOff(t *testing.T) {
	for _, tt := range []struct {
		name  string
		first string // sent at once
		drip  string // sent every second from then on
		after time.Duration
	}{
		{"says nothing", "", "", 10 * time.Second},
		{"half a header", "GET / HTTP/1.1\r\nHost: x\r\n", "", 10 * time.Second},
		{"a header line a second", "GET / HTTP/1.1\r\n", "X-A: b\r\n", 10 * time.Second},
		{"half a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf", "", 30 * time.Second},
		{"a byte of the body a second", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", "a", 30 * time.Second},
		{"idle after a reply", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "", 2 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newHTTPServer(http.HandlerFunc(readAll), slog.New(slog.DiscardHandler))
				l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
				served := make(chan error, 1)
				go func() { served <- server.Serve(l) }()
				client, conn := net.Pipe()
				begin := time.Now()
				l.conns <- conn
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					_, err := io.WriteString(client, tt.first)
					for err == nil && tt.drip != "" {
						<-time.After(time.Second) // by the bubble's clock
						_, err = io.WriteString(client, tt.drip)
					}
				}()
				io.Copy(io.Discard, client) // until the server closes
				if got := time.Since(begin).Truncate(time.Second); got != tt.after {
					t.Errorf("cut off after %v, want %v", got, tt.after)
				}
				client.Close()
				<-sent
				if err := server.Close(); err != nil {
					t.Error(err)
				}
				<-served
			})
		})
	}
}

// serve runs the server on a free port until the test ends.
func serve(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := newHTTPServer(http.HandlerFunc(readAll), slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- server.Serve(limitClients(l)) }()
	t.Cleanup(func() {
		server.Close()
		<-served
	})
	return l.Addr().String()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// status asks once on a connection; 0 when it is closed instead of answered.
func status(t *testing.T, c net.Conn, header string) int {
	t.Helper()
	c.SetDeadline(time.Now().Add(2 * time.Minute))
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\n%s\r\n", header)
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

func TestHeadersAreBounded(t *testing.T) {
	address := serve(t)
	line := "X-Filler: " + strings.Repeat("a", 1000) + "\r\n"
	if got := status(t, dial(t, address), strings.Repeat(line, 60)); got != 200 {
		t.Errorf("a header of 60 kB: status %d, want 200", got)
	}
	if got := status(t, dial(t, address), strings.Repeat(line, 80)); got != 431 {
		t.Errorf("a header of 80 kB: status %d, want 431", got)
	}
}

// A client has 256 connections; further ones are closed at once, until it closes one of them. Those it has go on.
func TestConnectionsOfOneClientAreBounded(t *testing.T) {
	address := serve(t)
	held := make([]net.Conn, maxConnections)
	for i := range held {
		held[i] = dial(t, address)
		if got := status(t, held[i], ""); got != 200 { // one that is asked nothing is closed after 10 s
			t.Fatalf("held connection %d: status %d, want 200", i, got)
		}
	}
	if got := status(t, dial(t, address), ""); got != 0 {
		t.Errorf("one connection more: status %d, want none", got)
	}
	held[0].Close()
	for deadline := time.Now().Add(2 * time.Minute); status(t, dial(t, address), "") != 200; {
		if time.Now().After(deadline) {
			t.Fatal("no connection is taken 2 minutes after another was closed")
		}
	}
}
