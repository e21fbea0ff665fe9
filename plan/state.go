package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A State is health checks and record sets, as they exist at a provider or as they are wanted. A current state holds
// all health checks of the account and all record sets of its zones. What it does not hold counts as not existing.
type State struct {
	Zones   []zone.HostedZone
	Checks  []Check
	Records []Record
}

// A Check is one health check. Its Key is what makes a wanted and an existing check the same:
// "<namespace>/<policy>/<region>", kept in a tag by whoever made it.
type Check struct {
	Key    string        `json:"key,omitempty"` // empty: not ours
	ID     string        `json:"id,omitempty"`  // existing only
	Config health.Config `json:"config"`
	Tags   []tagging.Tag `json:"tags,omitempty"` // existing: all of them; wanted: beside the two that mark ownership

	// CallerReference is the reference that an existing check was created with. A check of ours has no tags when a run
	// ended between its creation and the tags.
	CallerReference string `json:"callerReference,omitempty"`
	// Healthy is the verdict on an existing check. It is nil when there is none, or when it was not read.
	Healthy *bool `json:"healthy,omitempty"`
}

// Owned reports whether Bulkhead made the check.
func (c Check) Owned() bool { return c.Key != "" }

// A Record is one record set of a zone. A wanted one names its check by key. An existing one has the check's id in the
// set. A record set without a check of ours has no sign of its owner: once created it is never changed, whatever is
// wanted later.
type Record struct {
	ZoneID   string                 `json:"zoneId"`
	CheckKey string                 `json:"checkKey,omitempty"`
	Set      zone.ResourceRecordSet `json:"set"`
}

// The tags of a health check that say who owns it.
const (
	tagPrefix    = "bulkhead.dev/"
	TagManagedBy = "bulkhead.dev/managed-by" // value: TagValue
	TagKey       = "bulkhead.dev/check"      // value: Check.Key
	TagValue     = "bulkhead"
	// TagTakenOver marks a check that another policy has taken over. Its value has the key in the caller reference and a
	// hash of the present key, so that it has no meaning without TagKey or on another check.
	TagTakenOver = "bulkhead.dev/taken-over"
)

// KeyOf returns the key of a health check from its caller reference and tags. It is empty when the check is not ours.
// Anybody can set tags, but a caller reference never changes. So both must name the same key, or TagTakenOver must
// connect the two. A check cannot pose as another one.
func KeyOf(reference string, tags []tagging.Tag) string {
	key, made := tagged(tags, TagKey), ""
	if reference, _, ok := parseReference(reference); ok {
		made = reference
	}
	switch {
	case key == "" || made == "" || tagged(tags, TagManagedBy) != TagValue:
		return ""
	case made == key || made == hashed(key) || tagged(tags, TagTakenOver) == takenOver(made, key):
		return key
	}
	return ""
}

// takenOver is the value of TagTakenOver for a check whose reference names a key, or the hash of one, and that has
// another key now.
func takenOver(made, key string) string { return made + " as " + hashed(key) }

// tagged returns the value of a tag, empty when it is not there.
func tagged(tags []tagging.Tag, key string) string {
	for _, t := range tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}

// PolicyOf returns the policy that a check key belongs to, "<namespace>/<policy>".
func PolicyOf(key string) string {
	if i := strings.LastIndexByte(key, '/'); i >= 0 {
		return key[:i]
	}
	return key
}

// namespaceOf returns the namespace of a policy, "<namespace>/<policy>".
func namespaceOf(policy string) string {
	namespace, _, _ := strings.Cut(policy, "/")
	return namespace
}

// RegionOf returns the Region that a check key belongs to.
func RegionOf(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }

const (
	referencePrefix = "bulkhead/"
	maxReference    = 64 // r53: B.8
)

// CallerReference returns the idempotency key to create the check of a key with, at most 64 characters. Generations
// count from 1, and a plan takes the one behind the highest that exists, so that a run which is made again after it
// ended in the middle finds what it has created. A key that is too long stands as a hash in it. r53: B.8.
func CallerReference(key string, generation int) string {
	return referenceOf(key, strconv.Itoa(generation))
}

// FreshReference returns the reference to use when a deleted check still holds reference, as it does for days: the same
// key and generation, and a nonce of up to 8 letters and digits. The error says that reference was not made by
// CallerReference. r53: B.8.
func FreshReference(key, reference, nonce string) (string, error) {
	made, generation, ok := parseReference(reference)
	if !ok || made != key && made != hashed(key) {
		return "", fmt.Errorf("caller reference %q of health check %s: want one of plan.CallerReference", reference, key)
	}
	return referenceOf(key, strconv.Itoa(generation)+"-"+nonce), nil
}

func referenceOf(key, tail string) string {
	if len(referencePrefix)+len(key)+len("/")+len(tail) > maxReference {
		key = hashed(key)
	}
	return referencePrefix + key + "/" + tail
}

// mayBeHashed reports whether a key stands as a hash in the reference of some generation below 1,000.
func mayBeHashed(key string) bool {
	return len(referencePrefix)+len(key)+len("/999-12345678") > maxReference
}

// hashed returns the hash that stands for a long key. No key looks like a hash, because keys have slashes.
func hashed(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// parseReference returns the key, or its hash, and the generation of a reference that CallerReference or FreshReference
// made.
func parseReference(reference string) (key string, generation int, ok bool) {
	rest, ours := strings.CutPrefix(reference, referencePrefix)
	i := strings.LastIndexByte(rest, '/')
	if !ours || i <= 0 {
		return "", 0, false
	}
	number, _, _ := strings.Cut(rest[i+1:], "-")
	generation, err := strconv.Atoi(number)
	return rest[:i], generation, err == nil && generation > 0
}
