package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// The keys, and what their values hold:
//
//	/bulkhead/zone/<zone>                           the hosted zone
//	/bulkhead/zonerev/<zone>                        the id of the zone's last change; its revision guards the next
//	/bulkhead/rr/<zone>/<name>,<type>,<set id>      a record set; the name with its labels reversed
//	/bulkhead/check/<check>                         a health check
//	/bulkhead/caller/zone/<caller reference>        who used a reference, so that nobody can again
//	/bulkhead/caller/check/<caller reference>       the same, with the settings that were asked for
//	/bulkhead/caller/cidr/<caller reference>        who used a reference
//	/bulkhead/caller/delegationset/<reference>      the same
//	/bulkhead/cidr/<collection>                     a CIDR collection
//	/bulkhead/cidrname/<name>                       the id of the collection that has the name
//	/bulkhead/delegationset/<set>                   a reusable delegation set
//	/bulkhead/use/<kind>/<id>                       who came to use a collection or a delegation set last, or switched
//	                                                accelerated recovery of a zone; its revision guards what
//	                                                must not be in use
//	/bulkhead/tags/<resource type>/<id>             the tags of a hosted zone or a health check
//	/bulkhead/change/<change>                       the receipt of a change, kept for some days
//	/bulkhead/hint/<check>                          the node that was asked to have a check probed now, for some seconds
//	/bulkhead/lb/<name>                             a load balancer
//	/bulkhead/report/<check>/<checker>              what a checker says, while its node lives
//	/bulkhead/targethealth/<load balancer>/<node>   whether the load balancer is healthy, while the node lives
//	/bulkhead/node/<node>                           the revision the node has applied, while it lives
//
// A part that may hold any character is the last of its key, so nothing needs to be escaped.
const (
	root               = "/bulkhead/"
	zonePrefix         = root + "zone/"
	zoneRevPrefix      = root + "zonerev/"
	recordsPrefix      = root + "rr/"
	checkPrefix        = root + "check/"
	zoneCallerPrefix   = root + "caller/zone/"
	checkCallerPrefix  = root + "caller/check/"
	changePrefix       = root + "change/"
	cidrPrefix         = root + "cidr/"
	cidrNamePrefix     = root + "cidrname/"
	cidrCallerPrefix   = root + "caller/cidr/"
	delegationPrefix   = root + "delegationset/"
	delegationCaller   = root + "caller/delegationset/"
	usePrefix          = root + "use/"
	tagsPrefix         = root + "tags/"
	hintPrefix         = root + "hint/"
	loadBalancerPrefix = root + "lb/"
	reportPrefix       = root + "report/"
	targetHealthPrefix = root + "targethealth/"
	nodePrefix         = root + "node/"
)

// recordKey is the key of a record set. Keys of a zone sort as Route 53 lists its record sets (r53: C.7): a comma is
// less than any character of a name, so a name comes before those below it.
func recordKey(zoneID string, k zone.Key) string {
	return recordsPrefix + zoneID + "/" + reversed(k.Name) + "," + k.Type.String() + "," + k.SetIdentifier
}

// parseRecordKey reads what follows recordsPrefix in a key.
func parseRecordKey(rest string) (zoneID string, k zone.Key, err error) {
	zoneID, rest, ok1 := strings.Cut(rest, "/")
	name, rest, ok2 := strings.Cut(rest, ",")
	typ, setID, ok3 := strings.Cut(rest, ",")
	if !ok1 || !ok2 || !ok3 {
		return "", zone.Key{}, fmt.Errorf("want <zone>/<name>,<type>,<set id>")
	}
	t, ok := zone.ParseRRType(typ)
	if !ok {
		return "", zone.Key{}, fmt.Errorf("%q is no record type", typ)
	}
	return zoneID, zone.Key{Name: zone.Name(reversed(zone.Name(name))), Type: t, SetIdentifier: setID}, nil
}

// reversed returns a name with its labels in reverse and a final dot: names compare as text in this form. Reversing
// twice gives the name again. r53: C.7.
func reversed(n zone.Name) string {
	labels := strings.Split(strings.TrimSuffix(string(n), "."), ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".") + "."
}

// valueVersion is the form of the values that this program writes. A value of a later form is refused rather than
// misread.
const valueVersion = 1

type envelope[T any] struct {
	Version int `json:"v"`
	Data    T   `json:"data"`
}

// encode returns the value to store for v, which must be of a type that JSON can express.
func encode[T any](v T) string {
	b, err := json.Marshal(envelope[T]{valueVersion, v})
	if err != nil {
		panic(err) // all stored types are plain data
	}
	return string(b)
}

func decode[T any](value []byte) (T, error) {
	var e envelope[T]
	err := json.Unmarshal(value, &e)
	if err == nil && e.Version != valueVersion {
		err = fmt.Errorf("the value has form %d, this program reads form %d", e.Version, valueVersion)
	}
	return e.Data, err
}

// A callerValue remembers who used a caller reference.
type callerValue struct {
	ID      string          `json:"id"`
	Deleted bool            `json:"deleted,omitempty"`
	Config  json.RawMessage `json:"config,omitempty"` // of a health check, as it was asked for
}

// A nodeValue says how far a node has come.
type nodeValue struct {
	Revision int64 `json:"revision"`
}
