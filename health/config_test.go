package health

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestElementsOfRefusedTypesAreAnsweredAsRoute53Does(t *testing.T) {
	basic := Config{Type: HTTP, IPAddress: "8.8.8.8"}
	for _, test := range []struct {
		rule   string
		change func(*Config)
		want   string
	}{
		{"r53: B.8 (sic)", func(c *Config) { c.AlarmIdentifier = &AlarmIdentifier{"us-east-1", "a"} },
			"Invalid parameter : Basic health checks must not have an metric region specified."},
		{"r53: B.2", func(c *Config) { c.InsufficientDataHealthStatus = "Healthy" },
			"Invalid parameter : Basic health checks must not have an insufficient data health status specified."},
		{"r53: B.2", func(c *Config) { c.RoutingControlArn = "arn:aws:route53-recovery-control::1:x" },
			"Invalid parameter : Basic health checks must not have a routing control ARN specified."},
	} {
		c := basic
		test.change(&c)
		_, err := Normalize(c, Rules{})
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: create\nwant %s\ngot  %v", test.rule, test.want, err)
		}
		var u Update
		test.change(&u.Config)
		_, err = ApplyUpdate(basic, u, Rules{})
		if err == nil {
			t.Errorf("%s: an update with it was accepted", test.rule)
		}
	}
}

func TestLengthsCountCharacters(t *testing.T) {
	for _, test := range []struct {
		n    int
		want bool
	}{{255, true}, {256, false}} { // r53: B.2
		_, err := Normalize(Config{Type: HTTPStrMatch, IPAddress: "8.8.8.8", SearchString: strings.Repeat("é", test.n)}, Rules{})
		if test.want != (err == nil) {
			t.Errorf("a search string of %d two-byte characters: %v", test.n, err)
		}
	}
	many := make([]string, 256)
	for i := range many {
		many[i] = strings.Repeat("x", i+1)
	}
	rules := Rules{Child: func(string) (Config, bool) { return Config{Type: TCP}, true }}
	for n, want := range map[int]bool{255: true, 256: false} { // r53: B.2 quota 255
		_, err := Normalize(Config{Type: Calculated, HealthThreshold: new(1), ChildHealthChecks: many[:n]}, rules)
		if want != (err == nil) {
			t.Errorf("%d children: %v", n, err)
		}
	}
}

func TestRestrictedAddresses(t *testing.T) {
	for rule, addresses := range map[string]string{ // r53: B.5
		"loopback":      "127.0.0.1 127.10.1.1 ::1",
		"private":       "10.0.0.10 172.16.0.1 172.31.255.255 192.168.0.1 fc00::1 fd12::1",
		"link-local":    "169.254.169.254 fe80::1",
		"shared":        "100.64.0.1 100.127.255.255",
		"documentation": "192.0.2.1 198.51.100.1 203.0.113.255 2001:db8::1 3fff::1",
		"benchmark":     "198.18.0.1 198.19.255.255 2001:2::1",
		"multicast":     "224.0.0.1 239.255.255.255 ff02::1",
		"reserved":      "0.0.0.0 0.1.2.3 192.0.0.1 192.88.99.1 240.0.0.1 255.255.255.255 :: 4000::1 2001::1",
		"IPv4 within":   "::ffff:10.0.0.10 ::10.0.0.10 2002:a00:a::1 64:ff9b::808:808 64:ff9b::a00:a 64:ff9b:1::a00:a",
		"metadata":      "169.254.169.254 169.254.170.2 100.100.100.200 192.0.0.192 168.63.129.16 fd00:ec2::254 fd20:ce::254 fe80::a9fe:a9fe",
	} {
		for s := range strings.FieldsSeq(addresses) {
			if !Restricted(netip.MustParseAddr(s)) {
				t.Errorf("%s is %s and not restricted", s, rule)
			}
		}
	}
	for s := range strings.FieldsSeq("1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 172.15.0.1 172.32.0.1 192.0.1.1 192.0.3.1 " +
		"168.63.129.15 198.17.255.255 198.20.0.0 203.0.112.1 223.255.255.255 2001:4860::8888 2600::1 2a00::1 ::ffff:8.8.8.8") {
		if a := netip.MustParseAddr(s); Restricted(a) || NeverEndpoint(a) {
			t.Errorf("%s is public and refused", s)
		}
	}
	if !Restricted(netip.Addr{}) || !NeverEndpoint(netip.Addr{}) {
		t.Error("no address at all is accepted")
	}
}

