package failover

import "time"

// ClassDeletion says what happens to health checks and records when their policy goes.
//
// +kubebuilder:object:generate=true
type ClassDeletion struct {
	// Retain lets policies keep their check and records when they are deleted, by the annotation
	// bulkhead.dev/deletion-policy: Retain. Default false: the annotation is refused.
	Retain bool `json:"retain,omitempty" yaml:"retain,omitempty"`

	// GracePeriod is how long the record of a deleted policy stays for another policy with the same hostname to take it
	// over, 1s to 1h; default 10s.
	GracePeriod Duration `json:"gracePeriod,omitempty" yaml:"gracePeriod,omitempty"`

	// Abandoned says what is done about health checks and records of this cluster whose policy is gone without a trace,
	// for instance because somebody took its finalizer off: Report or Remove; default Report.
	Abandoned string `json:"abandoned,omitempty" yaml:"abandoned,omitempty"`
}

// What ClassDeletion.Abandoned may say.
const (
	ReportAbandoned = "Report"
	RemoveAbandoned = "Remove"
)

// ClassRevocation says what happens to a hostname that the class no longer allows to the namespace that has it.
//
// +kubebuilder:object:generate=true
type ClassRevocation struct {
	// GracePeriod is the time after which check and record of such a hostname are removed, also where the policy says
	// Retain, 1s to 8760h. Left out, they stay as they are.
	GracePeriod Duration `json:"gracePeriod,omitempty" yaml:"gracePeriod,omitempty"`
}

// Bounds of the periods, and what stands where a class says none.
const (
	defaultDeletionGrace = 10 * time.Second
	maxDeletionGrace     = time.Hour
	maxRevocationGrace   = 8760 * time.Hour
	minGrace             = time.Second
)

// AllowsRetain reports whether policies may keep their check and records when they are deleted.
func (s ClassSpec) AllowsRetain() bool { return s.Deletion.Retain }

// DeletionGracePeriod is how long the record of a deleted policy stays for a successor.
func (s ClassSpec) DeletionGracePeriod() time.Duration {
	return time.Duration(or(s.Deletion.GracePeriod, Duration(defaultDeletionGrace)))
}

// RemovesAbandoned reports whether checks and records whose policy is gone without a trace are removed, instead of
// reported only.
func (s ClassSpec) RemovesAbandoned() bool { return s.Deletion.Abandoned == RemoveAbandoned }

// RevocationGracePeriod is the time after which a hostname that is no longer allowed is removed; ok is false where it
// stays as it is.
func (s ClassSpec) RevocationGracePeriod() (d time.Duration, ok bool) {
	return time.Duration(s.Revocation.GracePeriod), s.Revocation.GracePeriod != 0
}

// classDeletion judges what a class says about policies that go and hostnames that are taken away.
func classDeletion(refuse refusal, s ClassSpec) {
	if grace := s.DeletionGracePeriod(); grace < minGrace || grace > maxDeletionGrace {
		refuse("spec.deletion.gracePeriod", grace, "must be %s to %s", short(minGrace), short(maxDeletionGrace))
	}
	if a := s.Deletion.Abandoned; a != "" && a != ReportAbandoned && a != RemoveAbandoned {
		refuse("spec.deletion.abandoned", a, "must be %s or %s", ReportAbandoned, RemoveAbandoned)
	}
	if grace, ok := s.RevocationGracePeriod(); ok && (grace < minGrace || grace > maxRevocationGrace) {
		refuse("spec.revocation.gracePeriod", grace, "must be %s to %s; leave it out to change nothing", short(minGrace),
			short(maxRevocationGrace))
	}
}
