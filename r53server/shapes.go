package r53server

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"time"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// The shapes of replies. Their members are in the order of the API model (r53: C.2, C.3). The operation names the root
// element.

const namespace = "https://route53.amazonaws.com/doc/2013-04-01/"

type errorResponse struct {
	Error     errorDetail
	RequestID string `xml:"RequestId"`
}

type errorDetail struct{ Type, Code, Message string }

type createHostedZoneReply struct {
	HostedZone    hostedZone
	ChangeInfo    changeInfo
	DelegationSet delegationSet
}

type getHostedZoneReply struct {
	HostedZone    hostedZone
	DelegationSet delegationSet
}

type hostedZoneReply struct{ HostedZone hostedZone }

type listHostedZonesReply struct {
	HostedZones hostedZones
	Marker      string `xml:",omitempty"` // not on the first page, although the API model requires it
	IsTruncated bool
	NextMarker  string `xml:",omitempty"`
	MaxItems    int
}

type listHostedZonesByNameReply struct {
	HostedZones      hostedZones
	DNSName          string `xml:",omitempty"`
	HostedZoneID     string `xml:"HostedZoneId,omitempty"`
	IsTruncated      bool
	NextDNSName      string `xml:",omitempty"`
	NextHostedZoneID string `xml:"NextHostedZoneId,omitempty"`
	MaxItems         int
}

type hostedZoneCountReply struct{ HostedZoneCount int }

type changeReply struct{ ChangeInfo changeInfo }

type listResourceRecordSetsReply struct {
	ResourceRecordSets   resourceRecordSets
	IsTruncated          bool
	NextRecordName       string `xml:",omitempty"`
	NextRecordType       string `xml:",omitempty"`
	NextRecordIdentifier string `xml:",omitempty"`
	MaxItems             int
}

type healthCheckReply struct{ HealthCheck healthCheck }

type listHealthChecksReply struct {
	HealthChecks healthChecks
	Marker       string `xml:",omitempty"` // as in listHostedZonesReply
	IsTruncated  bool
	NextMarker   string `xml:",omitempty"`
	MaxItems     int
}

type healthCheckCountReply struct{ HealthCheckCount int }

type observationsReply struct{ HealthCheckObservations observations }

type checkerIPRangesReply struct {
	CheckerIPRanges checkerIPRanges `xml:"CheckerIpRanges"`
}

// Lists are structs of their own, so that a reply has the element of an empty list too.
type (
	hostedZones        struct{ HostedZone []hostedZone }
	resourceRecordSets struct{ ResourceRecordSet []resourceRecordSet }
	healthChecks       struct{ HealthCheck []healthCheck }
	observations       struct{ HealthCheckObservation []observation }
	nameServers        struct{ NameServer []string }
	checkerIPRanges    struct {
		Member []string `xml:"member"`
	}
)

type hostedZone struct {
	ID                     string `xml:"Id"`
	Name                   zone.Name
	CallerReference        string
	Config                 hostedZoneConfig
	ResourceRecordSetCount int
	Features               hostedZoneFeatures // Terraform's provider reads it of every zone
}

type hostedZoneConfig struct {
	Comment     string `xml:",omitempty"`
	PrivateZone bool
}

type hostedZoneFeatures struct{ AcceleratedRecoveryStatus zone.RecoveryStatus }

func (s *Server) hostedZoneShape(state *store.State, z zone.HostedZone) hostedZone {
	return hostedZone{
		ID: "/hostedzone/" + z.ID, Name: z.Name, CallerReference: z.CallerReference,
		Config:                 hostedZoneConfig{Comment: z.Comment, PrivateZone: z.PrivateZone},
		ResourceRecordSetCount: state.Records(z.ID).Len(),
		Features:               hostedZoneFeatures{z.RecoveryStatus(s.now())},
	}
}

type changeInfo struct {
	ID          string `xml:"Id"`
	Status      string
	SubmittedAt string
	Comment     string `xml:",omitempty"`
}

func changeInfoShape(c store.ChangeInfo) changeInfo {
	status := "PENDING"
	if c.InSync {
		status = "INSYNC"
	}
	return changeInfo{ID: "/change/" + c.ID, Status: status, SubmittedAt: formatTime(c.SubmittedAt), Comment: c.Comment}
}

// resourceRecordSet has the members in the order of r53: C.6. An alias has no list of values, not even an empty one.
type resourceRecordSet struct {
	Name             zone.Name
	Type             string
	SetIdentifier    string `xml:",omitempty"`
	Weight           *int64
	Region           string `xml:",omitempty"`
	GeoLocation      *geoLocation
	Failover         zone.Failover `xml:",omitempty"`
	MultiValueAnswer bool          `xml:",omitempty"`
	TTL              *int64
	ResourceRecords  *resourceRecords
	AliasTarget      *aliasTarget
	HealthCheckID    string `xml:"HealthCheckId,omitempty"`

	CidrRoutingConfig    *cidrRoutingConfig
	GeoProximityLocation *geoProximityLocation
}

