package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// CreateHostedZone makes a hosted zone of z's name, caller reference, comment and kind, with an id, name servers and
// apex records assigned here. Any use of a caller reference that a zone has, or had in the last days, is
// ErrHostedZoneAlreadyExists, equal settings or not; one zone more than the limit is ErrTooManyHostedZones. r53: A.13,
// C.2.
func (s *Store) CreateHostedZone(ctx context.Context, z zone.HostedZone) (zone.HostedZone, ChangeInfo, error) {
	return s.CreateHostedZoneOn(ctx, "", z)
}

// CreateHostedZoneOn is CreateHostedZone with the name servers of a reusable delegation set; with those of its own if
// the id is empty. Errors are ErrNoSuchDelegationSet, *quota.LimitsExceeded and, when a zone of the same name uses the
// set, ErrConflictingDomain.
func (s *Store) CreateHostedZoneOn(
	ctx context.Context, delegationSetID string, z zone.HostedZone,
) (zone.HostedZone, ChangeInfo, error) {
	if err := zone.ValidateZoneName(z.Name); err != nil {
		return zone.HostedZone{}, ChangeInfo{}, err
	}
	if z.CallerReference == "" {
		return zone.HostedZone{}, ChangeInfo{}, errors.New("a hosted zone needs a caller reference")
	}
	if z.PrivateZone && delegationSetID != "" {
		return zone.HostedZone{}, ChangeInfo{}, errors.New("a private hosted zone cannot use a reusable delegation set")
	}
	z.ID = newID("Z")
	info := newChangeInfo("")
	err := s.admit(ctx, zoneQuota(s.o.Limits), func() error { return s.createZone(ctx, delegationSetID, &z, info) })
	if err != nil {
		return zone.HostedZone{}, ChangeInfo{}, err
	}
	return z, info, nil
}

// createZone commits a new zone and fills in its name servers.
func (s *Store) createZone(ctx context.Context, delegationSetID string, z *zone.HostedZone, info ChangeInfo) error {
	caller := zoneCallerPrefix + z.CallerReference
	for range attempts {
		st := s.State()
		var t transaction
		switch {
		case z.PrivateZone:
			z.NameServers = nameServers(true)
		case delegationSetID == "":
			z.NameServers = newNameServers(st)
		default:
			set, err := t.useDelegationSet(st, delegationSetID, z.Name, s.o.Limits.ZonesPerDelegationSet)
			if err != nil {
				return err
			}
			z.NameServers = set.NameServers
		}
		t.guard(absent(caller))
		t.put(caller, encode(callerValue{ID: z.ID}))
		t.put(zonePrefix+z.ID, encode(z))
		t.put(zoneRevPrefix+z.ID, encode(info.ID))
		for _, set := range zone.NewApexRecords(*z) {
			t.put(recordKey(z.ID, set.Key()), encode(set))
		}
		t.keep(changePrefix+info.ID, encode(info))
		t.readOnRefusal(caller)
		r, err := s.commit(ctx, &t)
		if err != nil {
			return fmt.Errorf("create hosted zone %s: %w", z.Name, err)
		}
		if r.Succeeded {
			s.settle(ctx, r.Header.Revision)
			return nil
		}
		if delegationSetID == "" || len(r.Responses[0].GetResponseRange().Kvs) > 0 {
			return ErrHostedZoneAlreadyExists
		}
		s.awaitNewer(ctx, t.outdatedBy)
	}
	return fmt.Errorf("create hosted zone %s: %w", z.Name, ErrConcurrentModification)
}

// newNameServers chooses name servers that no reusable delegation set has.
func newNameServers(st *State) []string {
	for {
		servers := nameServers(false)
		if _, taken := st.delegationSetWith(servers); !taken {
			return servers
		}
	}
}

// nameServers chooses a delegation set: one server under each of four domains, numbered as Route 53 numbers them.
// Private zones all have the same. r53: A.13.
func nameServers(private bool) []string {
	domains := [...]string{"com", "net", "org", "co.uk"}
	servers := make([]string, len(domains))
	for i, domain := range domains {
		n := 0
		if !private {
			var b [2]byte
			rand.Read(b[:]) // never fails
			n = int(binary.BigEndian.Uint16(b[:]) % 512)
		}
		servers[i] = fmt.Sprintf("ns-%d.awsdns-%02d.%s", 512*i+n, n/8, domain)
	}
	return servers
}

