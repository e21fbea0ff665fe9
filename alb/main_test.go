package alb

import (
	"context"
	"net"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipes is a network of servers in memory, for tests with time of their own.
type pipes map[string]func(net.Conn)

func (p pipes) dial(_ context.Context, _, address string) (net.Conn, error) {
	serve, ok := p[address]
	if !ok {
		return nil, &net.OpError{Op: "dial", Err: net.ErrClosed}
	}
	client, server := net.Pipe()
	go serve(server)
	return client, nil
}
