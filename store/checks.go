package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/bulkhead-dns/bulkhead/health"
)

// CreateHealthCheck makes a health check of c, which must come from health.Normalize. The caller reference makes it
// idempotent: with the settings it was first used with, the live check is returned as it is now; with others, or when
// the check was deleted in the last days, the error is ErrHealthCheckAlreadyExists. One check more than the limit is
// ErrTooManyHealthChecks. r53: B.8.
func (s *Store) CreateHealthCheck(ctx context.Context, callerReference string, c health.Config) (health.Check, error) {
	var created health.Check
	create := func() (err error) {
		created, err = s.createHealthCheck(ctx, callerReference, c)
		return err
	}
	err := s.admit(ctx, checkQuota(s.o.Limits), create)
	if errors.Is(err, ErrTooManyHealthChecks) {
		for check := range s.State().Checks() {
			if check.CallerReference == callerReference { // a request made again
				err = create()
				break
			}
		}
	}
	return created, err
}

func (s *Store) createHealthCheck(ctx context.Context, callerReference string, c health.Config) (health.Check, error) {
	check := health.Check{ID: uuid.NewString(), CallerReference: callerReference, Version: 1, Config: c}
	asked, err := json.Marshal(c)
	if err != nil {
		return health.Check{}, fmt.Errorf("create health check: %w", err)
	}
	caller := checkCallerPrefix + callerReference

	var t transaction
	t.guard(absent(caller))
	t.put(caller, encode(callerValue{ID: check.ID, Config: asked}))
	t.put(checkPrefix+check.ID, encode(check))
	t.readOnRefusal(caller)
	r, err := s.commit(ctx, &t)
	if err != nil {
		return health.Check{}, fmt.Errorf("create health check: %w", err)
	}
	if r.Succeeded {
		s.settle(ctx, r.Header.Revision)
		return check, nil
	}
	taken := r.Responses[0].GetResponseRange().Kvs
	if len(taken) == 0 {
		return health.Check{}, ErrHealthCheckAlreadyExists // its record ended in this very moment: not free yet
	}
	value, err := decode[callerValue](taken[0].Value)
	if err != nil {
		return health.Check{}, fmt.Errorf("create health check: caller reference %q: %w", callerReference, err)
	}
	if value.Deleted || !bytes.Equal(value.Config, asked) {
		return health.Check{}, ErrHealthCheckAlreadyExists
	}
	s.settle(ctx, taken[0].ModRevision)
	existing, ok := s.State().Check(value.ID)
	if !ok { // deleted meanwhile
		return health.Check{}, ErrHealthCheckAlreadyExists
	}
	return existing, nil
}

// UpdateHealthCheck replaces a check's config by what update makes of it, and counts its version up. version, if not
// nil, must be the check's current one, else the error is ErrHealthCheckVersion; without it the last writer wins. An
// error of update is returned as it is. r53: B.8 (which speaks of lower versions only; a higher one is refused too, for
// the caller cannot have seen it).
func (s *Store) UpdateHealthCheck(
	ctx context.Context, id string, version *int64, update func(health.Config) (health.Config, error),
) (health.Check, error) {
	var updated health.Check
	err := s.changeCheck(ctx, id, func(old health.Check, t *transaction) error {
		if version != nil && *version != old.Version {
			return ErrHealthCheckVersion
		}
		config, err := update(old.Config)
		if err != nil {
			return err
		}
		updated = health.Check{
			ID: id, CallerReference: old.CallerReference, Version: old.Version + 1, Config: config,
		}
		t.put(checkPrefix+id, encode(updated))
		return nil
	})
	if err != nil {
		return health.Check{}, err
	}
	return updated, nil
}

// DeleteHealthCheck deletes a check and all reports on it. Record sets that cite it are no obstacle. r53: B.8.
func (s *Store) DeleteHealthCheck(ctx context.Context, id string) error {
	return s.changeCheck(ctx, id, func(old health.Check, t *transaction) error {
		t.delete(checkPrefix + id)
		t.deletePrefix(reportPrefix + id + "/")
		t.delete(tagsPrefix + tagsKey(HealthCheckTags, id))
		t.keep(checkCallerPrefix+old.CallerReference, encode(callerValue{ID: id, Deleted: true}))
		return nil
	})
}

// changeCheck commits what decide makes of a check, guarded by the revision that wrote it, and decides anew when
// another write came first.
func (s *Store) changeCheck(ctx context.Context, id string, decide func(health.Check, *transaction) error) error {
	for range attempts {
		e, ok := s.State().checks.Get(id)
		if !ok {
			return &NoSuch{ErrNoSuchHealthCheck, id}
		}
		var t transaction
		t.guard(unchanged(checkPrefix+id, e.rev))
		if err := decide(e.check, &t); err != nil {
			return err
		}
		r, err := s.commit(ctx, &t)
		if err != nil {
			return fmt.Errorf("change health check %s: %w", id, err)
		}
		if r.Succeeded {
			s.settle(ctx, r.Header.Revision)
			return nil
		}
		s.awaitNewer(ctx, func(st *State) bool {
			now, ok := st.checks.Get(id)
			return !ok || now.rev != e.rev
		})
	}
	return fmt.Errorf("change health check %s: %w", id, ErrPriorRequestNotComplete)
}
