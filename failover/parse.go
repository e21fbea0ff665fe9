package failover

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// An Object is one document of a file: a policy or a class.
type Object struct {
	Policy *Policy
	Class  *Class

	file  string
	lines map[string]int // by field path; the document itself is ""
}

// At says where in its file a field is written, as "<file>:<line>"; for a field that is not written, where the nearest
// field around it is.
func (o Object) At(path string) string {
	for {
		if line, ok := o.lines[path]; ok || path == "" {
			return fmt.Sprintf("%s:%d", o.file, line)
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
}

// Parse reads the policies and classes of a YAML (or JSON) file, one or more documents. name is the file's in messages.
// Unknown fields, repeated fields, values of another kind, anchors and aliases are refused. The error is Problems, with
// everything that is wrong in the file; what can be read is returned beside it only if nothing is. Whether the values
// make sense is Validate's to say.
func Parse(name string, data []byte) ([]Object, error) {
	var objects []Object
	var problems Problems
	documents := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var document yaml.Node
		err := documents.Decode(&document)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			problems = append(problems, syntaxProblem(name, err))
			break
		}
		if len(document.Content) == 0 {
			continue
		}
		d := decoder{file: name, lines: map[string]int{}}
		if object, ok := d.document(document.Content[0]); ok {
			objects = append(objects, object)
		}
		problems = append(problems, d.problems...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return objects, nil
}

// syntaxProblem puts the line, which the YAML reader names first, where other problems have it.
func syntaxProblem(file string, err error) Problem {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if line, reason, ok := strings.Cut(rest, ": "); ok {
			return Problem{Where: file + ":" + line, Reason: reason}
		}
	}
	return Problem{Where: file, Reason: text}
}

// A decoder fills one object from one document, and goes on after a problem.
type decoder struct {
	file     string
	lines    map[string]int
	problems Problems
}

func (d *decoder) refuse(n *yaml.Node, path string, value any, format string, args ...any) {
	d.problems.add(fmt.Sprintf("%s:%d", d.file, n.Line), path, value, format, args...)
}

// document reads what kind says; ok is false for an empty document and for a kind that is not known.
func (d *decoder) document(n *yaml.Node) (o Object, ok bool) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return Object{}, false
	}
	if n.Kind != yaml.MappingNode {
		d.refuse(n, "", nil, "%s where a document with apiVersion, kind, metadata and spec is expected", kindOf(n))
		return Object{}, false
	}
	o = Object{file: d.file, lines: d.lines}
	kindAt, kind := member(n, "kind")
	versionAt, version := member(n, "apiVersion")
	if version != APIVersion {
		d.refuse(versionAt, "apiVersion", version, "must be %s", APIVersion)
	}
	switch kind {
	case PolicyKind:
		o.Policy = &Policy{}
		d.value(n, reflect.ValueOf(o.Policy).Elem(), "")
	case ClassKind:
		o.Class = &Class{}
		d.value(n, reflect.ValueOf(o.Class).Elem(), "")
	default:
		d.refuse(kindAt, "kind", kind, "must be %s or %s", PolicyKind, ClassKind)
		return Object{}, false
	}
	return o, true
}

// member returns the text of a mapping's entry and the node it stands at, the mapping itself when there is none.
func member(n *yaml.Node, key string) (at *yaml.Node, text string) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1], n.Content[i+1].Value
		}
	}
	return n, ""
}

// value reads a node into v. A null leaves v as it is, as in Kubernetes.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	d.lines[path] = n.Line
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.refuse(n, path, nil, "anchors and aliases are not accepted: write the value out")
		return
	case n.Tag == "!!null":
		return
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
		return
	}
	if text, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if n.Kind != yaml.ScalarNode || text.UnmarshalText([]byte(n.Value)) != nil {
			d.refuse(n, path, scalar(n), "must be a duration such as 90s or 1m30s")
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.object(n, v, path)
	case reflect.Map:
		d.table(n, v, path)
	case reflect.Slice:
		d.list(n, v, path)
	default:
		d.scalar(n, v, path)
	}
}

// entries yields the members of a mapping, and refuses what is none and keys that are repeated.
func (d *decoder) entries(n *yaml.Node, path string, each func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.refuse(n, path, scalar(n), "%s where a mapping is expected", kindOf(n))
		return
	}
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch line, repeated := first[key.Value]; {
		case key.Kind != yaml.ScalarNode || key.Anchor != "" || key.Tag == "!!merge":
			d.refuse(key, path, nil, "a field's name is expected; merges, anchors and aliases are not accepted")
		case repeated:
			d.refuse(key, join(path, key.Value), nil, "is given twice, first in line %d", line)
		default:
			first[key.Value] = key.Line
			each(key, n.Content[i+1])
		}
	}
}

func (d *decoder) object(n *yaml.Node, v reflect.Value, path string) {
	names := fieldNames(v.Type())
	d.entries(n, path, func(key, value *yaml.Node) {
		i := slices.Index(names, key.Value)
		if i < 0 {
			d.refuse(key, join(path, key.Value), nil, "unknown field%s", suggestion(key.Value, names))
			return
		}
		d.value(value, v.Field(i), join(path, key.Value))
	})
}

func (d *decoder) table(n *yaml.Node, v reflect.Value, path string) {
	v.Set(reflect.MakeMap(v.Type()))
	d.entries(n, path, func(key, value *yaml.Node) {
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(value, element, join(path, key.Value))
		v.SetMapIndex(reflect.ValueOf(key.Value), element)
	})
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.refuse(n, path, scalar(n), "%s where a list is expected", kindOf(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.String:
		if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
			v.SetString(n.Value)
			return
		}
		if n.Kind == yaml.ScalarNode {
			d.refuse(n, path, nil, "%s is %s where a text is expected: write %q", n.Value, kindOf(n), n.Value)
			return
		}
		d.refuse(n, path, nil, "%s where a text is expected", kindOf(n))
	case reflect.Bool:
		if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
			d.refuse(n, path, scalar(n), "must be true or false")
			return
		}
		v.SetBool(strings.EqualFold(n.Value, "true"))
	default: // whole numbers: no field has another kind
		i, err := strconv.ParseInt(n.Value, 10, v.Type().Bits())
		if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil {
			d.refuse(n, path, scalar(n), "must be a whole number")
			return
		}
		v.SetInt(i)
	}
}

// scalar is a node's text, nil when it has none.
func scalar(n *yaml.Node) any {
	if n.Kind != yaml.ScalarNode {
		return nil
	}
	return n.Value
}

// kindOf names a node in the words of a YAML file.
func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias"
	case n.Tag == "!!int" || n.Tag == "!!float":
		return "a number"
	case n.Tag == "!!bool":
		return "true or false"
	case n.Tag == "!!timestamp":
		return "a date"
	}
	return "a text"
}

// fieldNames lists the names of a struct's fields in a file, in order.
func fieldNames(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("json"), ",")
	}
	return names
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// suggestion proposes the known name nearest to what was written, or lists all.
func suggestion(written string, known []string) string {
	best, distance := "", 3
	for _, name := range known {
		if n := EditDistance(strings.ToLower(written), strings.ToLower(name)); n < distance && n < len(name) {
			best, distance = name, n
		}
	}
	if best == "" {
		return "; known are " + strings.Join(known, ", ")
	}
	return ", did you mean " + best + "?"
}

// EditDistance is the number of bytes to insert, delete or replace on the way from a to b.
func EditDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
