// Package awslike is a front that makes an engine behave as Route 53 does at AWS. An engine is kinder than AWS in
// places; behind the front, tests of clients meet what AWS does there:
//
//   - Lists of health checks and tags are some seconds old, and some calls do not know a new check yet (unconfirmed).
//   - A change is PENDING for 30 to 60 seconds. Overlapping batches of one zone are refused (r53: C.6).
//   - Requests are throttled, and the account has quotas. Checks have intervals of 10 and 30 seconds and public
//     endpoints (r53: C.8, B.2, B.5).
//   - Some requests fail with 500, 503 or Throttling. Some replies are lost after the request had its effect.
//   - Every user has an IAM policy and is refused what it does not allow.
//
// The front checks the signatures of its users and signs for the engine itself. A seed and the order of requests decide
// which requests fail. Time may pass faster than at AWS.
package awslike

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/bulkhead-dns/bulkhead/r53server"
	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// accountID is the engine's.
const accountID = "000000000000"

// Options of New. Engine and Credentials are required.
type Options struct {
	Engine      string            // URL, such as http://127.0.0.1:8053
	Credentials sigv4.Credentials // of the engine's administrator, who is a user of the front too, called admin
	// Speed is how many times faster than at AWS time passes, 1 to 20: for what is PENDING, old or throttled, and for the
	// intervals of health checks. 0 means 1.
	Speed float64
	// HealthChecks is how many health checks the account may have; 0 means 200. r53: C.8.
	HealthChecks int
	// Faults is how many requests of a hundred fail for no reason of the client's; 0 means none.
	Faults float64
	Seed   uint64 // of what is left to chance
	// Endpoints are public addresses of health checks that are probed at another address, one of this machine. AWS refuses
	// checks of private addresses, and so does the front.
	Endpoints map[string]string
}

// A Front is an http.Handler for everything that the engine serves.
type Front struct {
	o         Options
	transport *http.Transport

	mu       sync.Mutex // guards what follows
	start    time.Time
	throttle *r53server.Throttle
	random   *rand.Rand
	users    map[string]*user     // by access key
	pending  map[string]time.Time // by id of the change: until when
	busy     map[string]bool      // zones with a batch in work
	checks   map[string]*lately
	kept     []string // faults that were made, "500 GetChange"

	creating sync.Mutex // one creation of a health check at a time, so that none goes beyond the quota
}

// A user is who may call.
type user struct {
	name        string
	credentials sigv4.Credentials
	policy      Policy
	used        map[string]bool
	denied      []Access
}

// New returns a Front.
func New(o Options) *Front {
	if o.Speed == 0 {
		o.Speed = 1
	}
	if o.HealthChecks == 0 {
		o.HealthChecks = 200
	}
	f := &Front{o: o, transport: &http.Transport{MaxIdleConnsPerHost: 64}, start: time.Now(),
		throttle: r53server.NewThrottle(),
		random:   rand.New(rand.NewPCG(o.Seed, o.Seed)), users: make(map[string]*user), pending: make(map[string]time.Time),
		busy: make(map[string]bool), checks: make(map[string]*lately)}
	f.SetUser("admin", o.Credentials, Everything())
	return f
}

// Close closes the connections to the engine.
func (f *Front) Close() { f.transport.CloseIdleConnections() }

// SetUser makes a user, or gives one another policy. What the user has called and was denied is forgotten.
func (f *Front) SetUser(name string, c sigv4.Credentials, p Policy) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users[c.AccessKeyID] = &user{name: name, credentials: c, policy: p, used: make(map[string]bool)}
}

// Used returns the actions that a user has called and was allowed, sorted.
func (f *Front) Used(accessKeyID string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.users[accessKeyID].used))
}

// Denied returns what a user was refused.
func (f *Front) Denied(accessKeyID string) []Access {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.users[accessKeyID].denied)
}

// Faults returns the faults that were made, such as "500 GetChange".
func (f *Front) Faults() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.kept)
}

