package store

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/google/uuid"

	"github.com/bulkhead-dns/bulkhead/cidr"
	"github.com/bulkhead-dns/bulkhead/zone"
)

const cidrUse = "cidr" // kind of use

// A cidrEntry is a CIDR collection with the etcd revision that wrote it.
type cidrEntry struct {
	collection cidr.Collection
	rev        int64
}

func (st *State) cidrRev(id string) int64 {
	if e, ok := st.cidrs.Get(id); ok {
		return e.rev
	}
	return 0
}

// CIDRCollectionCount is the number of CIDR collections.
func (st *State) CIDRCollectionCount() int { return st.cidrs.Len() }

// CIDRCollection returns a CIDR collection by id.
func (st *State) CIDRCollection(id string) (cidr.Collection, bool) {
	if e, ok := st.cidrs.Get(id); ok {
		return e.collection, true
	}
	return cidr.Collection{}, false
}

// CIDRCollections yields the CIDR collections by id.
func (st *State) CIDRCollections() iter.Seq[cidr.Collection] {
	return func(yield func(cidr.Collection) bool) {
		st.cidrs.Scan(func(_ string, e *cidrEntry) bool { return yield(e.collection) })
	}
}

// cidrLocationsUsed returns the locations of a collection that record sets route to. It reads all record sets: only who
// takes away a whole location or collection asks, which is rare.
func (st *State) cidrLocationsUsed(id string) map[string]bool {
	used := map[string]bool{}
	for z := range st.Zones() {
		for set := range st.Records(z.ID).From(zone.Key{}) {
			if c := set.CidrRoutingConfig; c != nil && c.CollectionID == id {
				used[c.LocationName] = true
			}
		}
	}
	return used
}

func (e *edit) putCIDRCollection(id string, value []byte, rev int64) error {
	c, err := decode[cidr.Collection](value)
	if err != nil {
		return err
	}
	if c.ID != id {
		return fmt.Errorf("the value is of another CIDR collection, %q", c.ID)
	}
	e.addCIDRCollection(c, rev)
	return nil
}

func (e *edit) addCIDRCollection(c cidr.Collection, rev int64) {
	e.next.cidrs.Set(c.ID, &cidrEntry{c, rev})
	e.changed.cidrs.add(c.ID)
}

// useCIDRCollection guards that a collection stays as it was when its locations were looked up, and tells those who
// change it that it has a new user.
func (t *transaction) useCIDRCollection(st *State, id string) {
	if !t.uses(cidrUse, id) {
		t.expect(st, cidrPrefix+id, func(st *State) int64 { return st.cidrRev(id) })
		t.use(cidrUse, id)
	}
}

// CreateCIDRCollection makes an empty collection of version 1. Repeated with the same name and caller reference it
// returns the existing collection as it is now, so that a request can be retried. A name or reference that another
// collection has, or a reference that one had in the last days, is ErrCIDRCollectionExists. The other errors are those
// of cidr.New, and *quota.LimitsExceeded. r53: C.3.
func (s *Store) CreateCIDRCollection(ctx context.Context, name, callerReference string) (cidr.Collection, error) {
	created, err := cidr.New(uuid.NewString(), name, callerReference)
	if err != nil {
		return cidr.Collection{}, err
	}
	repeated := func() (cidr.Collection, bool) {
		for c := range s.State().CIDRCollections() {
			if c.Name == name && c.CallerReference == callerReference {
				return c, true
			}
		}
		return cidr.Collection{}, false
	}
	if existing, ok := repeated(); ok {
		return existing, nil
	}
	err = s.admit(ctx, cidrQuota(s.o.Limits), func() error {
		caller, byName := cidrCallerPrefix+callerReference, cidrNamePrefix+name
		var t transaction
		t.guard(absent(caller))
		t.guard(absent(byName))
		t.put(caller, encode(callerValue{ID: created.ID}))
		t.put(byName, encode(created.ID))
		t.put(cidrPrefix+created.ID, encode(created))
		t.readOnRefusal(byName)
		r, err := s.commit(ctx, &t)
		if err != nil {
			return fmt.Errorf("create CIDR collection %s: %w", name, err)
		}
		if r.Succeeded {
			s.settle(ctx, r.Header.Revision)
			return nil
		}
		if taken := r.Responses[0].GetResponseRange().Kvs; len(taken) > 0 {
			s.settle(ctx, taken[0].ModRevision) // the same request may have come through another node
		}
		return ErrCIDRCollectionExists
	})
	if existing, ok := repeated(); ok && err == ErrCIDRCollectionExists {
		return existing, nil
	}
	if err != nil {
		return cidr.Collection{}, err
	}
	return created, nil
}

// ChangeCIDRCollection changes the blocks of a collection as cidr.Collection.Change does, whose errors it returns.
// version is the version that the caller has seen, 0 for any. r53: C.3.
func (s *Store) ChangeCIDRCollection(
	ctx context.Context, id string, version int64, changes []cidr.Change,
) (cidr.Collection, error) {
	var changed cidr.Collection
	err := s.changeCIDR(ctx, id, func(st *State, c cidr.Collection, t *transaction) error {
		used := sync.OnceValue(func() map[string]bool { return st.cidrLocationsUsed(id) })
		next, err := c.Change(version, changes, func(location string) bool { return used()[location] }, s.o.Limits)
		if err != nil {
			return err
		}
		t.put(cidrPrefix+id, encode(next))
		changed = next
		return nil
	})
	return changed, err
}

// DeleteCIDRCollection deletes a collection that has no locations and that no record set cites; else the error is
// *cidr.CollectionInUse. r53: C.3.
func (s *Store) DeleteCIDRCollection(ctx context.Context, id string) error {
	return s.changeCIDR(ctx, id, func(st *State, c cidr.Collection, t *transaction) error {
		if err := c.CheckDelete(len(c.Locations) == 0 && len(st.cidrLocationsUsed(id)) > 0); err != nil {
			return err
		}
		t.delete(cidrPrefix + id)
		t.delete(cidrNamePrefix + c.Name)
		t.delete(usePrefix + cidrUse + "/" + id)
		t.keep(cidrCallerPrefix+c.CallerReference, encode(callerValue{ID: id, Deleted: true}))
		return nil
	})
}

// changeCIDR commits what f makes of a collection, guarded by its revision and by nobody coming to use it meanwhile.
func (s *Store) changeCIDR(
	ctx context.Context, id string, f func(*State, cidr.Collection, *transaction) error,
) error {
	return s.decide(ctx, "change CIDR collection "+id, func(st *State, t *transaction) error {
		c, ok := st.CIDRCollection(id)
		if !ok {
			return &NoSuch{ErrNoSuchCIDRCollection, id}
		}
		t.expect(st, cidrPrefix+id, func(st *State) int64 { return st.cidrRev(id) })
		t.expectUses(st, cidrUse, id)
		return f(st, c, t)
	})
}
