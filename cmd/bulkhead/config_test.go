package main

import (
	"net/netip"
	"os"
	"regexp"
	"slices"
	"testing"
)

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// Every YAML example of the page about engines is a configuration that the engine takes.
func TestDocumentedConfigurationsAreAccepted(t *testing.T) {
	const page = "../../docs/engine.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	blocks := yamlBlock.FindAllSubmatch(text, -1)
	if len(blocks) == 0 {
		t.Fatalf("%s has no YAML example", page)
	}
	for _, block := range blocks {
		if _, err := parseConfig(block[1]); err != nil {
			t.Errorf("%s: %v in\n%s", page, err, block[1])
		}
	}
}

func TestConfigurationReachesTheNode(t *testing.T) {
	c, err := parseConfig([]byte(`
dataDir: /data
checkers: [eu-west-1, us-east-1]
places:
  - {name: here, region: eu-west-1, country: IE, clientSubnets: [10.1.0.0/16], latencies: {eu-central-1: 24.5}}
geoip: /geo.mmdb
resolvers: ["192.0.2.53:53"]
limits: {healthChecks: 200}
regions:
  - {name: dc-1, coordinates: {latitude: 52.37, longitude: 4.9}}
fastConfirmation: false
probeAllow: [10.0.0.0/8, "fd12::/48", 192.168.1.7]
users: /etc/users.yaml
`))
	if err != nil {
		t.Fatal(err)
	}
	o, err := c.override(config{DataDir: "/elsewhere", Throttle: true}, []string{"http://127.0.0.1:2379"}).options()
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case o.DataDir != "/elsewhere":
		t.Errorf("DataDir = %q: a flag wins over the file", o.DataDir)
	case o.UsersFile != "/etc/users.yaml" || !o.Throttle:
		t.Errorf("users %q, throttle %v", o.UsersFile, o.Throttle)
	case len(o.EtcdEndpoints) != 1 || len(o.CheckerRegions) != 2 || !o.SlowConfirmation:
		t.Errorf("options = %+v", o)
	case o.Places[0].Region != "eu-west-1" || o.Places[0].Latencies["eu-central-1"] != 24.5 || o.Places[0].ClientSubnets[0].String() != "10.1.0.0/16":
		t.Errorf("place = %+v", o.Places[0])
	case o.Places[0].Country != "IE" || o.GeoIPFile != "/geo.mmdb" || o.Resolvers[0] != "192.0.2.53:53" || o.Limits.HealthChecks != 200:
		t.Errorf("options = %+v", o)
	case !slices.Equal(o.ProbeAllow, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd12::/48"), netip.MustParsePrefix("192.168.1.7/32")}):
		t.Errorf("ProbeAllow = %v", o.ProbeAllow)
	case o.Regions[0].Name != "dc-1" || o.Regions[0].Coordinates.Latitude != 52.37:
		t.Errorf("region = %+v", o.Regions[0])
	}
}
