package store_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// The table of caller references. r53: B.8
func TestCreateHealthCheckIsIdempotent(t *testing.T) {
	t.Parallel()
	s := start(t, etcdtest.Start(t), "n")
	a, b := checkConfig(t, "a.example.com"), checkConfig(t, "b.example.com")
	first, err := s.CreateHealthCheck(t.Context(), "ref", a)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.CreateHealthCheck(t.Context(), "ref", a)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("identical settings return the existing check (-first +again):\n%s", diff)
	}
	_, err = s.CreateHealthCheck(t.Context(), "ref", b)
	wantError(t, err, store.ErrHealthCheckAlreadyExists)
	other, err := s.CreateHealthCheck(t.Context(), "other", a)
	if err != nil || other.ID == first.ID {
		t.Errorf("a new reference with known settings gave %+v, %v: want a new check", other, err)
	}

	// The settings that count are those of the request, not what an update made of them.
	toB := func(health.Config) (health.Config, error) { return b, nil }
	updated, err := s.UpdateHealthCheck(t.Context(), first.ID, nil, toB)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.CreateHealthCheck(t.Context(), "ref", a); err != nil || !cmp.Equal(again, updated) {
		t.Errorf("the first request repeated after an update gave %+v, %v: want %+v", again, err, updated)
	}
	if err := s.DeleteHealthCheck(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	_, err = s.CreateHealthCheck(t.Context(), "ref", a)
	wantError(t, err, store.ErrHealthCheckAlreadyExists)
}

func TestUpdateHealthCheckCountsVersions(t *testing.T) { // r53: B.8
	s := start(t, etcdtest.Start(t), "n")
	c := createCheck(t, s, "ref")
	keep := func(c health.Config) (health.Config, error) { return c, nil }
	version := int64(1)
	got, err := s.UpdateHealthCheck(t.Context(), c.ID, &version, keep)
	if err != nil || got.Version != 2 {
		t.Errorf("update gave version %d, %v: want 2", got.Version, err)
	}
	_, err = s.UpdateHealthCheck(t.Context(), c.ID, &version, keep)
	wantError(t, err, store.ErrHealthCheckVersion)
	refusal := errors.New("refused")
	refuse := func(health.Config) (health.Config, error) { return health.Config{}, refusal }
	_, err = s.UpdateHealthCheck(t.Context(), c.ID, nil, refuse)
	wantError(t, err, refusal)
	if got, _ := s.State().Check(c.ID); got.Version != 2 {
		t.Errorf("a refused update left version %d, want 2", got.Version)
	}
	_, err = s.UpdateHealthCheck(t.Context(), "none", nil, keep)
	wantError(t, err, store.ErrNoSuchHealthCheck)
}

func TestDeleteHealthCheckInUseSucceeds(t *testing.T) { // r53: B.8, G.1 rule 19
	s := start(t, etcdtest.Start(t), "n")
	z, c := createZone(t, s, "example.com", "r1"), createCheck(t, s, "ref")
	weight := int64(1)
	cites := record("www.example.com", "192.0.2.1")
	cites.Weight, cites.SetIdentifier, cites.HealthCheckID = &weight, "one", c.ID
	change(t, s, z.ID, create(cites)...)
	if err := s.PutReport(t.Context(), health.Report{Check: c.ID, Checker: "n/local"}); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteHealthCheck(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	if s.State().CheckCount() != 0 || s.State().Reports(c.ID) != nil {
		t.Errorf("%d checks and reports %v are left", s.State().CheckCount(), s.State().Reports(c.ID))
	}
	wantError(t, s.DeleteHealthCheck(t.Context(), c.ID), store.ErrNoSuchHealthCheck)
	cites.SetIdentifier = "two"
	_, err := s.ChangeRecords(t.Context(), z.ID, "", create(cites))
	var missing *zone.NoSuchHealthCheck
	if !errors.As(err, &missing) || missing.ID != c.ID {
		t.Errorf("error %v, want *zone.NoSuchHealthCheck of %s", err, c.ID)
	}
}
