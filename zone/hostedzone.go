package zone

import (
	"errors"
	"fmt"
	"strings"
)

// A HostedZone is the container of record sets for one apex name.
type HostedZone struct {
	ID              string   `json:"id"` // "Z…", without the /hostedzone/ prefix
	Name            Name     `json:"name"`
	CallerReference string   `json:"callerReference"`
	Comment         string   `json:"comment,omitempty"`
	PrivateZone     bool     `json:"privateZone,omitempty"`
	NameServers     []string `json:"nameServers"` // at least one; no trailing dots, as the API shows them
}

// NewApexRecords returns the NS and SOA record sets a new zone starts with, made from z.NameServers. r53: A.13.
func NewApexRecords(z HostedZone) []*ResourceRecordSet {
	nsTTL, soaTTL := int64(172800), int64(900)
	servers := make([]string, len(z.NameServers))
	for i, server := range z.NameServers {
		servers[i] = server + "."
	}
	soa := servers[0] + " awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
	return []*ResourceRecordSet{
		{Name: z.Name, Type: NS, TTL: &nsTTL, ResourceRecords: servers},
		{Name: z.Name, Type: SOA, TTL: &soaTTL, ResourceRecords: []string{soa}},
	}
}

// ValidateZoneName refuses what CreateHostedZone refuses: the root and single labels, and a leftmost wildcard. r53: C.2.
func ValidateZoneName(n Name) error {
	if n.IsWildcard() {
		return fmt.Errorf("%s is not a valid zone name: its leftmost label is a wildcard", n)
	}
	if strings.Count(string(n), ".") < 2 {
		return errors.New(string(n) + " is reserved by AWS!")
	}
	return nil
}
