package r53server

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of a document beyond its size: the deepest legal path has 8 elements, and the largest legal batch some 20,000.
const (
	maxDepth    = 16
	maxElements = 100_000
)

// An element is a parsed XML element. Its name is the local one: requests come with and without the namespace (r53:
// C.1).
type element struct {
	name     string
	text     []byte
	children []*element
}

// parse reads a whole document.
func parse(body []byte) (*element, error) {
	dec := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	var root *element
	var open []*element
	for count := 0; ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, malformed("%v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if count++; count > maxElements || len(open) == maxDepth {
				return nil, malformed("more than %d elements, or more than %d within each other", maxElements, maxDepth)
			}
			e := &element{name: token.Name.Local}
			switch {
			case len(open) > 0:
				parent := open[len(open)-1]
				parent.children = append(parent.children, e)
			case root != nil:
				return nil, malformed("a second root element '%s'", clip(e.name))
			default:
				root = e
			}
			open = append(open, e)
		case xml.EndElement:
			if e := open[len(open)-1]; len(e.children) > 0 && len(bytes.TrimSpace(e.text)) > 0 {
				return nil, invalidXML("cvc-complex-type.2.3", "Element '%s' cannot have character content, because it has "+
					"elements.", clip(e.name))
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				e := open[len(open)-1]
				e.text = append(e.text, token...)
			} else if len(bytes.TrimSpace(token)) > 0 {
				return nil, malformed("text outside of the root element")
			}
		case xml.Directive:
			return nil, malformed("a document type declaration is not accepted")
		}
	}
	if root == nil {
		return nil, malformed("the body has no element")
	}
	return root, nil
}

// A decoder reads the members of a document and keeps the first error, so that an operation reads all members and then
// checks once.
type decoder struct{ err error }

// An object is an element with named members.
type object struct {
	d       *decoder
	name    string
	members map[string]*element
}

// decode parses a body whose root is operation + "Request" with the given members.
func decode(r *request, members ...string) (*decoder, object) {
	d := &decoder{}
	root, err := parse(r.body)
	if err != nil {
		d.fail(err)
		return d, object{d: d}
	}
	if want := r.operation + "Request"; root.name != want {
		d.fail(invalidXML("cvc-elt.1", "Cannot find the declaration of element '%s'. '%s' is expected.", clip(root.name),
			want))
	}
	return d, d.object(root, members...)
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// object reads the members of e in any order, each at most once. It refuses members that are not listed.
func (d *decoder) object(e *element, members ...string) object {
	o := object{d: d, name: e.name, members: map[string]*element{}}
	for _, child := range e.children {
		_, twice := o.members[child.name]
		if twice || !slices.Contains(members, child.name) {
			expected := slices.DeleteFunc(slices.Clone(members), func(m string) bool { return o.members[m] != nil })
			d.fail(invalidXML("cvc-complex-type.2.4.a", "Invalid content was found starting with element '%s' in '%s'. One "+
				"of '{%s}' is expected.",
				clip(child.name), e.name, strings.Join(expected, ", ")))
			continue
		}
		o.members[child.name] = child
	}
	if len(e.children) == 0 && len(bytes.TrimSpace(e.text)) > 0 {
		d.fail(invalidXML("cvc-complex-type.2.3", "Element '%s' cannot have character content.", e.name))
	}
	return o
}

func (o object) has(member string) bool { return o.members[member] != nil }

// require refuses an object that lacks one of these members.
func (o object) require(members ...string) {
	missing := slices.DeleteFunc(members, o.has)
	if len(missing) > 0 {
		o.d.fail(invalidXML("cvc-complex-type.2.4.b", "The content of element '%s' is not complete. One of '{%s}' is "+
			"expected.",
			o.name, strings.Join(missing, ", ")))
	}
}

// object returns a member that has members itself. An absent member has none.
func (o object) object(member string, members ...string) object {
	e := o.members[member]
	if e == nil {
		return object{d: o.d, name: member}
	}
	return o.d.object(e, members...)
}

// list returns the items of a list member. All items must have the given name.
func (o object) list(member, item string) []*element {
	e := o.members[member]
	if e == nil {
		return nil
	}
	for _, child := range e.children {
		if child.name != item {
			o.d.fail(invalidXML("cvc-complex-type.2.4.a", "Invalid content was found starting with element '%s' in '%s'. One "+
				"of '{%s}' is expected.",
				clip(child.name), member, item))
		}
	}
	if len(e.children) == 0 && len(bytes.TrimSpace(e.text)) > 0 {
		o.d.fail(invalidXML("cvc-complex-type.2.3", "Element '%s' cannot have character content.", member))
	}
	return e.children
}

// strings returns the texts of a list member.
func (o object) strings(member, item string) []string {
	var texts []string
	for _, e := range o.list(member, item) {
		texts = append(texts, o.d.text(e))
	}
	return texts
}

// text is the content of a member that holds no elements; "" when absent.
func (o object) text(member string) string {
	e := o.members[member]
	if e == nil {
		return ""
	}
	return o.d.text(e)
}

func (d *decoder) text(e *element) string {
	if len(e.children) > 0 {
		d.fail(invalidXML("cvc-type.3.1.2", "Element '%s' must have no element children, but has '%s'.", e.name,
			clip(e.children[0].name)))
	}
	return string(e.text)
}

// sized is a text of min to max characters; an absent member is "".
func (o object) sized(member string, min, max int) string {
	s := o.text(member)
	if !o.has(member) {
		return s
	}
	n := utf8.RuneCountInString(s)
	if n < min {
		o.d.fail(constraint(s, member, fmt.Sprintf("Member must have length greater than or equal to %d", min)))
	}
	if n > max {
		o.d.fail(tooLong(s, member, max))
	}
	return s
}

// filled is a text that must not be empty; "" when absent. The zone room checks its length.
func (o object) filled(member string) string { return o.sized(member, 1, maxBody) }

// enum is a text out of a list; "" when absent.
func (o object) enum(member string, values ...string) string {
	s := strings.TrimSpace(o.text(member))
	if o.has(member) && !slices.Contains(values, s) {
		o.d.fail(notInEnumeration(s, values))
	}
	return s
}

// int64 is a whole number; nil when absent.
func (o object) int64(member string) *int64 {
	if !o.has(member) {
		return nil
	}
	s := strings.TrimSpace(o.text(member))
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		o.d.fail(invalidXML("cvc-datatype-valid.1.2.1", "'%s' is not a valid value for 'integer' in '%s'.", clip(s), member))
	}
	return &n
}

