package clients_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const namespace = "https://route53.amazonaws.com/doc/2013-04-01/"

// An element is one element of a reply.
type element struct {
	name     xml.Name
	text     string
	children []*element
}

// parseElement reads a whole document: one root, declared namespaces as the only attributes, nothing behind it.
func parseElement(body []byte) (*element, error) {
	if !bytes.HasPrefix(body, []byte("<?xml version=\"1.0\"")) {
		return nil, errors.New("no XML declaration at the start")
	}
	if !utf8.Valid(body) {
		return nil, errors.New("not UTF-8")
	}
	dec := xml.NewDecoder(bytes.NewReader(body))
	top := &element{}
	for open := []*element{top}; ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		parent := open[len(open)-1]
		switch token := token.(type) {
		case xml.StartElement:
			for _, a := range token.Attr {
				if a.Name.Local != "xmlns" {
					return nil, fmt.Errorf("attribute %s of %s", a.Name.Local, token.Name.Local)
				}
			}
			e := &element{name: token.Name}
			parent.children = append(parent.children, e)
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			parent.text += string(token)
		}
	}
	if len(top.children) != 1 {
		return nil, fmt.Errorf("%d root elements", len(top.children))
	}
	return top.children[0], nil
}

// find follows child elements by name; nil when one is missing.
func (e *element) find(path ...string) *element {
	for _, name := range path {
		if e == nil {
			return nil
		}
		i := slices.IndexFunc(e.children, func(c *element) bool { return c.name.Local == name })
		if i < 0 {
			return nil
		}
		e = e.children[i]
	}
	return e
}

// value is the text at a path; "" when there is none.
func (e *element) value(path ...string) string {
	if at := e.find(path...); at != nil {
		return at.text
	}
	return ""
}

// A judge compares replies with the model and keeps every deviation.
type judge struct {
	model      *apiModel
	deviations []string
}

func (j *judge) deviate(where, format string, args ...any) {
	j.deviations = append(j.deviations, where+": "+fmt.Sprintf(format, args...))
}

// A wireReply is what came back, as bytes.
type wireReply struct {
	status int
	header http.Header
	body   []byte
}

// reply judges one whole reply and returns its root element, nil when it is no XML.
func (j *judge) reply(operation string, r wireReply) *element {
	if got := r.header.Get("Content-Type"); got != "text/xml" {
		j.deviate(operation, "Content-Type %q, want text/xml", got) // r53: C.1
	}
	if r.header.Get("X-Amzn-Requestid") == "" {
		j.deviate(operation, "no x-amzn-RequestId")
	}
	if got := r.header.Get("Content-Encoding"); got != "" {
		j.deviate(operation, "Content-Encoding %q was not asked for", got) // r53: H
	}
	root, err := parseElement(r.body)
	if err != nil {
		j.deviate(operation, "%v in %.200s", err, r.body)
		return nil
	}
	j.namespaces(operation, root)
	if r.status >= 300 {
		j.refusal(operation, r, root)
		return root
	}
	o := j.model.Operations[operation]
	want := o.HTTP.ResponseCode
	if want == 0 {
		want = http.StatusOK
	}
	if r.status != want {
		j.deviate(operation, "status %d, want %d", r.status, want)
	}
	if got := root.name.Local; got != operation+"Response" {
		j.deviate(operation, "root element %s", got)
	}
	if o.Output.Shape != "" {
		j.structure(operation, o.Output.Shape, root, r.header)
	} else if len(root.children) > 0 {
		j.deviate(operation, "the reply has no members, but holds %s", root.children[0].name.Local)
	}
	return root
}

func (j *judge) namespaces(where string, e *element) {
	if e.name.Space != namespace {
		j.deviate(where, "element %s is in namespace %q", e.name.Local, e.name.Space)
		return
	}
	for _, c := range e.children {
		j.namespaces(where, c)
	}
}

// Codes of AWS's front end, which every operation may answer with, and of an operation that an engine does not have.
// r53: C.5.
func commonCode(code string) (status int, ok bool) {
	status, ok = map[string]int{
		"InvalidInput": 400, "MalformedInput": 400, "Throttling": 400, "IncompleteSignature": 400, "AccessDenied": 403,
		"SignatureDoesNotMatch": 403, "InvalidClientTokenId": 403, "MissingAuthenticationToken": 403, "RequestExpired": 400,
		"UnknownOperationException": 404, "RequestEntityTooLarge": 413, "InternalFailure": 500, "NotImplemented": 501,
		"ServiceUnavailable": 503,
	}[code]
	return status, ok
}

// refusal judges an error: ErrorResponse, Error{Type, Code, Message}, RequestId. r53: C.5, H.
func (j *judge) refusal(operation string, r wireReply, root *element) {
	var shape []string
	for _, e := range append([]*element{root}, root.children...) {
		shape = append(shape, e.name.Local)
	}
	if e := root.find("Error"); e != nil {
		for _, c := range e.children {
			shape = append(shape, c.name.Local)
		}
	}
	if got := strings.Join(shape, " "); got != "ErrorResponse Error RequestId Type Code Message" {
		j.deviate(operation, "an error of the elements %s", got)
	}
	if got, want := root.value("RequestId"), r.header.Get("X-Amzn-Requestid"); got != want {
		j.deviate(operation, "RequestId %q, header %q", got, want)
	}
	code := root.value("Error", "Code")
	where := operation + " " + code
	if root.value("Error", "Message") == "" {
		j.deviate(where, "no message")
	}
	status, modelled := j.model.errorStatus(operation, code)
	if !modelled {
		if status, modelled = commonCode(code); !modelled {
			j.deviate(where, "the operation has no such error")
			return
		}
	}
	if r.status != status {
		j.deviate(where, "status %d, want %d", r.status, status)
	}
	want := "Sender"
	if status >= 500 {
		want = "Receiver"
	}
	if got := root.value("Error", "Type"); got != want {
		j.deviate(where, "Type %q, want %q", got, want)
	}
}