func TestAllowedAddresses(t *testing.T) {
	allowed := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd12::/32")}
	for s, forbidden := range map[string]bool{
		"10.1.2.3": false, "::ffff:10.1.2.3": false, "fd12::1": false, "8.8.8.8": false, "2001:4860::8888": false,
		"10.2.0.1": true, "::ffff:10.2.0.1": true, "::10.1.2.3": true, "64:ff9b::a01:203": true, "fd13::1": true, "127.0.0.1": true, "0.0.0.0": true,
	} {
		if got := Forbidden(netip.MustParseAddr(s), allowed); got != forbidden {
			t.Errorf("%s is forbidden: %v, want %v", s, got, forbidden)
		}
	}
	for s, forbidden := range map[string]bool{
		"127.0.0.1": false, "::1": false, "169.254.169.254": false, "fe80::1%eth0": false,
		"0.0.0.0": true, "::": true, "224.0.0.1": true, "ff02::1": true, "255.255.255.255": true,
	} {
		if got := Forbidden(netip.MustParseAddr(s), AnyAddress()); got != forbidden {
			t.Errorf("every address is allowed, and %s is forbidden: %v, want %v", s, got, forbidden)
		}
	}
}

func TestWhatAProbeReadsFromAConfig(t *testing.T) {
	type facts struct {
		Path      string
		Port      int
		Interval  time.Duration
		Threshold int
		Probed    bool
		SNI       bool
	}
	for _, test := range []struct {
		c    Config
		want facts
	}{
		{Config{Type: HTTP}, facts{"/", 80, 30 * time.Second, 3, true, false}},
		{Config{Type: HTTPS, FullyQualifiedDomainName: "a", ResourcePath: "x?y"}, facts{"/x?y", 443, 30 * time.Second, 3, true, true}},
		{Config{Type: HTTPS, IPAddress: "8.8.8.8"}, facts{"/", 443, 30 * time.Second, 3, true, false}},
		{Config{Type: HTTPSStrMatch, FullyQualifiedDomainName: "a", EnableSNI: new(false), Port: new(1), RequestInterval: new(10),
			FailureThreshold: new(1)}, facts{"/", 1, 10 * time.Second, 1, true, false}},
		{Config{Type: HTTPStrMatch, ResourcePath: "/a", Port: new(8080)}, facts{"/a", 8080, 30 * time.Second, 3, true, false}},
		{Config{Type: TCP, Disabled: new(true), Port: new(25)}, facts{"/", 25, 30 * time.Second, 3, false, false}},
		{Config{Type: Calculated}, facts{"/", 0, 30 * time.Second, 3, false, false}},
	} {
		got := facts{test.c.Path(), test.c.PortNumber(), test.c.Interval(), test.c.Threshold(), test.c.Probed(), test.c.SendsSNI()}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test.c, diff)
		}
	}
}

func TestNewThresholdKeepsStateAndCount(t *testing.T) {
	m := NewMachine(10, true)
	for i := range 5 {
		m.Observe(false, time.Unix(int64(i), 0))
	}
	m.SetThreshold(3)
	if !m.Healthy() || m.Against() != 5 {
		t.Fatalf("a new threshold turned the machine by itself: healthy %v, %d against", m.Healthy(), m.Against())
	}
	if !m.Observe(false, time.Unix(9, 0)) || m.Healthy() || m.Against() != 0 {
		t.Errorf("the next failure must turn it: healthy %v, %d against", m.Healthy(), m.Against())
	}
}

func TestCheckerRegionsAreRoute53s(t *testing.T) {
	if got := CheckerRegions(); len(got) != 8 || got[0] != "us-east-1" {
		t.Errorf("want the 8 Regions of r53 B.4, got %v", got)
	}
	CheckerRegions()[0] = "changed"
	if CheckerRegions()[0] != "us-east-1" {
		t.Error("a caller can change the list")
	}
}