// int is int64 for members that are small numbers.
func (o object) int(member string) *int {
	n := o.int64(member)
	if n == nil {
		return nil
	}
	small := int(*n)
	if int64(small) != *n {
		o.d.fail(invalidXML("cvc-datatype-valid.1.2.1", "'%d' is not a valid value for 'integer' in '%s'.", *n, member))
	}
	return &small
}

// bool is true or false, or 1 or 0, as XML Schema has it; nil when absent.
func (o object) bool(member string) *bool {
	if !o.has(member) {
		return nil
	}
	s := strings.TrimSpace(o.text(member))
	b := s == "true" || s == "1"
	if !b && s != "false" && s != "0" {
		o.d.fail(invalidXML("cvc-datatype-valid.1.2.1", "'%s' is not a valid value for 'boolean' in '%s'.", clip(s), member))
	}
	return &b
}

// Schema violations, in the words of Route 53's validators. r53: C.5.

func invalidXML(rule, format string, args ...any) *apiError {
	return invalidInput("Invalid XML ; %s: %s", rule, fmt.Sprintf(format, args...))
}

func malformed(format string, args ...any) *apiError {
	return invalidInput("Invalid XML ; the request body is not a well-formed document: %s", fmt.Sprintf(format, args...))
}

func notInEnumeration(value string, values []string) *apiError {
	return invalidXML("cvc-enumeration-valid",
		"Value '%s' is not facet-valid with respect to enumeration '[%s]'. It must be a value from the enumeration.",
		clip(value), strings.Join(values, ", "))
}

func tooLong(value, member string, most int) *apiError {
	return constraint(value, member, fmt.Sprintf("Member must have length less than or equal to %d", most))
}

// notInValueSet refuses a value that is not one of an enumeration's.
func notInValueSet(value, member string, values ...string) *apiError {
	return constraint(value, member, "Member must satisfy enum value set: ["+strings.Join(values, ", ")+"]")
}

// constraint names the member as the API does: with a small first letter.
func constraint(value, member, rule string) *apiError {
	return invalidInput("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s",
		clip(value), strings.ToLower(member[:1])+member[1:], rule)
}
