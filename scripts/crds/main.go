// Command crds answers how the rules of a schema get into a CustomResourceDefinition: it merges a file of
// api/v1alpha1/schema into versions[0] of the definition that controller-gen has written from the Go types.
//
//	crds RULES DEFINITION
//
// RULES has the form of a version of a definition. It may add to what controller-gen has written and never replaces
// anything: a field that the Go types do not have is an error, and so is a value that is there already.
package main

import (
	"fmt"
	"log"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: crds RULES DEFINITION")
	}
	if err := mergeFiles(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

// mergeFiles merges the rules into versions[0] of the definition, and writes the definition.
func mergeFiles(rulesFile, definitionFile string) error {
	var rules map[string]any
	if err := read(rulesFile, &rules); err != nil {
		return err
	}
	var definition map[string]any
	if err := read(definitionFile, &definition); err != nil {
		return err
	}
	spec, _ := definition["spec"].(map[string]any)
	versions, _ := spec["versions"].([]any)
	if len(versions) != 1 {
		return fmt.Errorf("%s: has %d versions, must have one", definitionFile, len(versions))
	}
	version, _ := versions[0].(map[string]any)
	if err := merge(version, rules, ""); err != nil {
		return fmt.Errorf("%s: %w", rulesFile, err)
	}
	text, err := yaml.Marshal(definition)
	if err != nil {
		return err
	}
	return os.WriteFile(definitionFile, append([]byte("---\n"), text...), 0o644)
}

func read(file string, into *map[string]any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// merge adds rules to a part of the definition. path is where the part is, for errors.
func merge(part, rules map[string]any, path string) error {
	for key, rule := range rules {
		here := path + "." + key
		nested, isMap := rule.(map[string]any)
		old, exists := part[key]
		switch {
		case isMap && exists:
			oldMap, ok := old.(map[string]any)
			if !ok {
				return fmt.Errorf("%s is %v already, and no map", here, old)
			}
			if err := merge(oldMap, nested, here); err != nil {
				return err
			}
		case isMap:
			return fmt.Errorf("%s: the Go types have no such field", here)
		case exists:
			return fmt.Errorf("%s is %v already", here, old)
		default:
			part[key] = rule
		}
	}
	return nil
}
