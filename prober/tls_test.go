package prober

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/health"
)

// certificate is self-signed, and expired long ago.
func certificate(t *testing.T, names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "nobody"},
		NotBefore:    time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2002, 1, 1, 0, 0, 0, 0, time.UTC),
		DNSNames:     names,
	}, &x509.Certificate{SerialNumber: big.NewInt(1)}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// A tlsEndpoint answers 200 and remembers the server names it was asked for.
type tlsEndpoint struct {
	mu    sync.Mutex
	names []string
}

func (e *tlsEndpoint) serve(config *tls.Config) func(net.Conn) {
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.names = append(e.names, hello.ServerName)
		return nil, nil
	}
	return func(c net.Conn) {
		s := tls.Server(c, config)
		if s.Handshake() == nil {
			answering("HTTP/1.1 200 OK\r\n\r\nwell")(s)
		}
	}
}

func (e *tlsEndpoint) asked() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.names)
}

func TestTLSProbe(t *testing.T) {
	const name = "app1.example.com"
	with := func(cert tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{cert}} }
	named, other := certificate(t, name), certificate(t, "other.example.com")
	needsName := &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if hello.ServerName == "" {
			return nil, errors.New("which of my names?")
		}
		return &named, nil
	}}
	old := with(named)
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
	old.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
	for _, test := range []struct {
		rule   string
		server *tls.Config
		sni    *bool
		byName bool
		want   string
		asked  []string
	}{
		{"r53: B.1 self-signed and expired passes", with(named), nil, true, ok200, []string{name}},
		{"r53: B.3 SNI off", with(named), new(false), true, ok200, []string{""}},
		{"r53: B.3 no name, no SNI", with(named), nil, false, ok200, []string{""}},
		{"r53: B.3 a certificate without the name: again without SNI", with(other), nil, true, ok200, []string{name, ""}},
		{"r53: B.3 SNI off on a server that needs it", needsName, new(false), true,
			"Failure: Resolved IP: 127.0.0.1. SSL alert internal_error", []string{""}},
		{"r53: B.3 SNI on a server that needs it", needsName, nil, true, ok200, []string{name}},
		{"r53: B.3 TLS 1.0", old, nil, true, ok200, []string{name}},
	} {
		var e tlsEndpoint
		to := listen(t, e.serve(test.server))
		p := newProber(t, Options{Resolve: resolver(to.Addr())})
		c := at(health.HTTPS, to)
		if test.byName {
			c = byName(health.HTTPS, to)
		}
		c.EnableSNI = test.sni
		if got := probeOnce(t.Context(), p, c); test.want != got {
			t.Errorf("%s\nwant %s\ngot  %s", test.rule, test.want, got)
		}
		if diff := cmp.Diff(test.asked, e.asked()); diff != "" {
			t.Errorf("%s: names sent (-want +got):\n%s", test.rule, diff)
		}
	}
}

func TestTLSStringMatch(t *testing.T) {
	var e tlsEndpoint
	to := listen(t, e.serve(&tls.Config{Certificates: []tls.Certificate{certificate(t)}}))
	c := at(health.HTTPSStrMatch, to)
	c.SearchString = "well"
	if got := probeOnce(t.Context(), newProber(t, Options{}), c); got != ok200 {
		t.Error(got)
	}
}

func TestTLSHandshakesThatFail(t *testing.T) {
	plain := listen(t, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") })
	alerting := listen(t, func(c net.Conn) { // r53: B.7
		c.Read(make([]byte, 2048))
		c.Write([]byte{21, 3, 1, 0, 2, 2, 40})
	})
	for _, test := range []struct {
		what string
		c    health.Config
		want string
	}{
		{"handshake_failure", at(health.HTTPS, alerting), "Failure: SSL alert handshake_failure"},
		{"plain HTTP", at(health.HTTPS, plain), "Failure: SSL handshake failed: first record does not look like a TLS handshake."},
	} {
		if got := probeOnce(t.Context(), newProber(t, Options{}), test.c); test.want != got {
			t.Errorf("%s\nwant %s\ngot  %s", test.what, test.want, got)
		}
	}
}
