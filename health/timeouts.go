package health

import "time"

// How long a probe waits before it counts as failed. Route 53 fixes these; no check can set them. r53: B.1.
const (
	ConnectTimeout  = 4 * time.Second  // TCP connection and TLS handshake together; that TLS belongs here is (unconfirmed)
	ResponseTimeout = 2 * time.Second  // from there to the end of the response header
	BodyTimeout     = 2 * time.Second  // from there to the search string
	TCPTimeout      = 10 * time.Second // TCP connection of a TCP check
)

// SlowestFailure is the longest time that one probe of this type takes to fail: every step of it ends just within its
// limit, and the last one does not. It is 0 for a type without probes. r53: B.1, D.1 (there it is t).
func (t Type) SlowestFailure() time.Duration {
	switch {
	case t == TCP:
		return TCPTimeout
	case t.MatchesString():
		return ConnectTimeout + ResponseTimeout + BodyTimeout
	case t.IsHTTP():
		return ConnectTimeout + ResponseTimeout
	}
	return 0
}
