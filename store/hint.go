package store

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// HintProbe asks every node that lives, this one included, to probe a check now: each is told by Change.Hints. Nothing
// of it lasts. A node that does not hear of it goes on as if there had been none. A check that State does not have is
// ErrNoSuchHealthCheck; with etcd away it is ErrUnavailable, and nobody is told.
func (s *Store) HintProbe(ctx context.Context, checkID string) error {
	if _, ok := s.State().checks.Get(checkID); !ok {
		return &NoSuch{ErrNoSuchHealthCheck, checkID}
	}
	client, err := s.etcd()
	if err != nil {
		return fmt.Errorf("hint at health check %s: %w", checkID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	rev, err := s.hint(ctx, client, checkID)
	if errors.Is(err, rpctypes.ErrLeaseNotFound) { // of another cluster
		s.hints.drop()
		rev, err = s.hint(ctx, client, checkID)
	}
	if err != nil {
		return fmt.Errorf("hint at health check %s: %w", checkID, refusal(err, 1))
	}
	s.settle(ctx, rev)
	return nil
}

func (s *Store) hint(ctx context.Context, client *clientv3.Client, checkID string) (revision int64, err error) {
	lease, err := s.hints.get(ctx, client)
	if err != nil {
		return 0, err
	}
	r, err := client.Put(ctx, hintPrefix+checkID, encode(s.o.Node), clientv3.WithLease(lease))
	if err != nil {
		return 0, err
	}
	return r.Header.Revision, nil
}
