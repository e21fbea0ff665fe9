package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/bulkhead-dns/bulkhead/health"
)

const (
	// probeInterval and probeTimeout bound how soon a silent etcd is noticed.
	probeInterval = time.Second
	probeTimeout  = 3 * time.Second

	minRetry = 50 * time.Millisecond
	maxRetry = time.Second

	pageSize = 2000 // keys read at once
)

// errStartOver ends a session whose watch cannot continue: etcd has compacted the revisions that it needs.
var errStartOver = errors.New("etcd has dropped the history since the last revision seen")

// A link holds what lasts from one session with etcd to the next.
type link struct {
	loaded bool             // State came from etcd, so that a watch can continue from it
	lease  clientv3.LeaseID // of this node; 0 before the first
	logged error            // the loss of etcd that was logged
}

func dial(o Options) (*clientv3.Client, error) {
	client, err := clientv3.New(clientv3.Config{
		Endpoints:            o.Endpoints,
		TLS:                  o.TLS,
		DialKeepAliveTime:    10 * time.Second,
		DialKeepAliveTimeout: 5 * time.Second,
		MaxUnaryRetries:      1,        // follow retries
		MaxCallSendMsgSize:   10 << 20, // the largest batch, every character of its names escaped; etcd takes as much
		Logger:               zap.NewNop(),
		DialOptions: []grpc.DialOption{
			grpc.WithChainUnaryInterceptor(failFast),
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff:           backoff.Config{BaseDelay: minRetry, Multiplier: 1.6, Jitter: 0.2, MaxDelay: maxRetry},
				MinConnectTimeout: probeTimeout,
			}),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("etcd client for %q: %w", o.Endpoints, err)
	}
	return client, nil
}

// failFast makes a request fail when there is no connection. By default etcd's client waits for one.
func failFast(
	ctx context.Context, method string, request, reply any,
	conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
) error {
	return invoke(ctx, method, request, reply, conn, append(opts, grpc.WaitForReady(false))...)
}

// follow keeps State equal to etcd until ctx ends, in one session after the other.
func (s *Store) follow(ctx context.Context, client *clientv3.Client) {
	coldStart := time.AfterFunc(snapshotAfter, s.serveSnapshot)
	defer coldStart.Stop()
	retry := minRetry
	for ctx.Err() == nil {
		began := time.Now()
		err := s.session(ctx, client)
		s.setConnected(false)
		if ctx.Err() != nil {
			break
		}
		s.serveSnapshot()
		if !errors.Is(err, errStartOver) {
			s.logDisconnected(err)
		}
		if time.Since(began) > maxRetry {
			retry = minRetry
		}
		select {
		case <-time.After(retry):
		case <-ctx.Done():
		}
		retry = min(2*retry, maxRetry)
	}
	s.release(ctx, client)
}

// serveSnapshot makes the snapshot the State, unless there is a State already.
func (s *Store) serveSnapshot() {
	cold := s.cold
	if cold == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.state.Load(); st.cluster != 0 {
		return
	}
	e := cold.edit(&s.pending, s.leased.holds)
	s.addOwnReports(e)
	s.pending.full = true
	s.publish(e.done())
	s.o.Logger.Info("serving the snapshot until etcd answers", "revision", cold.revision, "zones", cold.ZoneCount())
}

// logDisconnected logs each loss of etcd once, and once more when etcd came back empty.
func (s *Store) logDisconnected(err error) {
	var emptied *emptiedError
	if s.link.logged != nil && (!errors.As(err, &emptied) || errors.As(s.link.logged, &emptied)) {
		return
	}
	s.link.logged = err
	_, since := s.Connected()
	if errors.As(err, &emptied) {
		s.o.Logger.Error("etcd is refused: DNS is answered from the last known state", "since", since, "err", err)
		return
	}
	s.o.Logger.Warn("etcd does not answer: DNS is answered from the last known state", "since", since, "err", err)
}

func (s *Store) logReconnected() {
	if s.link.logged != nil {
		s.o.Logger.Info("etcd answers again")
	}
	s.link.logged = nil
}

// session follows etcd until something fails, and returns the reason. The package comment has a picture.
func (s *Store) session(ctx context.Context, client *clientv3.Client) error {
	ctx, cancel := context.WithCancelCause(ctx)
	now, err := probe(ctx, client)
	if err != nil {
		cancel(nil)
		return err
	}
	if st := s.State(); !s.link.loaded || now.ClusterId != st.cluster || now.Revision < st.revision {
		if err := s.load(ctx, client); err != nil {
			cancel(nil)
			return err
		}
	}
	s.beginContact()
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(probeInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if _, err := probe(ctx, client); err != nil {
					cancel(err)
				} else {
					s.hear()
				}
			}
		}
	}()
	published := make(chan struct{})
	go func() {
		defer close(published)
		cancel(s.keepPublished(ctx, client))
	}()
	cancel(s.watch(ctx, client))
	<-done
	<-published
	return context.Cause(ctx)
}

// probe sends a request that etcd answers only with a quorum.
func probe(ctx context.Context, client *clientv3.Client) (*responseHeader, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	r, err := client.Get(ctx, root, clientv3.WithCountOnly())
	if err != nil {
		return nil, err
	}
	return r.Header, nil
}

