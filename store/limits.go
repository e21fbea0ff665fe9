package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/bulkhead-dns/bulkhead/quota"
)

// An accountLimit bounds how many objects of one kind there may be.
type accountLimit struct {
	limit   int // 0 for none
	count   func(*State) int
	refusal error
}

func zoneQuota(l quota.Limits) accountLimit {
	return accountLimit{l.HostedZones, (*State).ZoneCount, ErrTooManyHostedZones}
}

func checkQuota(l quota.Limits) accountLimit {
	return accountLimit{l.HealthChecks, (*State).CheckCount, ErrTooManyHealthChecks}
}

func cidrQuota(l quota.Limits) accountLimit {
	return accountLimit{l.CIDRCollections, (*State).CIDRCollectionCount, tooMany("CIDR collections", l.CIDRCollections)}
}

func delegationQuota(l quota.Limits) accountLimit {
	return accountLimit{l.ReusableDelegationSets, (*State).DelegationSetCount,
		tooMany("reusable delegation sets", l.ReusableDelegationSets)}
}

func tooMany(what string, limit int) error {
	return &quota.LimitsExceeded{Message: fmt.Sprintf("The account has %d %s, no more are allowed", limit, what)}
}

// admit runs create if a quota has room for one more. Creations under one quota wait for each other, so that the count
// is exact; nodes that create at the same moment do not, and may together go over by one each.
func (s *Store) admit(ctx context.Context, q accountLimit, create func() error) error {
	if q.limit == 0 {
		return create()
	}
	unlock, err := s.locks.lock(ctx, fmt.Sprint("quota ", q.refusal))
	if errors.Is(err, ErrPriorRequestNotComplete) {
		return ErrConcurrentModification
	}
	if err != nil {
		return err
	}
	defer unlock()
	if q.count(s.State()) >= q.limit {
		return q.refusal
	}
	return create()
}
