package store

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// delegationUse is a kind of use. Its id is that of a delegation set, or of a zone whose name servers become one.
const delegationUse = "delegationset"

// A DelegationSet is four name servers that several hosted zones can have. A zone uses the set whose name servers it
// has. It never changes.
type DelegationSet struct {
	ID              string   `json:"id"` // "N…", without the /delegationset/ prefix
	CallerReference string   `json:"callerReference"`
	NameServers     []string `json:"nameServers"` // no trailing dots, as the API shows them
}

// DelegationSetCount is the number of reusable delegation sets.
func (st *State) DelegationSetCount() int { return st.delegations.Len() }

// DelegationSet returns a reusable delegation set by id.
func (st *State) DelegationSet(id string) (DelegationSet, bool) {
	if set, ok := st.delegations.Get(id); ok {
		return *set, true
	}
	return DelegationSet{}, false
}

// DelegationSets yields the reusable delegation sets by id.
func (st *State) DelegationSets() iter.Seq[DelegationSet] {
	return func(yield func(DelegationSet) bool) {
		st.delegations.Scan(func(_ string, set *DelegationSet) bool { return yield(*set) })
	}
}

// DelegationSetOf returns the reusable delegation set that a hosted zone uses; ok is false when its name servers are
// its own.
func (st *State) DelegationSetOf(z zone.HostedZone) (set DelegationSet, ok bool) {
	return st.delegationSetWith(z.NameServers)
}

func (st *State) delegationSetWith(nameServers []string) (DelegationSet, bool) {
	for set := range st.DelegationSets() {
		if slices.Equal(set.NameServers, nameServers) {
			return set, true
		}
	}
	return DelegationSet{}, false
}

// ZonesOn yields the hosted zones that use a reusable delegation set, by id.
func (st *State) ZonesOn(set DelegationSet) iter.Seq[zone.HostedZone] {
	return func(yield func(zone.HostedZone) bool) {
		for z := range st.Zones() {
			if slices.Equal(z.NameServers, set.NameServers) && !yield(z) {
				return
			}
		}
	}
}

func (e *edit) putDelegationSet(id string, value []byte) error {
	set, err := decode[DelegationSet](value)
	if err != nil {
		return err
	}
	if set.ID != id {
		return fmt.Errorf("the value is of another delegation set, %q", set.ID)
	}
	e.next.delegations.Set(id, &set)
	e.changed.unsaved = true
	return nil
}

// CreateDelegationSet makes a reusable delegation set, of new name servers or, with a zone id, of those of an existing
// hosted zone, which then uses it. Any use of a caller reference that a set has, or had in the last days, is
// ErrDelegationSetExists. A zone that is on a reusable set already is ErrDelegationSetReusable, a private one, as all
// private zones have the same name servers, ErrDelegationSetNotAvailable; ErrNoSuchHostedZone and
// *quota.LimitsExceeded. r53: C.4, C.5.
func (s *Store) CreateDelegationSet(ctx context.Context, callerReference, zoneID string) (DelegationSet, error) {
	set := DelegationSet{ID: newID("N"), CallerReference: callerReference}
	caller := delegationCaller + callerReference
	err := s.admit(ctx, delegationQuota(s.o.Limits), func() error {
		st := s.State()
		var t transaction
		var err error
		if set.NameServers, err = t.nameServersFor(st, zoneID); err != nil {
			return err
		}
		t.guard(absent(caller))
		t.put(caller, encode(callerValue{ID: set.ID}))
		t.put(delegationPrefix+set.ID, encode(set))
		t.readOnRefusal(caller)
		r, err := s.commit(ctx, &t)
		if err != nil {
			return fmt.Errorf("create delegation set: %w", err)
		}
		if r.Succeeded {
			s.settle(ctx, r.Header.Revision)
			return nil
		}
		if zoneID != "" && len(r.Responses[0].GetResponseRange().Kvs) == 0 { // so it was another guard
			s.awaitNewer(ctx, t.outdatedBy)
			if _, ok := s.State().Zone(zoneID); !ok {
				return &NoSuch{ErrNoSuchHostedZone, zoneID}
			}
			return ErrDelegationSetReusable
		}
		return ErrDelegationSetExists
	})
	if err != nil {
		return DelegationSet{}, err
	}
	return set, nil
}

// nameServersFor returns the name servers of a zone, guarded by its existence and by nobody else making a set of them;
// new ones without a zone.
func (t *transaction) nameServersFor(st *State, zoneID string) ([]string, error) {
	if zoneID == "" {
		return newNameServers(st), nil
	}
	if err := t.expectResource(st, HostedZoneTags, zoneID); err != nil {
		return nil, err
	}
	z, _ := st.Zone(zoneID)
	if z.PrivateZone {
		return nil, ErrDelegationSetNotAvailable
	}
	if _, ok := st.DelegationSetOf(z); ok {
		return nil, ErrDelegationSetReusable
	}
	t.expectUses(st, delegationUse, zoneID)
	t.use(delegationUse, zoneID)
	return z.NameServers, nil
}

// DeleteDelegationSet deletes a reusable delegation set that no hosted zone uses; else it is ErrDelegationSetInUse.
func (s *Store) DeleteDelegationSet(ctx context.Context, id string) error {
	return s.decide(ctx, "delete delegation set "+id, func(st *State, t *transaction) error {
		set, err := t.expectDelegationSet(st, id)
		if err != nil {
			return err
		}
		for range st.ZonesOn(set) {
			return ErrDelegationSetInUse
		}
		t.expectUses(st, delegationUse, id)
		t.delete(delegationPrefix + id)
		t.delete(usePrefix + delegationUse + "/" + id)
		t.keep(delegationCaller+set.CallerReference, encode(callerValue{ID: id, Deleted: true}))
		return nil
	})
}

// expectDelegationSet guards that a set exists.
func (t *transaction) expectDelegationSet(st *State, id string) (DelegationSet, error) {
	set, ok := st.DelegationSet(id)
	if !ok {
		return DelegationSet{}, &NoSuch{ErrNoSuchDelegationSet, id}
	}
	t.guard(exists(delegationPrefix + id))
	t.outdated = append(t.outdated, func(st *State) bool { _, ok := st.DelegationSet(id); return !ok })
	return set, nil
}

// useDelegationSet guards that a new zone may use a set: one zone of a name, as the set's servers could not tell two
// apart (wording and scope unconfirmed), and no more zones than the limit. r53: C.2, C.8.
func (t *transaction) useDelegationSet(st *State, id string, name zone.Name, limit int) (DelegationSet, error) {
	set, err := t.expectDelegationSet(st, id)
	if err != nil {
		return DelegationSet{}, err
	}
	count := 0
	for z := range st.ZonesOn(set) {
		if z.Name == name {
			return DelegationSet{}, ErrConflictingDomain
		}
		count++
	}
	if limit > 0 && count >= limit {
		return DelegationSet{}, &quota.LimitsExceeded{Message: fmt.Sprintf(
			"Delegation set %s has %d hosted zones, no more are "+
				"allowed", id, count)}
	}
	t.expectUses(st, delegationUse, id)
	t.use(delegationUse, id)
	return set, nil
}
