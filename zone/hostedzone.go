package zone

// A HostedZone is the container of record sets for one apex name.
type HostedZone struct {
	ID              string   `json:"id"` // "Z…", without the /hostedzone/ prefix
	Name            Name     `json:"name"`
	CallerReference string   `json:"callerReference"`
	Comment         string   `json:"comment,omitempty"`
	PrivateZone     bool     `json:"privateZone,omitempty"`
	NameServers     []string `json:"nameServers"` // no trailing dots, as the API shows them
}

// NewApexRecords returns the NS and SOA record sets a new public zone starts with. r53: A.13.
func NewApexRecords(z HostedZone) []*ResourceRecordSet { panic("contract") }

// ValidateZoneName refuses what CreateHostedZone refuses: single labels, a leftmost wildcard. r53: C.2.
func ValidateZoneName(n Name) error { panic("contract") }
