package plan

import (
	"strings"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// externalDNSHeritage is how the value of a TXT record of external-dns's registry begins.
const externalDNSHeritage = "heritage=external-dns"

// An ExternalDNSClaim is what a TXT record of external-dns's registry says about the name that it stands for.
type ExternalDNSClaim struct {
	Owner    string // the owner id of the external-dns that wrote it
	Resource string // the source of the name, such as ingress/default/app1; may be empty
}

// String returns the claim as it stands in texts: "owner default, resource ingress/default/app1".
func (c ExternalDNSClaim) String() string {
	var parts []string
	if c.Owner != "" {
		parts = append(parts, "owner "+c.Owner)
	}
	if c.Resource != "" {
		parts = append(parts, "resource "+c.Resource)
	}
	return strings.Join(parts, ", ")
}

// ExternalDNSClaims returns what a record set says as a record of external-dns's registry; ok is false when it is none.
// r53: E.5.
func ExternalDNSClaims(set *zone.ResourceRecordSet) (claim ExternalDNSClaim, ok bool) {
	if set.Type != zone.TXT {
		return claim, false
	}
	for _, value := range set.ResourceRecords {
		if !strings.Contains(value, externalDNSHeritage) {
			continue
		}
		ok = true
		for part := range strings.SplitSeq(strings.Trim(value, `"`), ",") {
			if text, found := strings.CutPrefix(part, "external-dns/owner="); found {
				claim.Owner = text
			}
			if text, found := strings.CutPrefix(part, "external-dns/resource="); found {
				claim.Resource = text
			}
		}
	}
	return claim, ok
}

// ExternalDNSNames reports whether a registry record with this name can stand for a name. external-dns gives the record
// the name itself, or adds a prefix or a suffix with a hyphen to its first label ("a-app1.example.com"), or a label
// before it. r53: E.5.
func ExternalDNSNames(record, name zone.Name) bool {
	if record == name {
		return true
	}
	first, parent, _ := strings.Cut(string(name), ".")
	label, rest, _ := strings.Cut(string(record), ".")
	return rest == string(name) || rest == parent &&
		(strings.HasSuffix(label, "-"+first) || strings.HasPrefix(label, first+"-"))
}
