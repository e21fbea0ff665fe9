// Package docs_test holds the user guide to what the product does.
package docs_test

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/failover"
)

// row is a line of the reference's tables: field, default.
var row = regexp.MustCompile("(?m)^\\| `([a-zA-Z0-9.\\[\\]]+)` \\| ([^|]+) \\|")

// reference returns the defaults by field of one section of the reference, "–" for none.
func reference(t *testing.T, section string) map[string]string {
	t.Helper()
	data, err := os.ReadFile("guide-policy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(data), "\n## "+section+"\n")
	if !found {
		t.Fatalf("there is no section %s", section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	fields := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		if fields[m[1]] != "" {
			t.Errorf("%s: %s is there twice", section, m[1])
		}
		fields[m[1]] = strings.Trim(m[2], "`")
	}
	return fields
}

// leaves collects the fields of a value that are no structs themselves, with their values as text, "–" for zero ones. Lists are
// walked by their first element. skip names fields that the reference explains as a whole.
func leaves(path string, v reflect.Value, skip string, into map[string]string) {
	switch {
	case path == skip:
		into[path] = "–"
		return
	case v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct:
		if v.IsNil() {
			v = reflect.New(v.Type().Elem())
		}
		leaves(path, v.Elem(), skip, into)
		return
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		element := reflect.New(v.Type().Elem()).Elem()
		if v.Len() > 0 {
			element = v.Index(0)
		}
		leaves(path+"[]", element, skip, into)
		return
	case v.Kind() != reflect.Struct:
		into[path] = text(v)
		return
	}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		leaves(strings.TrimPrefix(path+"."+name, "."), v.Field(i), skip, into)
	}
}

func text(v reflect.Value) string {
	if v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 {
		return "–"
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return fmt.Sprint(v)
}

// Every field is in the reference, nothing else is, and the defaults are those that Default fills in.
func TestPolicyReference(t *testing.T) {
	given := failover.Policy{Spec: failover.PolicySpec{Regions: []failover.Region{{}}}}
	latency := map[string]string{}
	leaves("", reflect.ValueOf(failover.Default(given, nil)), "spec.regions[].healthCheck", latency)
	given.Spec.Routing.Policy = failover.Weighted
	weighted := map[string]string{}
	leaves("", reflect.ValueOf(failover.Default(given, nil)), "spec.regions[].healthCheck", weighted)
	latency["spec.regions[].weight"] = weighted["spec.regions[].weight"]
	latency["apiVersion"], latency["kind"] = "–", "–" // which Parse wants to see

	if diff := cmp.Diff(latency, reference(t, "Policy")); diff != "" {
		t.Errorf("fields and defaults of a policy (-product +reference):\n%s", diff)
	}
	class := map[string]string{}
	leaves("", reflect.ValueOf(failover.Class{}), "nothing", class)
	if diff := cmp.Diff(class, reference(t, "Class")); diff != "" {
		t.Errorf("fields of a class (-product +reference):\n%s", diff)
	}
}