// scaled is how long a time at AWS takes here.
func (f *Front) scaled(d time.Duration) time.Duration { return time.Duration(float64(d) / f.o.Speed) }

// ServeHTTP answers one request.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := readCall(r)
	if err != nil {
		return // the client is gone
	}
	if protocol := r.Header.Get(smithyProtocol); protocol != "" {
		w.Header().Set(smithyProtocol, protocol)
	}
	if refused := f.admit(c); refused != nil {
		refused.write(w)
		return
	}
	fault := f.fault(c)
	if fault.refusal != nil {
		fault.refusal.write(w)
		return
	}
	if fault.lost && !fault.after {
		panic(http.ErrAbortHandler)
	}
	reply, err := f.answer(c)
	var refused *refusal
	switch {
	case fault.lost:
		panic(http.ErrAbortHandler) // closes the connection without a reply
	case errors.As(err, &refused):
		refused.write(w)
	case err != nil: // the engine is gone, or the client
		panic(http.ErrAbortHandler)
	default:
		reply.write(w)
	}
}

// admit checks signature, operation, permission and rate.
func (f *Front) admit(c *call) *refusal {
	scope, err := sigv4.Verify(c.signed(), func(accessKeyID string) (sigv4.Credentials, bool) {
		f.mu.Lock()
		defer f.mu.Unlock()
		c.user = f.users[accessKeyID]
		if c.user == nil {
			return sigv4.Credentials{}, false
		}
		return c.user.credentials, true
	}, time.Now())
	var bad *sigv4.Error
	if errors.As(err, &bad) {
		return &refusal{bad.Status, bad.Code, bad.Message}
	}
	c.scope = scope
	if !c.identify() {
		return &refusal{http.StatusNotFound, "UnknownOperationException", "There is no operation " + c.Method + " " +
			c.URL.Path}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	a := c.access()
	if c.service != "sts" && !c.user.policy.Allows(a) { // who is asking needs no permission to know it
		c.user.denied = append(c.user.denied, a)
		return denied(c.user, a)
	}
	c.user.used[a.Action] = true
	if c.service != "route53" {
		return nil
	}
	now := f.start.Add(time.Duration(float64(time.Since(f.start)) * f.o.Speed))
	if f.throttle.Request(c.operation, now) != nil || c.cost() > 0 && f.throttle.Change(c.cost(), now) != nil {
		return throttled()
	}
	return nil
}

// denied is worded as AWS does. Calls that are about nothing in particular are refused without naming a resource.
func denied(u *user, a Access) *refusal {
	text := "User: arn:aws:iam::" + accountID + ":user/" + u.name + " is not authorized to perform: " + a.Action
	if a.Resource != "*" {
		text += " on resource: " + a.Resource
	}
	return &refusal{http.StatusForbidden, "AccessDenied", text + " because no identity-based policy allows the " +
		a.Action + " action"}
}

func throttled() *refusal { return &refusal{http.StatusBadRequest, "Throttling", "Rate exceeded"} }

// A reply is the engine's.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r *reply) ok() bool { return r.status < 300 }

func (r *reply) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), r.header)
	w.Header().Set("Content-Length", strconv.Itoa(len(r.body)))
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body) // the client may be gone
}

// ask sends a request to the engine as its administrator.
func (f *Front) ask(c *call, method, uri string, body []byte) (*reply, error) {
	out, err := http.NewRequestWithContext(c.Context(), method, f.o.Engine+uri, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"Content-Type", smithyProtocol} {
		if value := c.Header.Get(name); value != "" {
			out.Header.Set(name, value)
		}
	}
	signed := &sigv4.Request{Method: method, Path: out.URL.EscapedPath(), RawQuery: out.URL.RawQuery, Host: out.URL.Host,
		Header: out.Header, Body: body}
	sigv4.Sign(signed, f.o.Credentials, c.scope.Region, c.scope.Service, time.Now())
	out.Header = signed.Header
	response, err := f.transport.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer := &reply{status: response.StatusCode, header: response.Header}
	answer.body, err = io.ReadAll(response.Body)
	return answer, err
}
