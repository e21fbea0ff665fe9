package v1alpha1

// Conditions of a FailoverPolicy; a FailoverClass has Accepted alone.
const (
	// Accepted says whether the spec is valid, allowed by the class and first to claim its hostname.
	ConditionAccepted = "Accepted"
	// Programmed says whether the provider holds this Region's check and records as the spec wants them.
	ConditionProgrammed = "Programmed"
	// Healthy says whether the checkers find the application healthy in this Region; Unknown without a verdict.
	ConditionHealthy = "Healthy"
	// Degraded says whether failover is worse than asked for: no other healthy Region, or no healthy one at all.
	ConditionDegraded = "Degraded"
	// Held says that somebody has set Disabled or Inverted on this Region's check by hand; it is there once that was so.
	ConditionHeld = "Held"
)

// Reasons of Accepted.
const (
	ReasonAccepted         = "Accepted"
	ReasonInvalid          = "Invalid"          // the spec cannot work; the message lists why
	ReasonNoClass          = "NoClass"          // no class, or no default among several
	ReasonClassNotAccepted = "ClassNotAccepted" // the class itself is invalid
	ReasonHostnameRefused  = "HostnameRefused"  // the class does not allow it: another tenant's, an apex, a wildcard
	ReasonZoneRefused      = "ZoneRefused"      // no hosted zone holds it, or the class does not allow that zone
	// the class does not allow the address, the load balancer's name or the Host header
	ReasonTargetRefused     = "TargetRefused"
	ReasonTimersRefused     = "TimersRefused"     // faster than the class allows
	ReasonObjectivesUnmet   = "ObjectivesUnmet"   // the timers cannot meet the RTO
	ReasonQuotaExceeded     = "QuotaExceeded"     // the namespace has as many policies as it may have
	ReasonHostnameHeld      = "HostnameHeld"      // an older policy has it; see status.heldBy
	ReasonAnnotationInvalid = "AnnotationInvalid" // of an Ingress used without a policy
)

// Reasons of Programmed.
const (
	ReasonProgrammed     = "Programmed"
	ReasonNotAccepted    = "NotAccepted"    // see Accepted; nothing is written
	ReasonTargetNotFound = "TargetNotFound" // targetRef names nothing
	ReasonTargetNotReady = "TargetNotReady" // its status tells no load balancer yet
	ReasonHolding        = "Holding"        // the source has vanished; records stay until status.holdUntil
	// the source has vanished; the record stays, as it is the last of the hostname
	ReasonLastRecordKept  = "LastRecordKept"
	ReasonRemoved         = "Removed"         // the source has vanished and the hold period is over
	ReasonPending         = "Pending"         // being written, or waiting for the provider
	ReasonProviderRefused = "ProviderRefused" // the provider said no; the message says what
	ReasonForeignRecord   = "ForeignRecord"   // a record that is not ours has the name
	ReasonRegionHeld      = "RegionHeld"      // another cluster looks after this Region of the hostname
	// routing that all Regions can only change together, and not all ask for it yet
	ReasonWaitsForRegions = "WaitsForRegions"
	// ReasonProviderUnavailable: the controller cannot work at Route 53 at all; see the class.
	ReasonProviderUnavailable = "ProviderUnavailable"
)

// Reasons of Healthy.
const (
	ReasonHealthy    = "Healthy"
	ReasonUnhealthy  = "Unhealthy"
	ReasonNoVerdict  = "NoVerdict"  // no checker has reported yet
	ReasonNoEndpoint = "NoEndpoint" // the readiness signal: no endpoint of the Service is ready
)

// Reasons of Degraded.
const (
	ReasonRedundant      = "Redundant"      // not degraded
	ReasonOneRegion      = "OneRegion"      // the provider has no other Region
	ReasonOthersDown     = "OthersDown"     // no other Region is healthy
	ReasonAllRegionsDown = "AllRegionsDown" // every Region is unhealthy: answers are Route 53's last resort
	ReasonServedFromAway = "ServedFromAway" // this Region is unhealthy, and its clients are answered with another
)

// Reasons of Held.
const (
	ReasonForcedOut   = "ForcedOut"   // Disabled and Inverted: unhealthy whatever the endpoint answers
	ReasonForcedIn    = "ForcedIn"    // Disabled: healthy, and nobody probes it
	ReasonTurnedRound = "TurnedRound" // Inverted, and the policy does not say so
	ReasonNotHeld     = "NotHeld"     // not any more
)

// Reasons of events.
const (
	EventFailedOver = "FailedOver"
	EventFailedBack = "FailedBack"
	EventRefused    = "Refused"
	EventProgrammed = "Programmed"
	EventHolding    = "Holding"
	EventRemoved    = "Removed"
	EventDrift      = "DriftCorrected"
	EventWaiting    = "Waiting"  // a change that is not bound yet, because its check is not healthy
	EventHeld       = "Held"     // somebody has set Disabled or Inverted on the check by hand
	EventReleased   = "Released" // and has undone it
	// EventForeignRecord: a record set that is not ours cites a check of the policy. It stays, and so does the check.
	EventForeignRecord = "ForeignRecord"
	// EventUnavailable: the controller cannot work at Route 53; of a class.
	EventUnavailable = "ProviderUnavailable"
)

// DefaultClassAnnotation marks with "true" the class of policies that name none.
const DefaultClassAnnotation = "bulkhead.dev/is-default-class"

// ConditionPlanRefused is a FailoverClass's: True while a plan that changes too much at once waits for somebody's word.
const ConditionPlanRefused = "PlanRefused"

// Reasons of PlanRefused.
const (
	ReasonTooManyChanges = "TooManyChanges"
	ReasonNothingRefused = "NothingRefused"
)

// Conditions of a FailoverClass beside Accepted and PlanRefused.
const (
	// Reachable says whether the controller can work at Route 53: with credentials, with the rights that it needs, and at
	// all.
	ConditionReachable = "Reachable"
	// Abandoned is True while this cluster has health checks whose policy is gone without a trace.
	ConditionAbandoned = "Abandoned"
)

// Reasons of Reachable and Abandoned.
const (
	ReasonReachable        = "Reachable"
	ReasonAccessDenied     = "AccessDenied" // an IAM action is missing; the message names it
	ReasonUnreachable      = "Unreachable"  // no credentials, wrong ones, or nobody who listens
	ReasonNothingAbandoned = "NothingAbandoned"
	ReasonPolicyGone       = "PolicyGone"
)

// PolicyDefinition is the name of the CustomResourceDefinition of policies.
const PolicyDefinition = "failoverpolicies." + Group

const (
	// ForcePlanAnnotation has the hash of a refused plan, which is then executed: on a policy, of what is refused to it
	// alone; on a class, of anything. Several are separated by commas.
	ForcePlanAnnotation = "bulkhead.dev/force-plan"
	// DeletionPolicyAnnotation on a policy says with Retain that its check and records stay when it is deleted.
	DeletionPolicyAnnotation = "bulkhead.dev/deletion-policy"
	// Retain is what DeletionPolicyAnnotation may say.
	Retain = "Retain"
	// TakeOverAnnotation names clusters, by their name or identity and separated by commas, from which this one takes over
	// what they look after in its Region: on a policy, what that policy has; on a class, what all of its policies have.
	TakeOverAnnotation = "bulkhead.dev/take-over-from"
	// Finalizer keeps a deleted policy until this Region's check and records are removed.
	Finalizer = "bulkhead.dev/records"
)
