package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/quota"
)

// config is the engine's one YAML file. Every field may be left out.
type config struct {
	DataDir  string         `yaml:"dataDir"`
	Name     string         `yaml:"name"`
	HTTP     string         `yaml:"http"`
	DNS      string         `yaml:"dns"`
	Etcd     etcdConfig     `yaml:"etcd"`
	Checkers []string       `yaml:"checkers"`
	Places   []placeConfig  `yaml:"places"`
	Regions  []regionConfig `yaml:"regions"`
	// GeoIP is the path of a MaxMind DB; Resolvers answer for alias targets outside.
	GeoIP     string       `yaml:"geoip"`
	Resolvers []string     `yaml:"resolvers"`
	Users     string       `yaml:"users"`
	Throttle  bool         `yaml:"throttle"`
	Limits    limitsConfig `yaml:"limits"`
	// ProbeAllow and FastConfirmation: see node.Options.
	ProbeAllow       []string `yaml:"probeAllow"`
	FastConfirmation *bool    `yaml:"fastConfirmation"`
	// RefusePrivateAddresses was the opposite of ProbeAllow; it is read to say so.
	RefusePrivateAddresses *bool `yaml:"refusePrivateAddresses"`
}

type etcdConfig struct {
	Endpoints []string `yaml:"endpoints"`
	CA        string   `yaml:"ca"`
	Cert      string   `yaml:"cert"`
	Key       string   `yaml:"key"`
}

type coordinates struct {
	Latitude  float64 `yaml:"latitude"`
	Longitude float64 `yaml:"longitude"`
}

// limitsConfig are Route 53's quotas; 0 or nothing sets none.
type limitsConfig struct {
	HostedZones             int `yaml:"hostedZones"`
	RecordSetsPerZone       int `yaml:"recordSetsPerZone"`
	HealthChecks            int `yaml:"healthChecks"`
	CIDRCollections         int `yaml:"cidrCollections"`
	CIDRBlocksPerCollection int `yaml:"cidrBlocksPerCollection"`
	ReusableDelegationSets  int `yaml:"reusableDelegationSets"`
	ZonesPerDelegationSet   int `yaml:"zonesPerDelegationSet"`
}

type placeConfig struct {
	Name          string             `yaml:"name"`
	Region        string             `yaml:"region"`
	Country       string             `yaml:"country"`
	Subdivision   string             `yaml:"subdivision"`
	Continent     string             `yaml:"continent"`
	Coordinates   *coordinates       `yaml:"coordinates"`
	Latencies     map[string]float64 `yaml:"latencies"`
	ClientSubnets []netip.Prefix     `yaml:"clientSubnets"`
	Sources       []netip.Prefix     `yaml:"sources"`
}

type regionConfig struct {
	Name        string      `yaml:"name"`
	Coordinates coordinates `yaml:"coordinates"`
}

// readConfig decodes a file strictly: an unknown field is an error with its line.
func readConfig(path string) (config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return config{}, fmt.Errorf("read the engine's configuration: %w", err)
	}
	c, err := parseConfig(data)
	if err != nil {
		return config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func parseConfig(data []byte) (config, error) {
	var c config
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	err := dec.Decode(&c)
	switch {
	case errors.Is(err, io.EOF):
		return c, nil // an empty file asks for the defaults
	case err != nil:
		return config{}, readable(err)
	}
	if err := dec.Decode(&config{}); !errors.Is(err, io.EOF) {
		return config{}, errors.New("the file holds more than one YAML document, one is expected")
	}
	return c, nil
}

var (
	unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)
	cannotDecode = regexp.MustCompile("cannot unmarshal (\\S+) (`[^`]*` )?into (\\S+)")
)

// readable turns the decoder's errors into sentences about the file rather than about Go types.
func readable(err error) error {
	typeErr := (*yaml.TypeError)(nil)
	if !errors.As(err, &typeErr) {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	lines := make([]string, len(typeErr.Errors))
	for i, e := range typeErr.Errors {
		e = unknownField.ReplaceAllString(e, `unknown field "$1"`)
		lines[i] = cannotDecode.ReplaceAllStringFunc(e, func(s string) string {
			m := cannotDecode.FindStringSubmatch(s)
			return fmt.Sprintf("%swas found where %s is expected", m[2], kindOf(m[3]))
		})
	}
	return errors.New(strings.Join(lines, "\n"))
}

// kindOf names a Go type in the words of a YAML file.
func kindOf(goType string) string {
	switch {
	case goType == "string":
		return "a text"
	case goType == "bool":
		return "true or false"
	case strings.HasPrefix(goType, "int"), strings.HasPrefix(goType, "float"):
		return "a number"
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	}
	return "a mapping"
}

// options maps the file to the node's options.
func (c config) options() (node.Options, error) {
	o := node.Options{
		DataDir:          c.DataDir,
		Name:             c.Name,
		HTTPAddr:         c.HTTP,
		DNSAddr:          c.DNS,
		EtcdEndpoints:    c.Etcd.Endpoints,
		CheckerRegions:   c.Checkers,
		GeoIPFile:        c.GeoIP,
		Resolvers:        c.Resolvers,
		Limits:           quota.Limits(c.Limits),
		UsersFile:        c.Users,
		Throttle:         c.Throttle,
		SlowConfirmation: c.FastConfirmation != nil && !*c.FastConfirmation,
	}
	if c.RefusePrivateAddresses != nil {
		return o, errors.New("unknown field \"refusePrivateAddresses\": remove it. Internal addresses are refused, " +
			"except those that probeAllow lists, such as [10.0.0.0/8]")
	}
	for _, p := range c.Places {
		place := geo.Place{
			Name: p.Name, Region: p.Region, Country: p.Country, Subdivision: p.Subdivision, Continent: p.Continent,
			Latencies: p.Latencies, ClientSubnets: p.ClientSubnets, Sources: p.Sources,
		}
		if p.Coordinates != nil {
			place.Coordinates = &geo.Coordinates{Latitude: p.Coordinates.Latitude, Longitude: p.Coordinates.Longitude}
		}
		o.Places = append(o.Places, place)
	}
	for _, r := range c.Regions {
		o.Regions = append(o.Regions, geo.Region{
			Name:        r.Name,
			Coordinates: geo.Coordinates{Latitude: r.Coordinates.Latitude, Longitude: r.Coordinates.Longitude},
		})
	}
	var err error
	if o.ProbeAllow, err = parseProbeAllow(c.ProbeAllow); err != nil {
		return o, err
	}
	o.EtcdTLS, err = c.Etcd.tls()
	return o, err
}

// tls reads the files of mutual TLS; nil without them.
func (e etcdConfig) tls() (*tls.Config, error) {
	if e.CA == "" && e.Cert == "" && e.Key == "" {
		return nil, nil
	}
	if e.CA == "" || e.Cert == "" || e.Key == "" {
		return nil, errors.New("etcd: ca, cert and key belong together: set all three or none")
	}
	pem, err := os.ReadFile(e.CA)
	if err != nil {
		return nil, fmt.Errorf("etcd.ca: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("etcd.ca: %s holds no PEM certificate", e.CA)
	}
	cert, err := tls.LoadX509KeyPair(e.Cert, e.Key)
	if err != nil {
		return nil, fmt.Errorf("etcd.cert, etcd.key: %w", err)
	}
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}