// structure judges the members of a structure: known, in the model's order, once each, and the required ones there.
func (j *judge) structure(where, name string, e *element, header http.Header) {
	s := j.model.Shapes[name]
	if strings.TrimSpace(e.text) != "" {
		j.deviate(where, "text %q between the members", e.text)
	}
	last := -1
	there := map[string]bool{}
	for _, c := range e.children {
		i := slices.IndexFunc(s.Members, func(m member) bool { return m.Location == "" && m.wireName() == c.name.Local })
		switch {
		case i < 0:
			j.deviate(where, "unknown element %s", c.name.Local)
			continue
		case there[s.Members[i].name]:
			j.deviate(where, "%s twice", c.name.Local)
		case i < last:
			j.deviate(where, "%s after %s", c.name.Local, s.Members[last].name)
		}
		last = max(last, i)
		there[s.Members[i].name] = true
		j.value(where+"."+c.name.Local, s.Members[i].Shape, c)
	}
	for _, m := range s.Members {
		if m.Location != "header" {
			continue
		}
		if text := header.Get(m.wireName()); text != "" {
			there[m.name] = true
			j.value(where+"."+m.name, m.Shape, &element{text: text})
		}
	}
	for _, required := range s.Required {
		if !there[required] {
			j.deviate(where, "required member %s is missing", required)
		}
	}
}

// value judges one element by its shape.
func (j *judge) value(where, name string, e *element) {
	s := j.model.Shapes[name]
	switch s.Type {
	case "structure":
		j.structure(where, name, e, nil)
		return
	case "list":
		j.list(where, s, e)
		return
	}
	if len(e.children) > 0 {
		j.deviate(where, "holds %s, want a %s", e.children[0].name.Local, s.Type)
	}
	switch s.Type {
	case "string":
		j.text(where, s, e.text)
	case "integer", "long":
		// The text of a number is written in one way only, without sign, zeros or white space before it.
		n, err := strconv.ParseInt(e.text, 10, 64)
		if err != nil || strconv.FormatInt(n, 10) != e.text {
			j.deviate(where, "%q is no %s", e.text, s.Type)
			return
		}
		j.bounds(where, s, n, "value")
	case "boolean":
		if e.text != "true" && e.text != "false" { // r53: H
			j.deviate(where, "%q is no boolean", e.text)
		}
	case "double":
		if _, err := strconv.ParseFloat(e.text, 64); err != nil {
			j.deviate(where, "%q is no double", e.text)
		}
	case "timestamp":
		if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`).MatchString(e.text) { // r53: C.1
			j.deviate(where, "%q is no timestamp with milliseconds in UTC", e.text)
		}
	default:
		j.deviate(where, "the model's type %q is new", s.Type)
	}
}

func (j *judge) list(where string, s *shape, e *element) {
	want := s.Member.LocationName
	if want == "" {
		want = "member" // r53: C.1, list encoding
	}
	if strings.TrimSpace(e.text) != "" {
		j.deviate(where, "text %q between the members", e.text)
	}
	if len(e.children) > 0 { // a minimum is about requests: a reply says "none" with an empty list
		j.bounds(where, s, int64(len(e.children)), "length")
	}
	for _, c := range e.children {
		if c.name.Local != want {
			j.deviate(where, "item %s, want %s", c.name.Local, want)
			continue
		}
		j.value(where+"[]", s.Member.Shape, c)
	}
}

func (j *judge) text(where string, s *shape, text string) {
	// Replies put a prefix before ids that the model's bounds are not about. r53: C.1, ID prefixes.
	for _, prefix := range []string{"/hostedzone/", "/change/", "/delegationset/"} {
		text = strings.TrimPrefix(text, prefix)
	}
	j.bounds(where, s, int64(utf8.RuneCountInString(text)), "length")
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
		j.deviate(where, "%q is not one of its values", text)
	}
	if s.Pattern == "" {
		return
	}
	// Patterns are of Java's kind and cover the whole text; Go calls its ASCII class otherwise.
	pattern := strings.ReplaceAll(s.Pattern, `\p{ASCII}`, `[[:ascii:]]`)
	matches, err := regexp.MatchString("^(?:"+pattern+")$", text)
	if err != nil {
		j.deviate(where, "pattern %s: %v", s.Pattern, err)
	} else if !matches {
		j.deviate(where, "%q does not match %s", text, s.Pattern)
	}
}

func (j *judge) bounds(where string, s *shape, n int64, what string) {
	if s.Min != nil && n < *s.Min {
		j.deviate(where, "%s %d, min %d", what, n, *s.Min)
	}
	if s.Max != nil && n > *s.Max {
		j.deviate(where, "%s %d, max %d", what, n, *s.Max)
	}
}
