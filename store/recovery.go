package store

import (
	"context"
	"errors"
	"time"

	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// recoveryUse is the kind of use of what UpdateAcceleratedRecovery does: one zone at a time.
const recoveryUse = "acceleratedrecovery"

// UpdateAcceleratedRecovery switches accelerated recovery of a zone on or off; now is the time of it. What is so
// already, or is about to be, is not changed. While it is being switched for another zone the error is
// *quota.LimitsExceeded, and while it is being switched the other way for this one, ErrPriorRequestNotComplete. r53:
// C.2, D.5.
func (s *Store) UpdateAcceleratedRecovery(ctx context.Context, id string, enabled bool, now time.Time) error {
	_, err := s.changeZone(ctx, id, func(st *State, e *zoneEntry, t *transaction) error {
		status := e.zone.RecoveryStatus(now)
		on := status == zone.RecoveryEnabling || status == zone.RecoveryEnabled
		if on == enabled {
			return errUnchanged
		}
		if status == zone.RecoveryEnabling || status == zone.RecoveryDisabling {
			return ErrPriorRequestNotComplete
		}
		for other := range st.Zones() {
			if s := other.RecoveryStatus(now); s == zone.RecoveryEnabling || s == zone.RecoveryDisabling {
				return &quota.LimitsExceeded{Message: "Accelerated recovery can only be updated for 1 hosted zone at a time"}
			}
		}
		t.expectUses(st, recoveryUse, "")
		t.use(recoveryUse, "")
		updated := *e.zone
		updated.AcceleratedRecovery = &zone.AcceleratedRecovery{Enabled: enabled, Since: now}
		t.put(zonePrefix+id, encode(updated))
		t.put(zoneRevPrefix+id, encode("")) // no change that GetChange knows
		return nil
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// errUnchanged ends a change that has nothing to do.
var errUnchanged = errors.New("nothing to change")
