package zone

// Limits are the quotas an account can be given; 0 means no limit. What no account can have raised (values of a set,
// members of a group, the size of a batch) is not among them. r53: C.8.
type Limits struct {
	HostedZones             int // in the account
	RecordSetsPerZone       int // NS and SOA of the apex included
	HealthChecks            int // in the account
	CIDRCollections         int // in the account
	CIDRBlocksPerCollection int
	ReusableDelegationSets  int // in the account
	ZonesPerDelegationSet   int
}

// DefaultLimits returns what Route 53 gives an account at first. r53: C.8.
func DefaultLimits() Limits {
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

// exceeds reports whether going from one number to another breaks a limit. What is over it already may shrink.
func exceeds(limit, from, to int) bool { return limit > 0 && to > limit && to > from }
