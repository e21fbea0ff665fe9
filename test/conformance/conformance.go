// Package conformance is a set of cases about what Route 53 answers to DNS queries, as data: cases/<topic>/*.yaml.
//
// A case is a hosted zone, the health of what it points at, and queries with the answers that a sentence or a worked
// example of Route 53's documentation promises. Nothing in a case is of one implementation: README.md describes the
// format for those who want to hold another one against it. The package's own test runs every case twice, by the
// decision function and over the wire.
package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Case is one rule with its proof. The yaml names are those of the files.
type Case struct {
	Topic string `yaml:"-"` // the directory it is in, such as "weighted"
	File  string `yaml:"-"` // path below the root given to Load
	Line  int    `yaml:"-"` // where it begins in File

	ID    string `yaml:"id"`    // unique in its topic: a-z, 0-9 and "-"
	Title string `yaml:"title"` // the rule in one sentence
	// Source is where the rule is documented, parts separated by "; ": "DG page" of the Route 53 Developer Guide, "API
	// name" of the API reference, "ELB page" of a load balancer guide, "RFC n section", or "observed" for what is known
	// from recorded replies only; and the section of the behaviour reference as "r53: A.5".
	Source string `yaml:"source"`
	// Unconfirmed says that no document settles the rule; Reading is then the one taken, and why it is the cautious one.
	Unconfirmed bool   `yaml:"unconfirmed"`
	Reading     string `yaml:"reading"`

	Zone  []RecordSet `yaml:"zone"`  // of the hosted zone example.com, beside the NS and SOA that every new zone has
	Zones []Zone      `yaml:"zones"` // other hosted zones beside it

	// Checks are verdicts by health check id: "healthy", "unhealthy", or "deleted" for a check that existed when the
	// record sets were made and does not any more. HealthChecks derive theirs. Every id that a record set cites is in
	// one of the two.
	Checks       map[string]string      `yaml:"checks"`
	HealthChecks map[string]HealthCheck `yaml:"healthChecks"`

	LoadBalancers   []LoadBalancer              `yaml:"loadBalancers"`
	Places          []Place                     `yaml:"places"`
	CidrCollections map[string]map[string]Cidrs `yaml:"cidrCollections"` // blocks by collection id and location name

	Batches []Batch `yaml:"batches"` // change batches sent one after the other once the zone is there
	Queries []Query `yaml:"queries"` // asked after the batches
}

// Name is the topic and the id, by which a case is run and cited.
func (c *Case) Name() string { return c.Topic + "/" + c.ID }

// A Zone is a hosted zone beside example.com.
type Zone struct {
	Name string      `yaml:"name"`
	ID   string      `yaml:"id"`
	Zone []RecordSet `yaml:"zone"`
}

// A RecordSet is Route 53's ResourceRecordSet, in its own names.
type RecordSet struct {
	Name                 string                `yaml:"Name"`
	Type                 string                `yaml:"Type"`
	SetIdentifier        string                `yaml:"SetIdentifier"`
	Weight               *int64                `yaml:"Weight"`
	Region               string                `yaml:"Region"`
	GeoLocation          *GeoLocation          `yaml:"GeoLocation"`
	Failover             string                `yaml:"Failover"`
	MultiValueAnswer     bool                  `yaml:"MultiValueAnswer"`
	GeoProximityLocation *GeoProximityLocation `yaml:"GeoProximityLocation"`
	CidrRoutingConfig    *CidrRoutingConfig    `yaml:"CidrRoutingConfig"`
	TTL                  *int64                `yaml:"TTL"`
	ResourceRecords      []string              `yaml:"ResourceRecords"` // the values
	AliasTarget          *AliasTarget          `yaml:"AliasTarget"`
	HealthCheckID        string                `yaml:"HealthCheckId"`
}

// An AliasTarget is Route 53's; without a HostedZoneId the target is in the zone of the record set itself.
type AliasTarget struct {
	HostedZoneID         string `yaml:"HostedZoneId"`
	DNSName              string `yaml:"DNSName"`
	EvaluateTargetHealth bool   `yaml:"EvaluateTargetHealth"`
}

// A GeoLocation is the area of a geolocation record set; CountryCode "*" is the default.
type GeoLocation struct {
	ContinentCode   string `yaml:"ContinentCode"`
	CountryCode     string `yaml:"CountryCode"`
	SubdivisionCode string `yaml:"SubdivisionCode"`
}

// A GeoProximityLocation is where the resource of a geoproximity record set is.
type GeoProximityLocation struct {
	AWSRegion      string       `yaml:"AWSRegion"`
	LocalZoneGroup string       `yaml:"LocalZoneGroup"`
	Coordinates    *Coordinates `yaml:"Coordinates"`
	Bias           *int64       `yaml:"Bias"`
}

