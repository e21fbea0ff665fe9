//go:build kube

package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// A question is what a user near a Region asks for.
type question struct {
	name  string
	users string // a network, told by EDNS Client Subnet
}

// ask asks a name server for addresses as a resolver of the users does. No address is no error.
func ask(conn *dns.Conn, q question) ([]string, error) {
	users, err := netip.ParsePrefix(q.users)
	if err != nil {
		return nil, err
	}
	m := new(dns.Msg).SetQuestion(dns.Fqdn(q.name), dns.TypeA)
	m.SetEdns0(1232, false)
	m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_SUBNET{
		Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: uint8(users.Bits()), Address: net.IP(users.Addr().AsSlice()),
	})
	answer, _, err := new(dns.Client).ExchangeWithConn(m, conn)
	if err != nil {
		return nil, err
	}
	if answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError {
		return nil, fmt.Errorf("%s: %s", q.name, dns.RcodeToString[answer.Rcode])
	}
	var addresses []string
	for _, rr := range answer.Answer {
		if a, ok := rr.(*dns.A); ok {
			addresses = append(addresses, a.A.String())
		}
	}
	slices.Sort(addresses)
	return addresses, nil
}

// A watcher asks questions all the time, and sees every answer that changes.
type watcher struct {
	stop func() // returns when nothing is asked any more

	mu        sync.Mutex
	questions []question
	answers   map[question]string
	moves     map[question][]string // "A -> B" of answers that became others, in order
	lost      []string              // names that had an answer and have none
	failed    error
	asked     int
	sweeps    int
}

// watch begins to ask the lab's name server.
func (w *world) watch(t *testing.T) *watcher {
	t.Helper()
	conn, err := dns.Dial("udp", w.dns().String())
	if err != nil {
		t.Fatal(err)
	}
	v := &watcher{answers: map[question]string{}, moves: map[question][]string{}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		v.run(ctx, conn)
	}()
	v.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
		conn.Close()
	})
	t.Cleanup(v.stop)
	return v
}

// run asks all questions in turn, a thousand a second.
func (v *watcher) run(ctx context.Context, conn *dns.Conn) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		q, ok := v.next(&i)
		if !ok {
			continue
		}
		addresses, err := ask(conn, q)
		for range 3 { // UDP may lose a packet on a busy machine
			if err == nil {
				break
			}
			addresses, err = ask(conn, q)
		}
		v.see(q, strings.Join(addresses, ","), err)
	}
}

// next returns the question with a number, and begins again after the last.
func (v *watcher) next(i *int) (question, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.questions) == 0 {
		*i = -1
		return question{}, false
	}
	if *i >= len(v.questions) {
		*i = 0
		v.sweeps++
	}
	return v.questions[*i], true
}

func (v *watcher) see(q question, answer string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil {
		v.failed = errors.Join(v.failed, fmt.Errorf("%s for %s: %w", q.name, q.users, err))
		return
	}
	if !slices.Contains(v.questions, q) {
		return // forgotten meanwhile
	}
	v.asked++
	before, known := v.answers[q]
	switch {
	case answer == before || !known && answer == "": // not there yet
		return
	case answer == "":
		v.lost = append(v.lost, fmt.Sprintf("%s for %s at %s", q.name, q.users, time.Now().Format(time.TimeOnly)))
	case known:
		v.moves[q] = append(v.moves[q], before+" -> "+answer)
	}
	v.answers[q] = answer
}

// add adds questions for names, of every network of users.
func (v *watcher) add(w *world, names ...string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, name := range names {
		for _, s := range w.sites() {
			v.questions = append(v.questions, question{name, s.users})
		}
	}
}

// forget takes names out: what becomes of them is not looked at any more.
func (v *watcher) forget(names ...string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.questions = slices.DeleteFunc(v.questions, func(q question) bool { return slices.Contains(names, q.name) })
}

// restart counts moves anew.
func (v *watcher) restart() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.moves, v.asked = map[question][]string{}, 0
}

// answer is the last one to a question, "" when there is none.
func (v *watcher) answer(q question) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.answers[q]
}

// emptied are the times at which a name that had an answer had none.
func (v *watcher) emptied(name string) (lost []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, line := range v.lost {
		if strings.HasPrefix(line, name+" ") {
			lost = append(lost, line)
		}
	}
	return lost
}

// swept returns when every question has been asked n times from now on.
func (v *watcher) swept(t *testing.T, n int) {
	t.Helper()
	v.mu.Lock()
	until := v.sweeps + n + 1 // the current one began before
	v.mu.Unlock()
	eventually(t, "questions asked again", func(context.Context) error {
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.sweeps < until {
			return fmt.Errorf("sweep %d of %d", v.sweeps, until)
		}
		return nil
	})
}

// check reports answers that were empty at any time, and moves of names beyond those that may have moved.
func (v *watcher) check(t *testing.T, mayMove ...string) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.failed != nil {
		t.Errorf("DNS has not answered: %v", v.failed)
	}
	if len(v.lost) > 0 {
		t.Errorf("%d answers were empty, such as %s", len(v.lost), v.lost[0])
	}
	for q, moves := range v.moves {
		if !slices.Contains(mayMove, q.name) {
			t.Errorf("answers to %s for users of %s have moved: %v", q.name, q.users, moves)
		}
	}
}

// answered waits until a user of a site is answered with a load balancer.
func (v *watcher) answered(t *testing.T, name string, users, with *site) time.Duration {
	t.Helper()
	return eventually(t, fmt.Sprintf("users near %s are answered with %s for %s", users.Name, with.Name, name), func(context.Context) error {
		if got := v.answer(question{name, users.users}); got != with.address {
			return fmt.Errorf("the answer is %q, want %s", got, with.address)
		}
		return nil
	})
}
