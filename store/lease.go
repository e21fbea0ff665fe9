package store

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

type responseHeader = etcdserverpb.ResponseHeader

const (
	// publishBatch is how many keys go into one transaction; also how many lazy keys are published in a lazyInterval at
	// most, which bounds what observations cost etcd however many checks there are.
	publishBatch = 250
	lazyInterval = time.Second

	// publishGap debounces urgent keys: those of this time are written together.
	publishGap = 10 * time.Millisecond

	// receiptTTL is how long receipts of changes and caller references of what was deleted are kept. Route 53 keeps
	// references of deleted checks "for some days". r53: B.8.
	receiptTTL   = 3 * 24 * time.Hour
	receiptRenew = time.Hour // how many such keys share a lease

	// hintTTL is how long a hint stays in etcd at most: every node that lives hears of it by the watch, at once.
	hintTTL   = 10 * time.Second
	hintRenew = 5 * time.Second
)

// keepPublished renews this node's lease and publishes the leased values under it, until ctx ends or etcd fails.
func (s *Store) keepPublished(ctx context.Context, client *clientv3.Client) error {
	if err := s.renew(ctx, client); err != nil {
		return err
	}
	renew := time.NewTicker(s.o.LeaseTTL / 3)
	defer renew.Stop()
	lazy := time.NewTicker(lazyInterval)
	defer lazy.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-renew.C:
			if err = s.renew(ctx, client); err == nil {
				s.hear()
			}
		case <-s.leased.wake:
			if err = s.put(ctx, client, true); err == nil {
				err = sleep(ctx, publishGap)
			}
		case <-lazy.C:
			err = s.put(ctx, client, false)
		}
		if err != nil {
			return err
		}
	}
}

// renew keeps the lease alive. When the lease is lost, it gets a new one and publishes everything again.
func (s *Store) renew(ctx context.Context, client *clientv3.Client) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if s.link.lease != 0 {
		_, err := client.KeepAliveOnce(ctx, s.link.lease)
		if !errors.Is(err, rpctypes.ErrLeaseNotFound) {
			return err
		}
	}
	lease, err := client.Grant(ctx, int64(math.Ceil(s.o.LeaseTTL.Seconds())))
	if err != nil {
		return err
	}
	s.link.lease = lease.ID
	s.leased.retryAll()
	return nil
}

// put publishes a batch of keys.
func (s *Store) put(ctx context.Context, client *clientv3.Client, urgent bool) error {
	keys, values := s.leased.take(publishBatch, urgent)
	if len(keys) == 0 {
		return nil
	}
	ops := make([]clientv3.Op, len(keys))
	for i, key := range keys {
		if values[i] == nil {
			ops[i] = clientv3.OpDelete(key)
		} else {
			ops[i] = clientv3.OpPut(key, encode(values[i]), clientv3.WithLease(s.link.lease))
		}
	}
	request, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err := client.Txn(request).Then(ops...).Commit()
	if err != nil {
		s.leased.retry(keys)
	}
	if errors.Is(err, rpctypes.ErrLeaseNotFound) {
		return s.renew(ctx, client)
	}
	if err == nil {
		s.leased.published(keys, values)
	}
	return err
}

// release revokes the lease, so that other nodes do not wait for its end.
func (s *Store) release(ctx context.Context, client *clientv3.Client) {
	if s.link.lease == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if _, err := client.Revoke(ctx, s.link.lease); err != nil {
		s.o.Logger.Debug("the lease could not be revoked: it will expire", "err", err)
	}
}

// A sharedLease gives leases to keys that are kept for a time: ttl at most, and renew less than that at least.
type sharedLease struct {
	ttl, renew time.Duration

	mu      sync.Mutex
	lease   clientv3.LeaseID
	granted time.Time
}

func (l *sharedLease) get(ctx context.Context, client *clientv3.Client) (clientv3.LeaseID, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lease != 0 && time.Since(l.granted) < l.renew {
		return l.lease, nil
	}
	lease, err := client.Grant(ctx, int64(l.ttl.Seconds()))
	if err != nil {
		return 0, err
	}
	l.lease, l.granted = lease.ID, time.Now()
	return l.lease, nil
}

// drop forgets a lease that etcd does not know (any more).
func (l *sharedLease) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lease = 0
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
