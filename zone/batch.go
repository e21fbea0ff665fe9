package zone

// An Action is what one change of a batch does.
type Action string

// The three actions of ChangeResourceRecordSets.
const (
	Create Action = "CREATE"
	Upsert Action = "UPSERT"
	Delete Action = "DELETE"
)

// A Change is one entry of a batch. ResourceRecordSet names are already parsed.
type Change struct {
	Action            Action
	ResourceRecordSet ResourceRecordSet
}

// Facts is what validation needs to know from outside the zone.
type Facts struct {
	// HealthCheckExists reports whether a health check with this id exists.
	HealthCheckExists func(id string) bool
	// ServiceTarget reports whether a name is a target of an AWS service's zone (a load balancer under its canonical hosted zone
	// id); knownZone says whether the zone id itself is one of a service.
	ServiceTarget func(hostedZoneID string, name Name) (exists, knownZone bool)
}

// A Delta is one effect of an applied batch: Old nil means created, New nil means deleted.
type Delta struct {
	Old, New *ResourceRecordSet
}

// Apply validates a batch against the zone as a whole and returns the content after it and the net effects, in batch order. r is
// never changed. A refusal is *InvalidInput, *NoSuchHealthCheck or *InvalidChangeBatch, the last with one message for every
// faulty change. r53: C.6.
func (r *Records) Apply(z HostedZone, changes []Change, facts Facts) (next *Records, effects []Delta, err error) {
	panic("contract")
}

// InvalidInput is Route 53's error for a request that is malformed whatever the zone holds.
type InvalidInput struct{ Message string }

// InvalidChangeBatch is Route 53's error for a batch that the zone's content or rules refuse.
type InvalidChangeBatch struct{ Messages []string }

// NoSuchHealthCheck is Route 53's error for a record set that cites an unknown check.
type NoSuchHealthCheck struct{ ID string }

func (e *InvalidInput) Error() string       { return e.Message }
func (e *InvalidChangeBatch) Error() string { panic("contract") }
func (e *NoSuchHealthCheck) Error() string  { panic("contract") }
