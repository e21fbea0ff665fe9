package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const definition = `---
spec:
  versions:
  - schema:
      openAPIV3Schema:
        properties:
          port:
            description: Port of the endpoint.
            format: int32
            type: integer
`

func TestMerge(t *testing.T) {
	for _, test := range []struct{ name, rules, want, err string }{
		{"a range is added",
			"{schema: {openAPIV3Schema: {properties: {port: {minimum: 1}}}}}", "minimum: 1", ""},
		{"a field that the Go types do not have",
			"{schema: {openAPIV3Schema: {properties: {prot: {minimum: 1}}}}}", "",
			".schema.openAPIV3Schema.properties.prot: the Go types have no such field"},
		{"a value that is there already",
			"{schema: {openAPIV3Schema: {properties: {port: {type: string}}}}}", "",
			".schema.openAPIV3Schema.properties.port.type is integer already"},
		{"a map in the place of a value",
			"{schema: {openAPIV3Schema: {properties: {port: {type: {minimum: 1}}}}}}", "",
			".schema.openAPIV3Schema.properties.port.type is integer already, and no map"},
		{"a key given twice", "{schema: {}, schema: {}}", "", `key "schema" already set in map`},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			rulesFile, definitionFile := filepath.Join(dir, "rules.yaml"), filepath.Join(dir, "definition.yaml")
			for file, text := range map[string]string{rulesFile: test.rules, definitionFile: definition} {
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := mergeFiles(rulesFile, definitionFile)
			text, readErr := os.ReadFile(definitionFile)
			if readErr != nil {
				t.Fatal(readErr)
			}
			switch {
			case test.err == "" && err != nil:
				t.Error(err)
			case test.err == "" && !strings.Contains(string(text), test.want):
				t.Errorf("the definition has no %q:\n%s", test.want, text)
			case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
				t.Errorf("got error %v, want %s", err, test.err)
			case test.err != "" && string(text) != definition:
				t.Errorf("the definition was changed:\n%s", text)
			}
		})
	}
}