type (
	resourceRecords struct{ ResourceRecord []resourceRecord }
	resourceRecord  struct{ Value string }
)

type aliasTarget struct {
	HostedZoneID         string `xml:"HostedZoneId"`
	DNSName              zone.Name
	EvaluateTargetHealth bool
}

func resourceRecordSetShape(s *zone.ResourceRecordSet) resourceRecordSet {
	shape := resourceRecordSet{
		Name: s.Name, Type: s.Type.String(), SetIdentifier: s.SetIdentifier, Weight: s.Weight, Region: s.Region,
		Failover: s.Failover, MultiValueAnswer: s.MultiValueAnswer, TTL: s.TTL, HealthCheckID: s.HealthCheckID,
	}
	if len(s.ResourceRecords) > 0 {
		shape.ResourceRecords = &resourceRecords{}
		for _, value := range s.ResourceRecords {
			shape.ResourceRecords.ResourceRecord = append(shape.ResourceRecords.ResourceRecord, resourceRecord{value})
		}
	}
	if a := s.AliasTarget; a != nil {
		shape.AliasTarget = &aliasTarget{a.HostedZoneID, a.DNSName, a.EvaluateTargetHealth}
	}
	if c := s.CidrRoutingConfig; c != nil {
		shape.CidrRoutingConfig = &cidrRoutingConfig{c.CollectionID, c.LocationName}
	}
	shape.GeoLocation, shape.GeoProximityLocation = geoLocationShape(s.GeoLocation),
		geoProximityShape(s.GeoProximityLocation)
	return shape
}

type healthCheck struct {
	ID                 string `xml:"Id"`
	CallerReference    string
	HealthCheckConfig  healthCheckConfig
	HealthCheckVersion int64
}

// healthCheckConfig has the members in the order of r53: B.2. The lists are there when they have members, and
// ChildHealthChecks also for every calculated check.
type healthCheckConfig struct {
	IPAddress                string `xml:",omitempty"`
	Port                     *int
	Type                     health.Type
	ResourcePath             string `xml:",omitempty"`
	FullyQualifiedDomainName string `xml:",omitempty"`
	SearchString             string `xml:",omitempty"`
	RequestInterval          *int
	FailureThreshold         *int
	MeasureLatency           *bool
	Inverted                 *bool
	Disabled                 *bool
	HealthThreshold          *int
	ChildHealthChecks        *childHealthChecks
	EnableSNI                *bool
	Regions                  *regions
}

type (
	childHealthChecks struct{ ChildHealthCheck []string }
	regions           struct{ Region []string }
)

func healthCheckShape(c health.Check) healthCheck {
	config := healthCheckConfig{
		IPAddress: c.Config.IPAddress, Port: c.Config.Port, Type: c.Config.Type, ResourcePath: c.Config.ResourcePath,
		FullyQualifiedDomainName: c.Config.FullyQualifiedDomainName, SearchString: c.Config.SearchString,
		RequestInterval: c.Config.RequestInterval, FailureThreshold: c.Config.FailureThreshold,
		MeasureLatency: c.Config.MeasureLatency, Inverted: c.Config.Inverted, Disabled: c.Config.Disabled,
		HealthThreshold: c.Config.HealthThreshold, EnableSNI: c.Config.EnableSNI,
	}
	if len(c.Config.Regions) > 0 {
		config.Regions = &regions{c.Config.Regions}
	}
	if c.Config.Type == health.Calculated {
		config.ChildHealthChecks = &childHealthChecks{c.Config.ChildHealthChecks}
	}
	return healthCheck{
		ID: c.ID, CallerReference: c.CallerReference, HealthCheckConfig: config, HealthCheckVersion: c.Version,
	}
}

type observation struct {
	Region, IPAddress string
	StatusReport      statusReport
}

type statusReport struct{ Status, CheckedTime string }

// formatTime writes a time in the only form that every client reads. r53: C.1, H.
func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// write sends a shape as XML under the given root. A nil body is an empty root.
func (s *Server) write(w http.ResponseWriter, status int, root string, body any) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	if _, err := w.Write(encode(root, body)); err != nil {
		s.logger.Debug("api reply not sent", "root", root, "err", err)
	}
}

func encode(root string, body any) []byte {
	if body == nil {
		body = struct{}{}
	}
	start := xml.StartElement{
		Name: xml.Name{Local: root},
		Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: namespace}},
	}
	b := bytes.NewBufferString(xml.Header)
	if err := xml.NewEncoder(b).EncodeElement(body, start); err != nil {
		panic(err) // only a shape that XML cannot encode, which is a bug: writing to memory does not fail
	}
	return b.Bytes()
}
