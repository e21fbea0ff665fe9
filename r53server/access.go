package r53server

import (
	"slices"

	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/users"
)

// accountID is the account in ARNs. An engine is one account, with a number that AWS does not give.
const accountID = "000000000000"

// A level says what an operation does. Only administrators may do what the zero value says.
type level int

const (
	manage level = iota // creates or deletes a hosted zone, or changes something that is not inside one
	edit                // changes what is inside a hosted zone
	read
)

// A permission says which right an operation needs, and to what.
type permission struct {
	level level
	// on finds the resources of a request; nil when it names none.
	on func(*request) []resource
}

// A resource is what ARNs name: arn:aws:route53:::KIND/ID.
type resource struct{ kind, id string }

const (
	kindZone   = "hostedzone"
	kindCheck  = "healthcheck"
	kindChange = "change"
	kindCIDR   = "cidrcollection"
)

// permissions lists the permission of every operation. Only administrators may call an operation that is missing here.
func permissions() map[string]permission {
	inPath := func(kind, parameter string) func(*request) []resource {
		return func(r *request) []resource { return []resource{{kind, r.path[parameter]}} }
	}
	inQuery := func(parameter string) func(*request) []resource {
		return func(r *request) []resource { return []resource{{kindZone, bareID(r.query.Get(parameter))}} }
	}
	zone, check := inPath(kindZone, "Id"), inPath(kindCheck, "Id")
	change, cidr := inPath(kindChange, "Id"), inPath(kindCIDR, "Id")
	signingKey := inPath(kindZone, "HostedZoneId")
	return map[string]permission{
		// Hosted zones. Lists show name, id and size of all zones, because clients find their own zone there. They show
		// nothing else of the zones of others.
		"CreateHostedZone":         {manage, nil},
		"GetHostedZone":            {read, zone},
		"DeleteHostedZone":         {manage, zone},
		"ListHostedZones":          {read, nil},
		"ListHostedZonesByName":    {read, nil},
		"GetHostedZoneCount":       {read, nil},
		"UpdateHostedZoneComment":  {edit, zone},
		"UpdateHostedZoneFeatures": {manage, zone},
		"GetHostedZoneLimit":       {read, zone},

		// Record sets and changes. Whoever knows the id of a change may read its status and comment.
		"ChangeResourceRecordSets": {edit, zone},
		"ListResourceRecordSets":   {read, zone},
		"GetChange":                {read, change},
		"TestDNSAnswer":            {read, inQuery("hostedzoneid")},

		// Health checks.
		"CreateHealthCheck":               {manage, nil},
		"GetHealthCheck":                  {read, check},
		"UpdateHealthCheck":               {manage, check},
		"DeleteHealthCheck":               {manage, check},
		"ListHealthChecks":                {read, nil},
		"GetHealthCheckCount":             {read, nil},
		"GetHealthCheckStatus":            {read, check},
		"GetHealthCheckLastFailureReason": {read, check},
		"GetCheckerIpRanges":              {read, nil},
		"ProbeHealthCheck":                {manage, check},

		// Tags, of zones or of checks.
		"ChangeTagsForResource": {edit, taggedResource},
		"ListTagsForResource":   {read, taggedResource},
		"ListTagsForResources":  {read, taggedResources},

		// Geolocation, CIDR collections, limits.
		"GetGeoLocation":                {read, nil},
		"ListGeoLocations":              {read, nil},
		"CreateCidrCollection":          {manage, nil},
		"ChangeCidrCollection":          {manage, cidr},
		"DeleteCidrCollection":          {manage, cidr},
		"ListCidrCollections":           {read, nil},
		"ListCidrLocations":             {read, cidr},
		"ListCidrBlocks":                {read, cidr},
		"GetAccountLimit":               {read, nil},
		"GetReusableDelegationSetLimit": {read, nil},

		// Private zones.
		"ListHostedZonesByVPC":              {read, nil},
		"AssociateVPCWithHostedZone":        {manage, zone},
		"DisassociateVPCFromHostedZone":     {manage, zone},
		"CreateVPCAssociationAuthorization": {manage, zone},
		"DeleteVPCAssociationAuthorization": {manage, zone},
		"ListVPCAssociationAuthorizations":  {read, zone},

		// Reusable delegation sets.
		"CreateReusableDelegationSet": {manage, nil},
		"GetReusableDelegationSet":    {read, nil},
		"DeleteReusableDelegationSet": {manage, nil},
		"ListReusableDelegationSets":  {read, nil},

		// Query logging.
		"CreateQueryLoggingConfig": {manage, nil},
		"GetQueryLoggingConfig":    {read, nil},
		"DeleteQueryLoggingConfig": {manage, nil},
		"ListQueryLoggingConfigs":  {read, nil},

		// Traffic policies.
		"CreateTrafficPolicy":                    {manage, nil},
		"CreateTrafficPolicyVersion":             {manage, nil},
		"GetTrafficPolicy":                       {read, nil},
		"UpdateTrafficPolicyComment":             {manage, nil},
		"DeleteTrafficPolicy":                    {manage, nil},
		"ListTrafficPolicies":                    {read, nil},
		"ListTrafficPolicyVersions":              {read, nil},
		"CreateTrafficPolicyInstance":            {manage, nil},
		"GetTrafficPolicyInstance":               {read, nil},
		"UpdateTrafficPolicyInstance":            {manage, nil},
		"DeleteTrafficPolicyInstance":            {manage, nil},
		"GetTrafficPolicyInstanceCount":          {read, nil},
		"ListTrafficPolicyInstances":             {read, nil},
		"ListTrafficPolicyInstancesByHostedZone": {read, inQuery("id")},
		"ListTrafficPolicyInstancesByPolicy":     {read, nil},

		// DNSSEC.
		"GetDNSSEC":               {read, zone},
		"EnableHostedZoneDNSSEC":  {manage, zone},
		"DisableHostedZoneDNSSEC": {manage, zone},
		"CreateKeySigningKey":     {manage, nil},
		"ActivateKeySigningKey":   {manage, signingKey},
		"DeactivateKeySigningKey": {manage, signingKey},
		"DeleteKeySigningKey":     {manage, signingKey},
	}
}

