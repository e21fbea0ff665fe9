package store

import "errors"

// Refusals of writes. r53server maps each to its code and status.
var (
	ErrUnavailable              = errors.New("etcd does not answer")
	ErrNoSuchHostedZone         = errors.New("no such hosted zone")
	ErrHostedZoneAlreadyExists  = errors.New("a hosted zone with this caller reference exists")
	ErrHostedZoneNotEmpty       = errors.New("the hosted zone holds record sets other than the apex NS and SOA")
	ErrNoSuchChange             = errors.New("no such change")
	ErrNoSuchHealthCheck        = errors.New("no such health check")
	ErrHealthCheckAlreadyExists = errors.New("a health check with this caller reference exists or existed, with other settings")
	ErrHealthCheckVersion       = errors.New("the health check has a newer version")
	ErrPriorRequestNotComplete  = errors.New("another change of this zone is being processed")
)
