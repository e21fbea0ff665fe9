package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// A User is someone near a Region who keeps opening one application's page: a DNS query with the subnet they are in,
// then an HTTP request to the address that was answered. Nothing is cached, so that every change is seen when it
// happens.
type User struct {
	Application string `json:"application"`
	Hostname    string `json:"hostname"`
	Place       string `json:"place"` // the Region they are near
	Subnet      string `json:"subnet"`

	subnet netip.Prefix
	dns    string // address of the DNS server
	port   uint16 // where load balancers listen
	client *http.Client
}

// A Visit is one query and one request.
type Visit struct {
	At      time.Time
	Address netip.Addr // the DNS answer; invalid when there was none
	Region  string     // where the page came from; empty when there was none
	Pod     string
	Status  int    // HTTP status, 0 when there was no response
	Problem string // what went wrong, in a few words; empty when the page was there
}

// pageTimeout is how long a user waits for a page; dnsTimeout for an answer.
const (
	dnsTimeout  = time.Second
	pageTimeout = 2 * time.Second
)

func newClient() *http.Client {
	return &http.Client{
		Timeout:   pageTimeout,
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: pageTimeout}).DialContext},
	}
}

// visit asks DNS and opens the page.
func (u *User) visit(ctx context.Context) Visit {
	v := Visit{At: time.Now()}
	var err error
	if v.Address, err = u.resolve(ctx); err != nil {
		v.Problem = err.Error()
		return v
	}
	if err := u.open(ctx, &v); err != nil {
		v.Problem = err.Error()
	}
	return v
}

func (u *User) resolve(ctx context.Context) (netip.Addr, error) {
	m := new(dns.Msg).SetQuestion(dns.Fqdn(u.Hostname), dns.TypeA)
	opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: 1232}}
	opt.Option = append(opt.Option, &dns.EDNS0_SUBNET{
		Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: uint8(u.subnet.Bits()), Address: u.subnet.Addr().AsSlice(),
	})
	m.Extra = append(m.Extra, opt)
	reply, _, err := (&dns.Client{Timeout: dnsTimeout}).ExchangeContext(ctx, m, u.dns)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("no DNS answer: %w", err)
	}
	for _, rr := range reply.Answer {
		if a, ok := rr.(*dns.A); ok {
			addr, _ := netip.AddrFromSlice(a.A)
			return addr.Unmap(), nil
		}
	}
	return netip.Addr{}, fmt.Errorf("DNS said %s without an address", dns.RcodeToString[reply.Rcode])
}

// page is what the demo applications say about themselves.
type page struct {
	Application, Pod, Region, AvailabilityZone string
}

func (u *User) open(ctx context.Context, v *Visit) error {
	url := "http://" + net.JoinHostPort(v.Address.String(), strconv.Itoa(int(u.port))) + "/"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Host = u.Hostname
	req.Header.Set("Accept", "application/json")
	resp, err := u.client.Do(req)
	if err != nil {
		if netErr := net.Error(nil); errors.As(err, &netErr) && netErr.Timeout() {
			return errors.New("the page did not come in time")
		}
		return errors.New("no connection")
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return errors.New("the page broke off")
	}
	v.Status = resp.StatusCode
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	var p page
	if err := json.Unmarshal(body, &p); err != nil {
		return errors.New("not the application's page")
	}
	if p.Application != u.Application {
		return fmt.Errorf("the page of %s", p.Application)
	}
	v.Region, v.Pod = p.Region, p.Pod
	return nil
}

// A watcher keeps a user visiting and remembers what they saw.
type watcher struct {
	user *User
	home netip.Addr // their own Region's load balancer

	mu       sync.Mutex
	last     Visit
	since    time.Time // start of the chapter that is recorded
	requests int
	failed   int
	timeline []Moment
}

// visitEvery is how often a user opens the page.
const visitEvery = 50 * time.Millisecond

// run visits until ctx ends.
func (w *watcher) run(ctx context.Context) {
	tick := time.NewTicker(visitEvery)
	defer tick.Stop()
	for {
		v := w.user.visit(ctx)
		if ctx.Err() != nil {
			return
		}
		w.record(v)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// A Moment is the start of a stretch of visits that went alike.
type Moment struct {
	// Seconds since the fault was caused; negative before it.
	Seconds float64 `json:"seconds"`
	Answer  string  `json:"answer,omitempty"` // the DNS answer
	Region  string  `json:"region,omitempty"` // where the page came from
	Status  int     `json:"status,omitempty"` // HTTP status
	Problem string  `json:"problem,omitempty"`
}

func (w *watcher) record(v Visit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = v
	w.requests++
	if v.Problem != "" {
		w.failed++
	}
	m := Moment{Seconds: v.At.Sub(w.since).Seconds(), Region: v.Region, Status: v.Status, Problem: v.Problem}
	if v.Address.IsValid() {
		m.Answer = v.Address.String()
	}
	if n := len(w.timeline); n > 0 {
		before := w.timeline[n-1]
		before.Seconds = m.Seconds
		if before == m {
			return
		}
	}
	w.timeline = append(w.timeline, m)
}

// begin starts a chapter: counts and timeline are those since now.
func (w *watcher) begin(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since, w.requests, w.failed, w.timeline = at, 0, 0, nil
}

// seen returns the last visit.
func (w *watcher) seen() Visit {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// home and away tell which load balancer DNS sends the user to.
func (w *watcher) isHome() bool { v := w.seen(); return v.Address == w.home && v.Problem == "" }
func (w *watcher) isAway() bool {
	v := w.seen()
	return v.Address.IsValid() && v.Address != w.home && v.Problem == ""
}

// report sums the chapter up.
func (w *watcher) report() UserReport {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := UserReport{User: *w.user, Requests: w.requests, Failed: w.failed, Timeline: w.timeline}
	home := w.home.String()
	for _, m := range w.timeline {
		if m.Answer == "" {
			continue
		}
		switch away := m.Answer != home; {
		case away && r.MovedAfter == nil:
			r.MovedAfter = &m.Seconds
		case !away && r.MovedAfter != nil && r.ReturnedAfter == nil:
			r.ReturnedAfter = &m.Seconds
		}
		if m.Answer != home && m.Region != "" {
			r.MovedTo = m.Region
		}
	}
	return r
}
