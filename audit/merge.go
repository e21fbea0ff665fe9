package audit

import (
	"regexp"
	"slices"
	"strings"
)

// merge makes one finding of those that a rule found for one cause: with the same reason and the same cure, such as for
// the A and the AAAA record sets of a name. Findings about different health checks stay apart, so that nobody has to
// guess which record set has which.
func merge(found []Finding) []Finding {
	var list []Finding
	alike := map[string][]int{} // by what is said: where in list
	for _, f := range found {
		key := strings.Join([]string{f.ID, string(f.Severity), withoutTypes(f.Why), withoutTypes(f.Fix)}, "\x00")
		at := slices.IndexFunc(alike[key], func(i int) bool { return slices.Equal(list[i].checks(), f.checks()) })
		if at < 0 {
			alike[key] = append(alike[key], len(list))
			list = append(list, f)
			continue
		}
		have := &list[alike[key][at]]
		have.Objects = checksLast(sortedUnique(slices.Concat(have.Objects, f.Objects)))
		have.Hostnames = sortedUnique(slices.Concat(have.Hostnames, f.Hostnames))
	}
	for i := range list {
		list[i].Why, list[i].Fix = bothTypes(list[i].Why, list[i].Objects), bothTypes(list[i].Fix, list[i].Objects)
	}
	return list
}

// checks are those of the objects that are health checks.
func (f Finding) checks() []string {
	first := slices.IndexFunc(f.Objects, func(object string) bool { return strings.HasPrefix(object, checkPrefix) })
	if first < 0 {
		return nil
	}
	return f.Objects[first:] // they stand last
}

// addressTypes are the types in the name of a record set.
var addressTypes = regexp.MustCompile(`\b(A|AAAA)\b`)

func withoutTypes(text string) string { return addressTypes.ReplaceAllString(text, "") }

// bothTypes names both types where a text names the A record set of a pair: "app1.example.com A and AAAA eu-west-1".
func bothTypes(text string, objects []string) string {
	for _, object := range objects {
		name, rest, found := strings.Cut(object, " A")
		twin := name + " AAAA" + rest
		if !found || rest != "" && rest[0] != ' ' || !slices.Contains(objects, twin) || strings.Contains(text, twin) {
			continue
		}
		// no longer name, no longer SetIdentifier
		whole := regexp.MustCompile(`(^|[ (])` + regexp.QuoteMeta(object) + `($|[^\pL\pN-])`)
		both := strings.ReplaceAll(name+" A and AAAA"+rest, "$", "$$")
		text = whole.ReplaceAllString(text, "${1}"+both+"${2}")
	}
	return text
}
