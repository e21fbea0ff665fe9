package prober

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// A result is what one probe found.
type result struct {
	ok     bool
	status string // as GetHealthCheckStatus shows it
	unmade error  // the probe could not be made for want of something of our own: no result at all
}

// Texts of failures. Those of refused connections, string matches and late responses are (unconfirmed). r53: B.7.
const (
	connectTimedOut = "Connection timed out. The endpoint or the internet connection is down, or requests are being " +
		"blocked by your firewall. " +
		"See https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-router-firewall-rules.html"
	connectRefused   = "The connection was refused by the endpoint."
	connectClosed    = "The connection was closed by the endpoint."
	responseTimedOut = "The endpoint did not send a response within 2 seconds of the connection."
	bodyTimedOut     = "The endpoint did not send the search string within 2 seconds of the response header."
	// AWS's text (r53: B.5) also tells which address the name resolves to.
	addressRefused = "The probe was refused: the address is internal."
	stringNotFound = "The search string was not found in the first 5120 bytes of the body."
)

// A failure is why a probe failed, as the status says it.
type failure string

// Error is the text of the status.
func (f failure) Error() string { return string(f) }

func success(text string) result { return result{ok: true, status: "Success: " + text} }

// fail turns what stopped a probe into its result. resolved is the address of a check by name, which the text then
// begins with (r53: B.7); it is the zero address for a check by address.
func fail(err error, resolved netip.Addr) result {
	if ownFault(err) {
		return result{unmade: err}
	}
	text := err.Error()
	if resolved.IsValid() {
		text = "Resolved IP: " + resolved.String() + ". " + text
	}
	return result{status: "Failure: " + text}
}

// ownFault says that this process or machine ran out of something: that tells nothing about the endpoint, and a checker
// in need must not take healthy endpoints down.
func ownFault(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL,
		syscall.EADDRINUSE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// reason says in Route 53's words what ended a connection; late is the text for a time-out of this phase.
func reason(err error, late failure) error {
	var timeout net.Error
	switch {
	case ownFault(err):
		return err
	case errors.As(err, new(failure)):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return late
	case errors.Is(err, syscall.ECONNREFUSED):
		return failure(connectRefused)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return failure("The endpoint is unreachable: no route to it.")
	}
	return failure(connectClosed)
}

// alert says what ended a TLS handshake: the endpoint's alert by its name, or our own reason.
func alert(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		return failure("SSL alert " + strings.ReplaceAll(strings.TrimPrefix(op.Err.Error(), "tls: "), " ", "_"))
	}
	if text, ok := strings.CutPrefix(err.Error(), "tls: "); ok {
		return failure("SSL handshake failed: " + text + ".")
	}
	return reason(err, connectTimedOut)
}

// statusText is "HTTP Status Code 200, OK". The text is that of the registry: an endpoint's own could be anything.
func statusText(code int) string {
	s := "HTTP Status Code " + strconv.Itoa(code)
	if text := http.StatusText(code); text != "" {
		s += ", " + text
	}
	return s
}
