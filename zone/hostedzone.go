package zone

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A HostedZone is the container of record sets for one apex name.
type HostedZone struct {
	ID              string   `json:"id"` // "Z…", without the /hostedzone/ prefix
	Name            Name     `json:"name"`
	CallerReference string   `json:"callerReference"`
	Comment         string   `json:"comment,omitempty"`
	PrivateZone     bool     `json:"privateZone,omitempty"`
	NameServers     []string `json:"nameServers"` // at least one; no trailing dots, as the API shows them

	// AcceleratedRecovery is the last request of UpdateHostedZoneFeatures; nil means off.
	AcceleratedRecovery *AcceleratedRecovery `json:"acceleratedRecovery,omitempty"`
}

// AcceleratedRecovery says whether accelerated recovery of a zone is on, and since when. r53: D.5.
type AcceleratedRecovery struct {
	Enabled bool      `json:"enabled"`
	Since   time.Time `json:"since"`
}

// RecoveryTransition is the time until accelerated recovery is on or off. On Route 53 it takes minutes to hours, and
// Route 53 refuses changes of the zone during a part of it. The engine has nothing to copy and accepts changes; the
// time only lets clients see a transition.
const RecoveryTransition = 3 * time.Second

// A RecoveryStatus is the state of accelerated recovery in replies of the API.
type RecoveryStatus string

// The states of a zone in this engine. Route 53 has more (r53: D.5).
const (
	RecoveryEnabling  RecoveryStatus = "ENABLING"
	RecoveryEnabled   RecoveryStatus = "ENABLED"
	RecoveryDisabling RecoveryStatus = "DISABLING"
	RecoveryDisabled  RecoveryStatus = "DISABLED"
)

// RecoveryStatus returns the state of accelerated recovery at a time. It is DISABLED if the zone never asked for it, as
// on Route 53.
func (z HostedZone) RecoveryStatus(now time.Time) RecoveryStatus {
	r := z.AcceleratedRecovery
	if r == nil {
		return RecoveryDisabled
	}
	// If Since is in the future, another node's clock is ahead. It must not extend the transition.
	age := now.Sub(r.Since)
	moving := -RecoveryTransition < age && age < RecoveryTransition
	switch {
	case r.Enabled && moving:
		return RecoveryEnabling
	case r.Enabled:
		return RecoveryEnabled
	case moving:
		return RecoveryDisabling
	}
	return RecoveryDisabled
}

// NewApexRecords returns the first NS and SOA record sets of a new zone, made from z.NameServers. r53: A.13.
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

// ValidateZoneName refuses the names that CreateHostedZone refuses: the root, single labels, and names that begin with
// a wildcard. r53: C.2.
func ValidateZoneName(n Name) error {
	if n.IsWildcard() {
		return fmt.Errorf("%s is not a valid zone name: its leftmost label is a wildcard", n)
	}
	if strings.Count(string(n), ".") < 2 {
		return errors.New(cmp.Or(strings.TrimSuffix(string(n), "."), ".") + " is reserved by AWS!")
	}
	return nil
}
