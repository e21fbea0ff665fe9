// Package quota says how much an account may have.
package quota

// Limits are the quotas that AWS can raise for an account; 0 means no limit. Fixed limits, such as the values of a
// record set, the members of a group and the size of a batch, are not among them. r53: C.8.
type Limits struct {
	HostedZones             int // in the account
	RecordSetsPerZone       int // NS and SOA of the apex included
	HealthChecks            int // in the account
	CIDRCollections         int // in the account
	CIDRBlocksPerCollection int
	ReusableDelegationSets  int // in the account
	ZonesPerDelegationSet   int
}

// Default returns the limits of a new account. r53: C.8.
func Default() Limits {
	return Limits{
		HostedZones:             500,
		RecordSetsPerZone:       10_000,
		HealthChecks:            200,
		CIDRCollections:         5,
		CIDRBlocksPerCollection: 1_000,
		ReusableDelegationSets:  100,
		ZonesPerDelegationSet:   100,
	}
}

// Exceeds reports whether a change from one number to another breaks a limit; 0 is no limit. An account that is over
// its limit may still shrink.
func Exceeds(limit, from, to int) bool { return limit > 0 && to > limit && to > from }

// LimitsExceeded is Route 53's error for a change that breaks an account's limit.
type LimitsExceeded struct{ Message string }

// Error returns the message.
func (e *LimitsExceeded) Error() string { return e.Message }