// Coordinates are degrees in decimal text, as the API has them.
type Coordinates struct {
	Latitude  string `yaml:"Latitude"`
	Longitude string `yaml:"Longitude"`
}

// A CidrRoutingConfig is the location of an IP-based record set; LocationName "*" is the default.
type CidrRoutingConfig struct {
	CollectionID string `yaml:"CollectionId"`
	LocationName string `yaml:"LocationName"`
}

// Cidrs are the blocks of one CIDR location.
type Cidrs []string

// A HealthCheck derives its verdict from what its checkers or its children say.
type HealthCheck struct {
	Type              string   `yaml:"Type"` // "CALCULATED"; empty is an endpoint check
	Inverted          bool     `yaml:"Inverted"`
	Disabled          bool     `yaml:"Disabled"`
	HealthThreshold   int      `yaml:"HealthThreshold"`   // CALCULATED only
	ChildHealthChecks []string `yaml:"ChildHealthChecks"` // CALCULATED only

	// Healthy and Unhealthy count the checkers that say so.
	Healthy   int `yaml:"healthy"`
	Unhealthy int `yaml:"unhealthy"`
	// Probes are checkers with their results in order, "ok" or "fail", instead of counts; a checker starts healthy.
	FailureThreshold int        `yaml:"FailureThreshold"`
	Probes           [][]string `yaml:"probes"`
}

// A LoadBalancer is the target of aliases, with its health as Route 53 sees it.
type LoadBalancer struct {
	DNSName      string   `yaml:"DNSName"`
	HostedZoneID string   `yaml:"HostedZoneId"`
	Addresses    []string `yaml:"Addresses"`
	Unhealthy    bool     `yaml:"unhealthy"`
}

// A Place is somewhere clients are: found by EDNS Client Subnet or by the resolver's address, with what is known about
// it.
type Place struct {
	Name          string             `yaml:"name"`
	ClientSubnets []string           `yaml:"clientSubnets"`
	Sources       []string           `yaml:"sources"`
	Latencies     map[string]float64 `yaml:"latencies"` // milliseconds by Region
	Continent     string             `yaml:"continent"`
	Country       string             `yaml:"country"`
	Subdivision   string             `yaml:"subdivision"` // of the United States
	Latitude      *float64           `yaml:"latitude"`
	Longitude     *float64           `yaml:"longitude"`
}

// A Batch is one ChangeResourceRecordSets request.
type Batch struct {
	Changes []Change `yaml:"changes"`
	// Refused is the code of the error that is expected: InvalidInput, InvalidChangeBatch or NoSuchHealthCheck; "any"
	// where it is not documented which. Empty means that the batch is accepted. Nothing of a refused batch may take
	// effect.
	Refused string `yaml:"refused"`
	// Messages are texts that the error contains, where they are on record.
	Messages []string `yaml:"messages"`
}

// A Change is one change of a batch.
type Change struct {
	Action            string    `yaml:"Action"`
	ResourceRecordSet RecordSet `yaml:"ResourceRecordSet"`
}

// A Query is one question and what is expected of the reply.
type Query struct {
	Name string `yaml:"name"`
	Type string `yaml:"type"`
	// Client is the address of the resolver, in 127.0.0.0/8 so that it can be asked from; empty is 127.0.0.1.
	Client string `yaml:"client"`
	// ECS is the EDNS Client Subnet option as a prefix; empty is none.
	ECS string `yaml:"ecs"`
	// BufferSize is the UDP payload size in EDNS; 0 is a query without EDNS (unless ECS is given).
	BufferSize uint16 `yaml:"bufferSize"`
	Expect     Expect `yaml:"expect"`
}

// An Expect is what must hold of every reply. A record is written "TYPE value", in DNS presentation form. Exactly one
// of Answers, OneOf and Share is given; Answers may be empty for a reply without answers.
type Expect struct {
	RCode   string     `yaml:"rcode"`   // empty is NOERROR
	Answers []string   `yaml:"answers"` // all records of the answer section, in any order
	OneOf   [][]string `yaml:"oneOf"`   // answer sections of which each reply has one, and each occurs
	// Share is, by record, the proportion of replies that hold it, over many draws. Records that are not named may not
	// occur.
	Share     map[string]float64 `yaml:"share"`
	Tolerance float64            `yaml:"tolerance"` // of Share and First; 0 is 0.015
	Count     int                `yaml:"count"`     // how many records every reply has, with Share
	// First is, by record, the proportion of replies that begin with it.
	First map[string]float64 `yaml:"first"`

	TTL *uint32 `yaml:"ttl"` // of every record of the answer section
	// "soa": exactly the zone's SOA; "ns": exactly its NS set; "none"; empty says nothing
	Authority   string    `yaml:"authority"`
	NegativeTTL *uint32   `yaml:"negativeTTL"` // of the SOA in the authority section
	Referral    *Referral `yaml:"referral"`
	AA          *bool     `yaml:"aa"`
	TC          bool      `yaml:"tc"`    // over UDP; all else is then expected of the reply over TCP
	Scope       *int      `yaml:"scope"` // SCOPE PREFIX-LENGTH of the reply (RFC 7871)
}

