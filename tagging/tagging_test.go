package tagging

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/validation"
)

func TestApply(t *testing.T) {
	current := []Tag{{"Name", "web"}, {"team", "a"}}
	long := strings.Repeat("é", 128)
	for _, c := range []struct {
		rule   string
		add    []Tag
		remove []string
		want   []Tag
	}{
		{"r53: C.3 adds and edits", []Tag{{"team", "b"}, {"env", ""}}, nil,
			[]Tag{{"Name", "web"}, {"env", ""}, {"team", "b"}}},
		{"r53: C.3 removes, also what is not there", nil, []string{"team", "none"}, []Tag{{"Name", "web"}}},
		{"r53: C.3 both at once", []Tag{{"env", "x"}}, []string{"Name", "team"}, []Tag{{"env", "x"}}},
		{"r53: C.3 keys differ by case", []Tag{{"name", "y"}}, nil, []Tag{{"Name", "web"}, {"name", "y"}, {"team", "a"}}},
		{"r53: C.3 the longest", []Tag{{long, long + long}}, []string{"Name", "team"}, []Tag{{long, long + long}}},
		{"r53: C.3 aws without a colon", []Tag{{"aws", "x"}}, []string{"Name", "team"}, []Tag{{"aws", "x"}}},
	} {
		before := slices.Clone(current)
		got, err := Apply(current, c.add, c.remove)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, want -, got +\n%s", c.rule, err, diff)
		}
		if !slices.Equal(before, current) {
			t.Fatalf("%s: the tags it was given changed: %v", c.rule, current)
		}
	}
}

func TestApplyRefuses(t *testing.T) {
	broken := func(value, path, constraint string) string {
		return fmt.Sprintf("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, path,
			constraint)
	}
	var eleven []Tag
	var keys []string
	for i := range 11 {
		eleven, keys = append(eleven, Tag{Key: fmt.Sprint(i)}), append(keys, fmt.Sprint(i))
	}
	long := strings.Repeat("x", 257)
	for _, c := range []struct {
		rule   string
		add    []Tag
		remove []string
		want   string
	}{
		{"neither list, unconfirmed", nil, nil,
			"Invalid request: Expected at least one of [AddTags, or RemoveTagKeys], but found none"},
		{"r53: C.3 empty list", []Tag{}, nil, broken("[]", "addTags", "Member must have length greater than or equal to 1")},
		{"r53: C.3 empty list of keys", nil, []string{}, broken("[]", "removeTagKeys",
			"Member must have length greater than or equal to 1")},
		{"r53: C.8 11 tags", eleven, nil, broken("[...]", "addTags", "Member must have length less than or equal to 10")},
		{"r53: C.8 11 keys", nil, keys, broken("[...]", "removeTagKeys", "Member must have length less than or equal to 10")},
		{"r53: C.3 empty key", []Tag{{"", "x"}}, nil, broken("", "addTags.1.member.key",
			"Member must have length greater than or equal to 1")},
		{"r53: C.3 long key", nil, []string{"a", long[:129]},
			broken(long[:129], "removeTagKeys.2.member", "Member must have length less than or equal to 128")},
		{"r53: C.3 long value", []Tag{{"a", long}}, nil, broken(long, "addTags.1.member.value",
			"Member must have length less than or equal to 256")},
		{"reserved key", []Tag{{"AWS:x", ""}}, nil, "Tag key 'AWS:x' begins with 'aws:', which is reserved"},
		{"reserved key to remove", nil, []string{"aws:x"}, "Tag key 'aws:x' begins with 'aws:', which is reserved"},
		{"a key twice", []Tag{{"a", "1"}, {"a", "2"}}, nil, "Tag key 'a' is named more than once"},
		{"a key in both lists, unconfirmed", []Tag{{"a", "1"}}, []string{"a"}, "Tag key 'a' is named more than once"},
	} {
		got, err := Apply([]Tag{{"a", "0"}}, c.add, c.remove)
		var invalid *validation.InvalidInput
		if got != nil || !errors.As(err, &invalid) || err.Error() != c.want {
			t.Errorf("%s: %v, error %v, want %s", c.rule, got, err, c.want)
		}
	}
}