func taggedResource(r *request) []resource {
	return []resource{{r.path["ResourceType"], r.path["ResourceId"]}}
}

// taggedResources returns the resources that a body names. A body that cannot be parsed names none, and the operation
// refuses it.
func taggedResources(r *request) []resource {
	root, err := parse(r.body)
	if err != nil {
		return nil
	}
	var named []resource
	for _, list := range root.children {
		for _, id := range list.children {
			named = append(named, resource{r.path["ResourceType"], string(id.text)})
		}
	}
	return named
}

// authorize refuses what the user may not do. It runs before anything else looks at the resource, so that a refusal is
// the same whether the resource exists or not.
func authorize(u users.User, p permission, r *request, state *store.State) error {
	var resources []resource
	if p.on != nil {
		resources = p.on(r)
	}
	if len(resources) == 0 {
		resources = []resource{{}}
	}
	for _, on := range resources {
		if !may(u, p.level, on, state) {
			return accessDenied(u.Name, r.operation, on)
		}
	}
	return nil
}

func may(u users.User, do level, on resource, state *store.State) bool {
	switch u.Role {
	case users.RoleAdministrator:
		return true
	case users.RoleReadOnly:
		return do == read
	case users.RoleZones:
		if on.kind == kindZone {
			return do != manage && owns(u, on.id, state)
		}
		return do == read
	}
	return false
}

// owns reports whether a zone that exists is one of the user's.
func owns(u users.User, zoneID string, state *store.State) bool {
	z, ok := state.Zone(zoneID)
	return ok && slices.ContainsFunc(u.Zones, func(own string) bool { return own == z.ID || own == string(z.Name) })
}

// String is the resource's ARN, or an asterisk for no resource in particular.
func (r resource) String() string {
	if r == (resource{}) {
		return "*"
	}
	return "arn:aws:route53:::" + clip(r.kind) + "/" + clip(r.id)
}