// A Referral is a delegation in the authority section.
type Referral struct {
	Name    string   `yaml:"name"`
	Servers []string `yaml:"servers"`
	Glue    []string `yaml:"glue"` // "owner TYPE value", the whole of the additional section
}

// Load reads the cases of every topic below root, ordered by topic, file and place in it. All errors are returned at
// once, each with its file and line: fields that do not exist, cases without id, title or source, ids that are used
// twice in a topic, and queries that expect nothing or two things.
func Load(root fs.FS) ([]Case, error) {
	files, err := fs.Glob(root, "*/*.yaml")
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, errors.New("no files: expected <topic>/*.yaml")
	}
	var cases []Case
	var faults []error
	taken := map[string]bool{}
	for _, file := range files { // sorted by fs.Glob
		of, err := loadFile(root, file)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		for i := range of {
			for _, fault := range of[i].faults(taken) {
				faults = append(faults, fmt.Errorf("%s: line %d: %s", file, of[i].Line, fault))
			}
			taken[of[i].Name()] = true
		}
		cases = append(cases, of...)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return cases, nil
}

func loadFile(root fs.FS, file string) ([]Case, error) {
	text, err := fs.ReadFile(root, file)
	if err != nil {
		return nil, err
	}
	var cases []Case
	strict := yaml.NewDecoder(bytes.NewReader(text))
	strict.KnownFields(true)
	if err := strict.Decode(&cases); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var items []yaml.Node // the same again, for the lines
	if err := yaml.Unmarshal(text, &items); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for i := range cases {
		cases[i].Topic, cases[i].File, cases[i].Line = path.Dir(file), file, items[i].Line
	}
	return cases, nil
}

// faults says what is missing in a case or contradicts itself.
func (c *Case) faults(taken map[string]bool) []string {
	var out []string
	need := func(ok bool, format string, args ...any) {
		if !ok {
			out = append(out, fmt.Sprintf("%s: ", c.Name())+fmt.Sprintf(format, args...))
		}
	}
	need(c.ID != "" && strings.Trim(c.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") == "",
		"id: %q is not of a-z, 0-9 and -", c.ID)
	need(!taken[c.Name()], "id: used twice in the topic")
	need(c.Title != "", "title: missing")
	need(cites(c.Source), "source: %q does not cite a document and a section as r53: A.5", c.Source)
	need(c.Unconfirmed == (c.Reading != ""), "reading: exactly the cases with unconfirmed: true have one")
	need(len(c.Queries)+len(c.Batches) > 0, "queries: a case needs a query or a batch")
	for _, verdict := range c.Checks {
		need(slices.Contains([]string{"healthy", "unhealthy", "deleted"}, verdict),
			"checks: %q is not healthy, unhealthy or deleted", verdict)
	}
	for i, b := range c.Batches {
		need(slices.Contains([]string{"", "InvalidInput", "InvalidChangeBatch", "NoSuchHealthCheck", "any"}, b.Refused),
			"batch %d: refused: %q is no code of ChangeResourceRecordSets", i+1, b.Refused)
	}
	for i, q := range c.Queries {
		for _, fault := range q.faults() {
			need(false, "query %d: %s", i+1, fault)
		}
	}
	return out
}

// cites reports whether a source names a document and, last, a section of the behaviour reference.
func cites(source string) bool {
	parts := strings.Split(source, "; ")
	for i, part := range parts {
		kind, what, _ := strings.Cut(part, " ")
		switch last := i == len(parts)-1; {
		case last != (kind == "r53:"):
			return false
		case kind == "observed":
		case !slices.Contains([]string{"DG", "API", "ELB", "RFC", "r53:"}, kind) || what == "":
			return false
		}
	}
	return len(parts) > 1
}

func (q *Query) faults() []string {
	var out []string
	if q.Name == "" || q.Type == "" {
		out = append(out, "name and type are needed")
	}
	given := 0
	for _, has := range []bool{q.Expect.Answers != nil, q.Expect.OneOf != nil, q.Expect.Share != nil} {
		if has {
			given++
		}
	}
	if given != 1 {
		out = append(out, fmt.Sprintf("%d of answers, oneOf and share are given, expected one", given))
	}
	if !slices.Contains([]string{"", "soa", "ns", "none"}, q.Expect.Authority) {
		out = append(out, fmt.Sprintf("authority: %q is not soa, ns or none", q.Expect.Authority))
	}
	return out
}
