package awslike

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"github.com/bulkhead-dns/bulkhead/r53server"
	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// A call is one request of a client, read whole.
type call struct {
	*http.Request
	body      []byte
	scope     sigv4.Scope
	user      *user
	service   string // route53, elasticloadbalancing, monitoring, sts
	operation string // of the API: GetChange
	id        string // of what the path is about: a zone's, a check's, a change's
}

// maxBody bounds what a client may send.
const maxBody = 4 << 20

func readCall(r *http.Request) (*call, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	return &call{Request: r, body: body}, err
}

// signed is the request as its signature covers it.
func (c *call) signed() *sigv4.Request {
	return &sigv4.Request{Method: c.Method, Path: c.URL.EscapedPath(), RawQuery: c.URL.RawQuery, Host: c.Host,
		Header: c.Header, Body: c.body}
}

// identify finds the operation. Of services beside Route 53 it is the query protocol's Action, or the last part of the
// path.
func (c *call) identify() bool {
	c.service = c.scope.Service
	if c.service != "route53" {
		form, err := url.ParseQuery(string(c.body))
		if c.operation = form.Get("Action"); err != nil || c.operation == "" {
			_, c.operation, _ = strings.Cut(c.URL.Path, "/operation/")
		}
		return c.operation != ""
	}
	segments := strings.Split(strings.Trim(c.URL.Path, "/"), "/")
	for _, o := range r53server.Operations() {
		pattern := strings.Split("2013-04-01"+o.Path, "/")
		if o.Method != c.Method || len(pattern) != len(segments) {
			continue
		}
		ids, ok := []string(nil), true
		for i, p := range pattern {
			if strings.HasPrefix(p, "{") {
				ids = append(ids, segments[i])
			} else {
				ok = ok && p == segments[i]
			}
		}
		if !ok {
			continue
		}
		c.operation = o.Name
		if len(ids) > 0 {
			c.id = ids[len(ids)-1]
			if strings.HasPrefix(o.Name, "Get") && strings.HasSuffix(o.Name, "Limit") {
				c.id = ids[0]
			}
		}
		return true
	}
	return false
}

// access is the call as IAM sees it.
func (c *call) access() Access {
	a := Access{Action: c.service + ":" + c.operation, Resource: "*"}
	const prefix = "arn:aws:route53:::"
	switch path := strings.TrimPrefix(c.URL.Path, "/2013-04-01/"); {
	case c.service == "monitoring":
		a.Action = "cloudwatch:" + c.operation
	case c.service != "route53":
	case strings.HasPrefix(path, "hostedzone/"), strings.HasPrefix(path, "hostedzonelimit/"):
		a.Resource = prefix + "hostedzone/" + c.id
	case strings.HasPrefix(path, "healthcheck/"), strings.HasPrefix(path, "tags/healthcheck/"):
		a.Resource = prefix + "healthcheck/" + c.id
	case strings.HasPrefix(path, "tags/healthcheck"):
		a.Resource = prefix + "healthcheck/" + firstOf(c.body, "ResourceId")
	case strings.HasPrefix(path, "change/"):
		a.Resource = prefix + "change/" + c.id
	case strings.HasPrefix(path, "cidrcollection/"):
		a.Resource = "arn:aws:route53::" + accountID + ":cidrcollection/" + c.id
	}
	if c.operation == "ChangeResourceRecordSets" {
		for _, change := range c.batch() {
			a.Names = append(a.Names, strings.ToLower(strings.TrimSuffix(change.Name, ".")))
			a.Types = append(a.Types, change.Type)
			a.Changes = append(a.Changes, change.Action)
		}
	}
	return a
}

// A change is one of a batch.
type change struct {
	Action string
	Name   string `xml:"ResourceRecordSet>Name"`
	Type   string `xml:"ResourceRecordSet>Type"`
}

func (c *call) batch() []change {
	var in struct {
		Changes []change `xml:"ChangeBatch>Changes>Change"`
	}
	if err := xml.Unmarshal(c.body, &in); err != nil {
		return []change{{Action: err.Error(), Name: err.Error(), Type: err.Error()}}
	}
	return in.Changes
}

// cost is what the changes of a call cost. r53: C.8.
func (c *call) cost() int {
	switch c.operation {
	case "CreateHostedZone", "DeleteHostedZone":
		return 2
	case "ChangeResourceRecordSets":
		cost := 0
		for _, change := range c.batch() {
			if cost++; change.Action == "UPSERT" {
				cost++
			}
		}
		return cost
	}
	return 0
}

// firstOf is the text of the first element of a name, "" when there is none. The engine and its clients write elements
// without attributes.
func firstOf(body []byte, element string) string {
	_, rest, _ := bytes.Cut(body, []byte("<"+element+">"))
	text, _, _ := bytes.Cut(rest, []byte("</"+element+">"))
	return string(text)
}

// A refusal is an error of the API. r53: C.5.
type refusal struct {
	status        int
	code, message string
}

// Error names code and message.
func (f *refusal) Error() string { return f.code + ": " + f.message }

// smithyProtocol names the protocol of a request that is not Route 53's XML: CloudWatch's is CBOR.
const smithyProtocol = "Smithy-Protocol"

func (f *refusal) write(w http.ResponseWriter) {
	if w.Header().Get(smithyProtocol) != "" {
		body, err := cbor.Marshal(map[string]string{"__type": "com.amazonaws.cloudwatch#" + f.code, "message": f.message})
		if err != nil {
			panic(err) // two texts can be encoded
		}
		w.Header().Set("Content-Type", "application/cbor")
		w.WriteHeader(f.status)
		_, _ = w.Write(body) // the client may be gone
		return
	}
	kind := "Sender"
	if f.status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	var message bytes.Buffer
	_ = xml.EscapeText(&message, []byte(f.message)) // to a buffer it does not fail
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(f.status)
	fmt.Fprintf(w, `<?xml version="1.0"?>`+"\n"+`<ErrorResponse `+
		`xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Error><Type>%s</Type>`+
		`<Code>%s</Code><Message>%s</Message></Error><RequestId>`+
		`00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>`,
		kind, f.code, message.String())
}
