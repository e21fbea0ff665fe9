package failover

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const head = "apiVersion: bulkhead.dev/v1alpha1\nkind: FailoverPolicy\nmetadata: {name: app}\nspec:\n"

func TestParseRefusesAllAtOnceWithLines(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"empty documents", "---\n---\n# nothing\n", ""},
		{"unknown field, nearest", head + "  hostnam: a\n", "f:5: spec.hostnam: unknown field, did you mean hostname?"},
		{"unknown field, case", head + "  healthcheck: {Port: 80}\n", "f:5: spec.healthcheck: unknown field, did you mean " +
			"healthCheck?"},
		{"unknown field, far", head + "  objectives: {colour: red}\n", "f:5: spec.objectives.colour: unknown field; known " +
			"are rto, rpo"},
		{"unknown field of the document", head + "  hostname: a\nstatus: {}\n",
			"f:6: status: unknown field; known are apiVersion, kind, metadata, spec"},
		{"repeated field", head + "  hostname: a\n  hostname: b\n", "f:6: spec.hostname: is given twice, first in line 5"},
		{"repeated in a table", head + "  routing:\n    weights:\n      a: 1\n      a: 2\n",
			"f:8: spec.routing.weights.a: is given twice, first in line 7"},
		{"kinds of values", head + "  hostname: [a]\n  healthCheck:\n    port: eighty\n    searchString: 200\n    " +
			"inverted: 1\n    checkerRegions: us-east-1\n" +
			"  objectives: {rto: soon}\n  regions:\n    - name: no\n    - 7\n",
			"f:5: spec.hostname: a list where a text is expected\n" +
				"f:7: spec.healthCheck.port: \"eighty\": must be a whole number\n" +
				"f:8: spec.healthCheck.searchString: 200 is a number where a text is expected: write \"200\"\n" +
				"f:9: spec.healthCheck.inverted: \"1\": must be true or false\n" +
				"f:10: spec.healthCheck.checkerRegions: \"us-east-1\": a text where a list is expected\n" +
				"f:11: spec.objectives.rto: \"soon\": must be a duration such as 90s or 1m30s\n" +
				"f:14: spec.regions[1]: \"7\": a number where a mapping is expected"},
		{"a number too large", head + "  healthCheck: {port: 99999999999999999999}\n",
			"f:5: spec.healthCheck.port: \"99999999999999999999\": must be a whole number"},
		{"alias", head + "  hostname: &h a\n  healthCheck: {path: *h}\n",
			"f:5: spec.hostname: anchors and aliases are not accepted: write the value out\n" +
				"f:6: spec.healthCheck.path: anchors and aliases are not accepted: write the value out"},
		{"merge", head + "  healthCheck: {<<: {port: 80}}\n",
			"f:5: spec.healthCheck: a field's name is expected; merges, anchors and aliases are not accepted"},
		{"kind and version", "apiVersion: v1\nkind: FailoverPolicies\n",
			"f:1: apiVersion: \"v1\": must be bulkhead.dev/v1alpha1\nf:2: kind: \"FailoverPolicies\": must be FailoverPolicy " +
				"or FailoverClass"},
		{"no kind", "spec: {}\n", "f:1: apiVersion: must be bulkhead.dev/v1alpha1\nf:1: kind: must be FailoverPolicy or " +
			"FailoverClass"},
		{"no mapping", "- a\n", "f:1: a list where a document with apiVersion, kind, metadata and spec is expected"},
		{"both of two documents", head + "  x: 1\n---\n" + head + "  y: 1\n",
			"f:5: spec.x: unknown field; known are " + specFields + "\nf:11: spec.y: unknown field; known are " + specFields},
		{"syntax", head + "  hostname: 'a\n", "f:5: found unexpected end of stream"},
	} {
		t.Run(c.name, func(t *testing.T) {
			objects, err := Parse("f", []byte(c.text))
			got := ""
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
			if len(objects) > 0 {
				t.Errorf("%d objects beside the error", len(objects))
			}
		})
	}
}

const specFields = "hostname, classRef, healthCheck, routing, ipFamilies, objectives, targetRef, regions"

func TestObjectKnowsWhereItsFieldsAre(t *testing.T) {
	objects, err := Parse("p.yaml", []byte("---\n"+head+"  hostname: a.example.com\n  regions:\n    - name: "+
		"eu-west-1\n      addresses: [192.0.2.1]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"spec.hostname":             "p.yaml:6",
		"spec.regions[0].addresses": "p.yaml:9",
		"spec.regions[0].ttl":       "p.yaml:8",
		"spec.regions[7].ttl":       "p.yaml:8",
		"spec.healthCheck.port":     "p.yaml:6",
		"nothing":                   "p.yaml:2",
	} {
		if got := objects[0].At(path); got != want {
			t.Errorf("%s is at %s, want %s", path, got, want)
		}
	}
}

func TestParseReadsWhatYAMLAndJSONWrite(t *testing.T) {
	for _, file := range []string{"twoapps", "pair", "canary", "dualstack"} {
		for _, p := range read(t, filepath.Join("testdata", file+".yaml")) {
			text, err := yaml.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			objects, err := Parse("again", text)
			if err != nil {
				t.Fatalf("%v in\n%s", err, text)
			}
			if diff := cmp.Diff(p, *objects[0].Policy); diff != "" {
				t.Errorf("%s\n%s", diff, text)
			}
		}
	}
	objects, err := Parse("json", []byte(
		`{"apiVersion": "bulkhead.dev/v1alpha1", "kind": "FailoverPolicy", "spec": {"objectives": {"rto": "90s"}}}`))
	if err != nil || objects[0].Policy.Spec.Objectives.RTO != Duration(90*time.Second) {
		t.Errorf("%v, %+v", err, objects)
	}
}

func TestTagsOfJSONAndYAMLAgree(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var visit func(reflect.Type)
	visit = func(v reflect.Type) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			visit(v.Elem())
		case reflect.Struct:
			if seen[v] {
				return
			}
			seen[v] = true
			for i := range v.NumField() {
				f := v.Field(i)
				j, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				if y, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); j != y || j == "" {
					t.Errorf("%s.%s is %q in JSON and %q in YAML", v, f.Name, j, y)
				}
				visit(f.Type)
			}
		}
	}
	visit(reflect.TypeFor[Policy]())
	visit(reflect.TypeFor[Class]())
	if len(seen) < 15 {
		t.Errorf("only %d types were visited", len(seen))
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(class))
	f.Add([]byte(head + "  hostname: &h a\n  healthCheck: {path: *h, <<: {}}\n---\n? [a]\n: b"))
	f.Add([]byte(head + "  objectives: {rto: 9223372036854775807ns}\n  regions: [{name: a, ttl: 1, addresses: [::1]}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		objects, err := Parse("f", data)
		var problems Problems
		if err != nil && (!errors.As(err, &problems) || len(problems) == 0 || objects != nil) {
			t.Fatalf("error %v beside %d objects, want Problems and none", err, len(objects))
		}
		for _, o := range objects {
			if o.Class != nil {
				if errors.As(ValidateClass(*o.Class), &problems) && len(problems) == 0 {
					t.Error("a class is refused without a problem")
				}
				continue
			}
			for _, provider := range []Provider{AWS, Engine} {
				state, _, err := Compile([]Policy{*o.Policy}, nil, account(provider))
				if err == nil {
					accepted(t, state)
				} else if !errors.As(err, &problems) || len(problems) == 0 {
					t.Errorf("error %v, want Problems", err)
				}
			}
		}
	})
}