// watch applies every change after State's revision.
func (s *Store) watch(ctx context.Context, client *clientv3.Client) error {
	from := s.State().revision + 1
	events := client.Watch(clientv3.WithRequireLeader(ctx), root,
		clientv3.WithPrefix(), clientv3.WithRev(from), clientv3.WithCreatedNotify())
	for r := range events {
		switch {
		case r.CompactRevision != 0:
			s.link.loaded = false
			return errStartOver
		case r.Err() != nil:
			return r.Err()
		case r.Created:
			s.setConnected(true)
			s.logReconnected()
		}
		s.hear()
		if len(r.Events) > 0 {
			s.applyEvents(r.Events)
		}
	}
	return errors.New("the watch ended")
}

// applyEvents makes the next State. A response of the watch has whole revisions, so no State shows half a transaction.
func (s *Store) applyEvents(events []*clientv3.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.state.Load().edit(&s.pending, s.leased.holds)
	for _, event := range events {
		key := string(event.Kv.Key)
		var err error
		if event.Type == clientv3.EventTypeDelete {
			err = e.delete(key)
		} else {
			err = e.put(key, event.Kv.Value, event.Kv.ModRevision)
		}
		if err != nil {
			s.o.Logger.Error("etcd has a value that cannot be read: ignored", "err", err)
		}
	}
	for _, id := range e.goneChecks {
		s.leased.forget(reportPrefix + id + "/")
	}
	next := e.done()
	next.revision = events[len(events)-1].Kv.ModRevision
	s.publish(next)
}

// load reads everything from etcd at one revision.
func (s *Store) load(ctx context.Context, client *clientv3.Client) error {
	changed := pending{full: true, acknowledge: true}
	e := newState().edit(&changed, s.leased.holds)
	for _, prefix := range []string{
		zonePrefix, zoneRevPrefix, recordsPrefix, checkPrefix, loadBalancerPrefix, reportPrefix, targetHealthPrefix,
		cidrPrefix, delegationPrefix, usePrefix, tagsPrefix,
	} {
		if err := s.loadPrefix(ctx, client, e, prefix); err != nil {
			return fmt.Errorf("read %s: %w", prefix, err)
		}
	}
	next := e.done()
	next.verdicts = s.verdicts

	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.state.Load()
	if last.cluster == 0 && s.cold != nil {
		last = s.cold // nothing is served yet: an empty etcd must not replace the snapshot either
	}
	if err := guardEmptied(last, next, s.o.SnapshotPath); err != nil {
		return err
	}
	s.addOwnReports(e)
	if s.contact.Lost() {
		next.doubted = doubtedOf(s.state.Load(), next)
	}
	// The revision that this node has acknowledged may be one of another cluster.
	s.leased.forget(nodePrefix)
	s.pending = changed
	s.link.loaded = true
	s.connect(true) // before OnChange gets the State, so that OnChange may write
	s.publish(next)
	return nil
}

func (s *Store) loadPrefix(ctx context.Context, client *clientv3.Client, e *edit, prefix string) error {
	end := clientv3.GetPrefixRangeEnd(prefix)
	for from := prefix; ; {
		page, cancel := context.WithTimeout(ctx, 2*requestTimeout)
		r, err := client.Get(page, from,
			clientv3.WithRange(end), clientv3.WithLimit(pageSize), clientv3.WithRev(e.next.revision))
		cancel()
		if err != nil {
			if errors.Is(err, rpctypes.ErrCompacted) {
				return errStartOver
			}
			return err
		}
		if e.next.revision == 0 {
			e.next.revision, e.next.cluster = r.Header.Revision, r.Header.ClusterId
		}
		for _, kv := range r.Kvs {
			if err := e.put(string(kv.Key), kv.Value, kv.ModRevision); err != nil {
				s.o.Logger.Error("etcd has a value that cannot be read: ignored", "err", err)
			}
		}
		if !r.More {
			return nil
		}
		from = string(r.Kvs[len(r.Kvs)-1].Key) + "\x00"
	}
}

// addOwnReports adds this node's own reports and target health, which do not depend on etcd. It forgets reports on
// checks that no longer exist.
func (s *Store) addOwnReports(e *edit) {
	var gone []string
	s.leased.all(func(key string, value any) {
		switch value := value.(type) {
		case *health.Report:
			if _, ok := e.next.checks.Get(value.Check); ok {
				e.addReport(&health.Vote{Report: *value})
			} else {
				gone = append(gone, key)
			}
		case bool:
			e.setTargetHealth(key[len(targetHealthPrefix):], targetEntry{healthy: value})
		}
	})
	for _, key := range gone {
		s.leased.forget(key)
	}
}

// An emptiedError refuses an etcd that has lost everything: an empty source never means that all is to be deleted.
type emptiedError struct {
	zones    int
	snapshot string
}

func (e *emptiedError) Error() string {
	text := fmt.Sprintf("etcd holds no hosted zone and is not the etcd that held the %d known here; "+
		"nothing is deleted: restore etcd from a backup", e.zones)
	if e.snapshot != "" {
		text += ", or stop this node and remove " + e.snapshot + " to start empty"
	}
	return text
}

// guardEmptied refuses a state without zones in place of one with zones, if it comes from another cluster or an older
// time.
func guardEmptied(old, next *State, snapshot string) error {
	lost := next.cluster != old.cluster || next.revision < old.revision
	if old.ZoneCount() > 0 && next.ZoneCount() == 0 && lost {
		return &emptiedError{old.ZoneCount(), snapshot}
	}
	return nil
}
