package clients_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// Input of an operation by the member names of the model: structures are in, lists []any, everything else is printed.
type in map[string]any

// A caller makes requests from the model's description of them and judges every reply.
type caller struct {
	judge
	url    string
	key    sigv4.Credentials
	http   *http.Client
	called map[string][]string // operation: "" for a success, else the error's code
}

func newCaller(t *testing.T, l *lab) *caller {
	t.Helper()
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &caller{
		judge: judge{model: loadModel(t)}, url: l.api, key: l.key(t),
		http:   &http.Client{Transport: transport, Timeout: 2 * time.Minute},
		called: map[string][]string{},
	}
}

// call makes one request and judges the reply. The code is "" for a success.
func (c *caller) call(t *testing.T, operation string, input in) (reply *element, code string) {
	t.Helper()
	method, target, body := c.request(t, operation, input)
	r, err := http.NewRequestWithContext(t.Context(), method, c.url+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	path, query, _ := strings.Cut(target, "?")
	signed := sigv4.Request{Method: method, Path: path, RawQuery: query, Host: r.URL.Host, Header: r.Header,
		Body: []byte(body)}
	sigv4.Sign(&signed, c.key, "us-east-1", "route53", time.Now())
	response, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	reply = c.reply(operation, wireReply{response.StatusCode, response.Header, got})
	if reply == nil {
		t.Fatalf("%s: %d %s", operation, response.StatusCode, got)
	}
	if response.StatusCode >= 300 {
		code = reply.value("Error", "Code")
	}
	c.called[operation] = append(c.called[operation], code)
	return reply, code
}

// ok makes a request that must succeed.
func (c *caller) ok(t *testing.T, operation string, input in) *element {
	t.Helper()
	reply, code := c.call(t, operation, input)
	if code != "" {
		t.Errorf("%s(%v) is refused: %s: %s", operation, input, code, reply.value("Error", "Message"))
	}
	return reply
}

// refused makes a request that must fail with one of the codes.
func (c *caller) refused(t *testing.T, operation string, input in, codes ...string) {
	t.Helper()
	if _, code := c.call(t, operation, input); !slices.Contains(codes, code) {
		t.Errorf("%s(%v) gives code %q, want %s", operation, input, code, strings.Join(codes, " or "))
	}
}

// request writes a request as the model says: members in the path, in the query, in the body.
func (c *caller) request(t *testing.T, operation string, input in) (method, target, body string) {
	t.Helper()
	o, known := c.model.Operations[operation]
	if !known {
		t.Fatalf("the model has no operation %s", operation)
	}
	target = o.HTTP.RequestURI
	query := url.Values{}
	var members members
	if o.Input.Shape != "" {
		members = c.model.Shapes[o.Input.Shape].Members
	}
	inBody, hasBody := in{}, false
	for _, m := range members {
		value, given := input[m.name]
		switch m.Location {
		case "uri":
			if !given {
				t.Fatalf("%s needs %s", operation, m.name)
			}
			target = strings.Replace(target, "{"+m.wireName()+"}", url.PathEscape(fmt.Sprint(value)), 1)
		case "querystring":
			if given {
				query.Set(m.wireName(), fmt.Sprint(value))
			}
		default:
			hasBody = true
			if given {
				inBody[m.name] = value
			}
		}
	}
	for name := range input {
		if !slices.ContainsFunc(members, func(m member) bool { return m.name == name }) {
			t.Fatalf("the input of %s has no member %s", operation, name)
		}
	}
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	if hasBody {
		var b strings.Builder
		fmt.Fprintf(&b, `<%s xmlns="%s">`, operation+"Request", namespace)
		c.write(t, &b, o.Input.Shape, inBody)
		fmt.Fprintf(&b, `</%s>`, operation+"Request")
		body = b.String()
	}
	return o.HTTP.Method, target, body
}

// write writes a value by its shape, without the element around it.
func (c *caller) write(t *testing.T, b *strings.Builder, shapeName string, value any) {
	t.Helper()
	s := c.model.Shapes[shapeName]
	switch s.Type {
	case "structure":
		given := maps.Clone(value.(in))
		for _, m := range s.Members {
			v, there := given[m.name]
			if !there || m.Location != "" {
				continue
			}
			delete(given, m.name)
			fmt.Fprintf(b, "<%s>", m.wireName())
			c.write(t, b, m.Shape, v)
			fmt.Fprintf(b, "</%s>", m.wireName())
		}
		for name := range given {
			t.Fatalf("shape %s has no member %s", shapeName, name)
		}
	case "list":
		item := s.Member.LocationName
		if item == "" {
			item = "member"
		}
		for _, v := range value.([]any) {
			fmt.Fprintf(b, "<%s>", item)
			c.write(t, b, s.Member.Shape, v)
			fmt.Fprintf(b, "</%s>", item)
		}
	default:
		if err := xml.EscapeText(b, []byte(fmt.Sprint(value))); err != nil {
			t.Fatal(err)
		}
	}
}
