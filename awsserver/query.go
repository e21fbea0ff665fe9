package awsserver

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// maxQueryBody bounds the form of a query request.
const maxQueryBody = 64 << 10

// queryAPI serves AWS's query protocol at POST /: a form with Action and Version in, XML out, every request signed.
// r53: E.1.
type queryAPI struct {
	services map[string]queryService // by the name in the credential scope
	lookup   Lookup
	logger   *slog.Logger
}

// A queryService is one API of that protocol.
type queryService struct {
	namespace  string // of replies
	version    string
	operations map[string]operation // by Action
}

// An operation answers a call with the content of its …Result element.
type operation func(*call) (any, error)

// A call is one verified request.
type call struct {
	form        url.Values
	region      string // of the credential scope
	accessKeyID string
}

func (a *queryAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	requestID := uuid.NewString()
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-Requestid", requestID)
	service, action, result, err := a.serve(w, r)
	var reply []byte
	if err != nil {
		f := faultOf(err)
		w.WriteHeader(f.status)
		reply = errorReply(service.namespace, f, requestID)
	} else {
		reply = resultReply(service.namespace, action, result, requestID)
	}
	if _, err := w.Write(reply); err != nil {
		a.logger.Debug("query reply not sent", "action", action, "error", err)
	}
}

// serve verifies and does what is asked. The service is the zero one as long as it is not known.
func (a *queryAPI) serve(w http.ResponseWriter, r *http.Request) (queryService, string, any, error) {
	body, scope, err := ReadSigned(w, r, maxQueryBody, a.lookup)
	if err != nil {
		return queryService{}, "", nil, err
	}
	service, ok := a.services[scope.Service]
	if !ok {
		return queryService{}, "", nil, refuse("InvalidAction", "There is no service '%.64s' here: there are %s.",
			scope.Service, strings.Join(slices.Sorted(maps.Keys(a.services)), ", "))
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return service, "", nil, refuse("MalformedQueryString", "The body is not a form: %v.", err)
	}
	action := form.Get("Action")
	do, err := service.find(action, form.Get("Version"))
	if err != nil {
		return service, "", nil, err
	}
	result, err := do(&call{form, scope.Region, scope.AccessKeyID})
	return service, action, result, err
}

// find returns the operation of a name, or refuses with what there is.
func (s queryService) find(action, version string) (operation, error) {
	do, ok := s.operations[action]
	switch {
	case action == "":
		return nil, refuse("MissingAction", "The request has no Action: there are %s.", s.actions())
	case version != s.version:
		return nil, refuse("InvalidAction", "Could not find operation %.64s for version '%.16s': the version is %s.", action,
			version, s.version)
	case !ok:
		return nil, refuse("InvalidAction", "Could not find operation %.64s for version %s: there are %s.", action, version,
			s.actions())
	}
	return do, nil
}

func (s queryService) actions() string {
	return strings.Join(slices.Sorted(maps.Keys(s.operations)), ", ")
}

// member returns a parameter that must be given.
func (c *call) member(name string) (string, error) {
	if v := c.form.Get(name); v != "" {
		return v, nil
	}
	return "", invalid(name, "null", "Member must not be null")
}

// list returns the members of a list parameter, X.member.1 to at most X.member.<limit>, in their order.
func (c *call) list(name string, limit int) ([]string, error) {
	var all []string
	for i := 1; c.form.Has(listMember(name, i)); i++ {
		all = append(all, c.form.Get(listMember(name, i)))
	}
	if len(all) > limit {
		return nil, invalid(name, fmt.Sprint(len(all), " members"),
			fmt.Sprintf("Member must have length less than or equal to %d", limit))
	}
	return all, nil
}

func listMember(name string, i int) string { return name + ".member." + strconv.Itoa(i) }

// number returns an integer parameter between its bounds; absent when it is not given.
func (c *call) number(name string, lowest, highest, absent int) (int, error) {
	text := c.form.Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, invalid(name, text, "Member must be an integer")
	case n < lowest:
		return 0, invalid(name, text, fmt.Sprintf("Member must have value greater than or equal to %d", lowest))
	case n > highest:
		return 0, invalid(name, text, fmt.Sprintf("Member must have value less than or equal to %d", highest))
	}
	return n, nil
}

// invalid refuses the value of one parameter, in the words that AWS has for it.
func invalid(name, value, constraint string) error {
	return refuse("ValidationError", "1 validation error detected: Value '%.64s' at '%s' failed to satisfy constraint: %s",
		value, name, constraint)
}

// paged returns the page of items that a call asks for with Marker and PageSize, 1 to 400, and the marker of the next
// one; "" after the last. A marker is the id of the first item of its page.
func paged[T any](c *call, items []T, id func(T) string) (page []T, next string, err error) {
	size, err := c.number("PageSize", 1, 400, 400)
	if err != nil {
		return nil, "", err
	}
	if marker := c.form.Get("Marker"); marker != "" {
		at := slices.IndexFunc(items, func(item T) bool { return id(item) == marker })
		if at < 0 {
			return nil, "", refuse("ValidationError", "Marker '%.64s' is of no page: use the NextMarker of a reply", marker)
		}
		items = items[at:]
	}
	if len(items) > size {
		next = id(items[size])
		items = items[:size]
	}
	return items, next, nil
}

// members is a list as the query protocol writes it: present also when it is empty.
type members[T any] struct {
	Member []T `xml:"member"`
}

type responseMetadata struct {
	RequestID string `xml:"RequestId"`
}

// resultReply writes <ActionResponse><ActionResult>…</ActionResult><ResponseMetadata>. r53: E.1.
func resultReply(namespace, action string, result any, requestID string) []byte {
	return encodeXML(namespace, action+"Response", func(e *xml.Encoder) error {
		err := e.EncodeElement(result, xml.StartElement{Name: xml.Name{Local: action + "Result"}})
		if err != nil {
			return err
		}
		return e.EncodeElement(responseMetadata{requestID}, xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}})
	})
}

type errorDetail struct{ Type, Code, Message string }

// errorReply writes <ErrorResponse><Error>…</Error><RequestId>. r53: E.1.
func errorReply(namespace string, f fault, requestID string) []byte {
	return encodeXML(namespace, "ErrorResponse", func(e *xml.Encoder) error {
		detail := errorDetail{"Sender", f.code, f.message}
		if err := e.EncodeElement(detail, xml.StartElement{Name: xml.Name{Local: "Error"}}); err != nil {
			return err
		}
		return e.EncodeElement(requestID, xml.StartElement{Name: xml.Name{Local: "RequestId"}})
	})
}

// encodeXML writes a root element around what content writes.
func encodeXML(namespace, root string, content func(*xml.Encoder) error) []byte {
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	start := xml.StartElement{Name: xml.Name{Local: root}}
	if namespace != "" {
		start.Attr = []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: namespace}}
	}
	if err := cmp.Or(e.EncodeToken(start), content(e), e.EncodeToken(start.End()), e.Close()); err != nil {
		panic(err) // a shape that cannot be encoded is a mistake in this package: writing to memory does not fail
	}
	return b.Bytes()
}
