package store

import "errors"

// A NoSuch is one of the errors ErrNoSuch… below, with the id that nothing has.
type NoSuch struct {
	Err error
	ID  string
}

// Error says what is missing.
func (e *NoSuch) Error() string { return e.Err.Error() + ": " + e.ID }

// Unwrap returns the kind.
func (e *NoSuch) Unwrap() error { return e.Err }

// Refusals of writes. r53server maps each to its code and status. Those of what does not exist come as *NoSuch.
var (
	ErrUnavailable              = errors.New("etcd does not answer")
	ErrNoSuchHostedZone         = errors.New("no such hosted zone")
	ErrHostedZoneAlreadyExists  = errors.New("a hosted zone with this caller reference exists")
	ErrHostedZoneNotEmpty       = errors.New("the hosted zone holds record sets other than the apex NS and SOA")
	ErrAcceleratedRecovery      = errors.New("accelerated recovery of the hosted zone is not off")
	ErrNoSuchChange             = errors.New("no such change")
	ErrNoSuchHealthCheck        = errors.New("no such health check")
	ErrHealthCheckAlreadyExists = errors.New(
		"a health check with this caller reference exists or existed, with other settings")
	ErrHealthCheckVersion      = errors.New("the health check has a newer version")
	ErrTooManyHostedZones      = errors.New("the account may have no more hosted zones")
	ErrTooManyHealthChecks     = errors.New("the account may have no more health checks")
	ErrPriorRequestNotComplete = errors.New("another change of this zone is being processed")

	ErrNoSuchCIDRCollection      = errors.New("no such CIDR collection")
	ErrCIDRCollectionExists      = errors.New("a CIDR collection with this name or caller reference exists or existed")
	ErrConcurrentModification    = errors.New("others keep changing what this request is about")
	ErrNoSuchDelegationSet       = errors.New("no such reusable delegation set")
	ErrDelegationSetExists       = errors.New("a delegation set with this caller reference exists or existed")
	ErrDelegationSetReusable     = errors.New("the delegation set of this hosted zone is reusable already")
	ErrDelegationSetInUse        = errors.New("hosted zones use the delegation set")
	ErrDelegationSetNotAvailable = errors.New("the hosted zone has no delegation set of its own")
	ErrConflictingDomain         = errors.New("a hosted zone of this name uses the delegation set")
)
