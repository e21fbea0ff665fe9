package zone

import (
	"fmt"
	"slices"
	"strings"
)

// A Tag is a note on a hosted zone or a health check. r53: C.3.
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

// ApplyTags returns the tags after ChangeTagsForResource, ordered by key: add sets keys to values, remove drops keys, and
// one that is not there already is no error. current is not changed. nil means that a list was left out; an empty one is
// refused, and so is a request that leaves out both (unconfirmed).
//
// The error is *InvalidInput: a list of more than 10, a key or value too long, an empty key, a key beginning with aws: (in
// any case), or a key that the request names twice (that it may not stand in both lists is unconfirmed). r53: C.3.
func ApplyTags(current, add []Tag, remove []string) ([]Tag, error) {
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
		return &InvalidInput{"Invalid request: Expected at least one of [AddTags, or RemoveTagKeys], but found none"}
	}
	var v violations
	var keys []string
	if add != nil {
		v.listed(len(add), maxTagList, "addTags")
	}
	for i, t := range add {
		path := fmt.Sprintf("addTags.%d.member", i+1)
		v.tagKey(t.Key, path+".key")
		v.atMost(maxTagValue, t.Value, path+".value")
		keys = append(keys, t.Key)
	}
	if remove != nil {
		v.listed(len(remove), maxTagList, "removeTagKeys")
	}
	for i, key := range remove {
		v.tagKey(key, fmt.Sprintf("removeTagKeys.%d.member", i+1))
		keys = append(keys, key)
	}
	if err := v.err(); err != nil {
		return err
	}
	for i, key := range keys {
		if len(key) >= 4 && strings.EqualFold(key[:4], "aws:") {
			return &InvalidInput{fmt.Sprintf("Tag key '%s' begins with 'aws:', which is reserved", key)}
		}
		if slices.Contains(keys[:i], key) {
			return &InvalidInput{fmt.Sprintf("Tag key '%s' is named more than once", key)}
		}
	}
	return nil
}

func (v *violations) tagKey(key, path string) {
	v.check(key != "", key, path, "Member must have length greater than or equal to 1")
	v.atMost(maxTagKey, key, path)
}
