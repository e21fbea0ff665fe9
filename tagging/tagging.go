// Package tagging holds the tags of hosted zones and health checks.
package tagging

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/validation"
)

// A Tag is a label of a hosted zone or a health check. r53: C.3.
type Tag struct {
	Key   string `json:"key"`   // 1 to 128 characters, not beginning with aws:
	Value string `json:"value"` // 0 to 256 characters
}

// Limits of ChangeTagsForResource. r53: C.3.
const (
	maxTagList  = 10
	maxTagKey   = 128
	maxTagValue = 256
)

// Apply returns the tags after ChangeTagsForResource, ordered by key. add sets keys to values. remove deletes keys; a
// key that does not exist is no error. Apply does not change current. A nil list means that the request does not have
// it. An empty list is refused, and so is a request without both lists (unconfirmed).
//
// The error is *validation.InvalidInput: a list of more than 10, a key or value that is too long, an empty key, a key
// that begins with aws: (in any case), or a key that the request names twice (that a key may not be in both lists is
// unconfirmed). r53: C.3.
func Apply(current, add []Tag, remove []string) ([]Tag, error) {
	if err := checkTags(add, remove); err != nil {
		return nil, err
	}
	tags := slices.DeleteFunc(slices.Clone(current), func(t Tag) bool {
		return slices.Contains(remove, t.Key) || slices.ContainsFunc(add, func(a Tag) bool { return a.Key == t.Key })
	})
	tags = append(tags, add...)
	slices.SortFunc(tags, func(a, b Tag) int { return strings.Compare(a.Key, b.Key) })
	return tags, nil
}

func checkTags(add []Tag, remove []string) error {
	if add == nil && remove == nil {
		return &validation.InvalidInput{Message: "Invalid request: Expected at least one of [AddTags, or RemoveTagKeys], " +
			"but found none"}
	}
	var v validation.Violations
	var keys []string
	if add != nil {
		v.Listed(len(add), maxTagList, "addTags")
	}
	for i, t := range add {
		path := fmt.Sprintf("addTags.%d.member", i+1)
		checkKey(&v, t.Key, path+".key")
		v.AtMost(maxTagValue, t.Value, path+".value")
		keys = append(keys, t.Key)
	}
	if remove != nil {
		v.Listed(len(remove), maxTagList, "removeTagKeys")
	}
	for i, key := range remove {
		checkKey(&v, key, fmt.Sprintf("removeTagKeys.%d.member", i+1))
		keys = append(keys, key)
	}
	if err := v.Err(); err != nil {
		return err
	}
	for i, key := range keys {
		if len(key) >= 4 && strings.EqualFold(key[:4], "aws:") {
			return &validation.InvalidInput{Message: fmt.Sprintf("Tag key '%s' begins with 'aws:', which is reserved", key)}
		}
		if slices.Contains(keys[:i], key) {
			return &validation.InvalidInput{Message: fmt.Sprintf("Tag key '%s' is named more than once", key)}
		}
	}
	return nil
}

func checkKey(v *validation.Violations, key, path string) {
	v.Check(key != "", key, path, "Member must have length greater than or equal to 1")
	v.AtMost(maxTagKey, key, path)
}