// UpdateHostedZoneComment changes a zone's comment, which may be empty. r53: C.2.
func (s *Store) UpdateHostedZoneComment(ctx context.Context, id, comment string) (zone.HostedZone, error) {
	var updated zone.HostedZone
	_, err := s.changeZone(ctx, id, func(_ *State, e *zoneEntry, t *transaction) error {
		updated = *e.zone
		updated.Comment = comment
		t.put(zonePrefix+id, encode(updated))
		t.put(zoneRevPrefix+id, encode("")) // a comment is no change that GetChange knows
		return nil
	})
	return updated, err
}

// DeleteHostedZone deletes a zone that holds nothing but its apex NS and SOA; else it is ErrHostedZoneNotEmpty. A zone
// whose accelerated recovery is not off at the time now is ErrAcceleratedRecovery. r53: C.2.
func (s *Store) DeleteHostedZone(ctx context.Context, id string, now time.Time) (ChangeInfo, error) {
	info := newChangeInfo("")
	_, err := s.changeZone(ctx, id, func(_ *State, e *zoneEntry, t *transaction) error {
		if e.zone.RecoveryStatus(now) != zone.RecoveryDisabled {
			return ErrAcceleratedRecovery
		}
		for set := range e.records.From(zone.Key{}) {
			if set.Name != e.zone.Name || set.Type != zone.NS && set.Type != zone.SOA {
				return ErrHostedZoneNotEmpty
			}
		}
		t.delete(zonePrefix + id)
		t.delete(zoneRevPrefix + id)
		t.deletePrefix(recordsPrefix + id + "/")
		t.delete(tagsPrefix + tagsKey(HostedZoneTags, id))
		t.keep(zoneCallerPrefix+e.zone.CallerReference, encode(callerValue{ID: id, Deleted: true}))
		t.keep(changePrefix+info.ID, encode(info))
		return nil
	})
	if err != nil {
		return ChangeInfo{}, err
	}
	return info, nil
}

func (st *State) zoneRev(id string) int64 {
	if e, ok := st.zones.Get(id); ok {
		return e.rev
	}
	return 0
}

// changeZone commits what decide makes of a zone's current content, guarded by the zone's revision. It decides anew
// when another node changed the zone first, and gives up with ErrPriorRequestNotComplete.
func (s *Store) changeZone(
	ctx context.Context, id string, decide func(*State, *zoneEntry, *transaction) error,
) (rev int64, err error) {
	unlock, err := s.locks.lock(ctx, id)
	if err != nil {
		return 0, err
	}
	rev, err = s.changeZoneLocked(ctx, id, decide)
	unlock()
	if err == nil {
		s.settle(ctx, rev)
	}
	return rev, err
}

func (s *Store) changeZoneLocked(
	ctx context.Context, id string, decide func(*State, *zoneEntry, *transaction) error,
) (rev int64, err error) {
	for range attempts {
		st := s.State()
		e, ok := st.zones.Get(id)
		if !ok || e.zone == nil {
			return 0, &NoSuch{ErrNoSuchHostedZone, id}
		}
		var t transaction
		t.expect(st, zoneRevPrefix+id, func(st *State) int64 { return st.zoneRev(id) })
		if err := decide(st, e, &t); err != nil {
			return 0, err
		}
		// A check that another node deletes at this moment must not end up cited.
		for _, check := range t.cited {
			t.guard(exists(checkPrefix + check))
			t.readOnRefusal(checkPrefix + check)
		}
		r, err := s.commit(ctx, &t)
		if err != nil {
			return 0, fmt.Errorf("change hosted zone %s: %w", id, err)
		}
		// The next in line decides on what this one did, so State must have it; or, when refused, what came first.
		if r.Succeeded {
			s.awaitNewer(ctx, func(st *State) bool { return st.revision >= r.Header.Revision })
			return r.Header.Revision, nil
		}
		for i, check := range t.cited {
			if len(r.Responses[i].GetResponseRange().Kvs) == 0 {
				return 0, &zone.NoSuchHealthCheck{ID: check}
			}
		}
		s.awaitNewer(ctx, t.outdatedBy)
	}
	return 0, ErrPriorRequestNotComplete
}
