package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// ChangeRecords applies a batch as a whole or not at all. A batch that is refused is an error of zone.Records.Apply
// (*validation.InvalidInput, *zone.InvalidChangeBatch, *zone.NoSuchHealthCheck); a zone that others keep changing is
// ErrPriorRequestNotComplete. r53: C.6.
func (s *Store) ChangeRecords(ctx context.Context, zoneID, comment string, changes []zone.Change) (ChangeInfo, error) {
	info := newChangeInfo(comment)
	_, err := s.changeZone(ctx, zoneID, func(st *State, e *zoneEntry, t *transaction) error {
		_, effects, err := e.records.Apply(*e.zone, changes, st.facts(s.o))
		if err != nil {
			return err
		}
		t.put(zoneRevPrefix+zoneID, encode(info.ID))
		t.keep(changePrefix+info.ID, encode(info))
		for _, effect := range effects {
			if effect.New == nil {
				t.delete(recordKey(zoneID, effect.Old.Key()))
				continue
			}
			t.put(recordKey(zoneID, effect.New.Key()), encode(effect.New))
			if id := effect.New.HealthCheckID; id != "" && !slices.Contains(t.cited, id) {
				t.cited = append(t.cited, id)
			}
			if routing := effect.New.CidrRoutingConfig; routing != nil {
				t.useCIDRCollection(st, routing.CollectionID)
			}
		}
		return nil
	})
	if err != nil {
		return ChangeInfo{}, err
	}
	return info, nil
}

// GetChange returns the receipt of a change with InSync set if every live node, this one included, has applied it:
// PENDING is never pretended to be over. Receipts are kept for three days; after that the error is ErrNoSuchChange.
func (s *Store) GetChange(ctx context.Context, id string) (ChangeInfo, error) {
	r, err := s.commit(ctx, &transaction{then: []clientv3.Op{
		clientv3.OpGet(changePrefix + id),
		clientv3.OpGet(nodePrefix, clientv3.WithPrefix()),
	}})
	if err != nil {
		return ChangeInfo{}, fmt.Errorf("get change %s: %w", id, err)
	}
	change, nodes := r.Responses[0].GetResponseRange().Kvs, r.Responses[1].GetResponseRange().Kvs
	if len(change) == 0 {
		return ChangeInfo{}, &NoSuch{ErrNoSuchChange, id}
	}
	info, err := decode[ChangeInfo](change[0].Value)
	if err != nil {
		return ChangeInfo{}, fmt.Errorf("get change %s: %w", id, err)
	}
	s.mu.Lock()
	info.InSync = s.applied >= change[0].ModRevision
	s.mu.Unlock()
	for _, kv := range nodes {
		node, err := decode[nodeValue](kv.Value)
		if err != nil {
			name := strings.TrimPrefix(string(kv.Key), nodePrefix)
			return ChangeInfo{}, fmt.Errorf("get change %s: what node %s has applied: %w", id, name, err)
		}
		info.InSync = info.InSync && node.Revision >= change[0].ModRevision
	}
	return info, nil
}
