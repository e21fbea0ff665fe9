package prober

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bulkhead-dns/bulkhead/health"
)

const refusedStatus = "Failure: The probe was refused: the address is internal."

// page is an internal page: whoever may make checks must not learn whether it is there, nor what it says.
func page(t *testing.T) (at netip.AddrPort, visits *atomic.Int64) {
	visits = new(atomic.Int64)
	at = listen(t, func(c net.Conn) {
		visits.Add(1)
		readRequest(c)
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\nthe secret is 1234")
	})
	return at, visits
}

// Whatever is asked of an internal address, by whatever way to it, the status is the same and nothing is sent.
func TestInternalAddressesAreRefusedAlike(t *testing.T) {
	there, visits := page(t)
	nobody := closedPort(t)
	guess := func(text string) health.Config {
		c := at(health.HTTPStrMatch, there)
		c.SearchString = text
		return c
	}
	literal := func(address string) health.Config {
		c := at(health.HTTP, there)
		c.IPAddress = address
		return c
	}
	for what, c := range map[string]health.Config{
		"a page":                  at(health.HTTP, there),
		"a right guess":           guess("the secret is 1234"),
		"a wrong guess":           guess("the secret is 1235"),
		"a port that is open":     at(health.TCP, there),
		"a port that is closed":   at(health.TCP, nobody),
		"nobody there":            at(health.HTTP, nobody),
		"TLS":                     at(health.HTTPS, there),
		"by name":                 byName(health.HTTP, there),
		"by name, nobody there":   byName(health.HTTP, nobody),
		"by name, over TCP":       byName(health.TCP, there),
		"mapped into IPv6":        literal("::ffff:127.0.0.1"),
		"mapped, in hexadecimals": literal("::ffff:7f00:1"),
		"IPv6":                    literal("::1"),
		"unspecified":             literal("0.0.0.0"),
		"unspecified, IPv6":       literal("::"),
		"another of this host":    literal("127.9.9.9"),
		"metadata":                literal("169.254.169.254"),
		"metadata by NAT64":       literal("64:ff9b::a9fe:a9fe"),
		"metadata by 6to4":        literal("2002:a9fe:a9fe::1"),
		"private":                 literal("10.0.0.10"),
		"shared":                  literal("100.64.0.1"),
	} {
		p := newProber(t, Options{Resolve: resolver(there.Addr()), AllowedAddresses: []netip.Prefix{}})
		if got := probeOnce(t.Context(), p, c); got != refusedStatus {
			t.Errorf("%s\nwant %s\ngot  %s", what, refusedStatus, got)
		}
	}
	if n := visits.Load(); n != 0 {
		t.Errorf("the internal page had %d visits, want none", n)
	}
}

// A name that pointed outside when its check was made may point inside at any later probe.
func TestANameIsJudgedAtEveryProbe(t *testing.T) {
	there, visits := page(t)
	answers := []netip.Addr{there.Addr(), netip.MustParseAddr("127.9.9.9"), there.Addr()}
	p := newProber(t, Options{
		AllowedAddresses: []netip.Prefix{netip.PrefixFrom(there.Addr(), 32)},
		Resolve: func(context.Context, string) (netip.Addr, error) {
			a := answers[0]
			answers = answers[1:]
			return a, nil
		},
	})
	for i, want := range []string{ok200, refusedStatus, ok200} {
		if got := probeOnce(t.Context(), p, byName(health.HTTP, there)); got != want {
			t.Errorf("probe %d\nwant %s\ngot  %s", i+1, want, got)
		}
	}
	if n := visits.Load(); n != 2 {
		t.Errorf("the allowed address had %d visits, want 2", n)
	}
}

// A redirect to an internal page is an answer like others: it is not followed.
func TestARedirectIsNoWayInside(t *testing.T) {
	there, visits := page(t)
	from := listen(t, answering("HTTP/1.1 302 Found\r\nLocation: http://"+there.String()+"/\r\n\r\n"))
	c := at(health.HTTPStrMatch, from)
	c.SearchString = "secret"
	if got, want := probeOnce(t.Context(), newProber(t, Options{}), c), "Failure: "+stringNotFound; got != want {
		t.Errorf("want %s, got %s", want, got)
	}
	if n := visits.Load(); n != 0 {
		t.Errorf("the page behind the redirect had %d visits, want none", n)
	}
}

// Whoever runs the engine sees which check it is and what to do, once and not at every probe.
func TestRefusedProbesAreLogged(t *testing.T) {
	var log bytes.Buffer
	p := newProber(t, Options{AllowedAddresses: []netip.Prefix{}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for range 3 {
		probeOnce(t.Context(), p, health.Config{Type: health.HTTP, IPAddress: "10.0.0.10"})
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "probeAllow") || !strings.Contains(text, "check=0a1b address=10.0.0.10") {
		t.Errorf("want one line that names the check, the address and the setting, got\n%s", text)
	}
}
