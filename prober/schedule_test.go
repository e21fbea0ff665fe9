package prober

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/health"
)

// paused says that a gap between probes is want less jitter and slack, and never more.
func paused(gap, want time.Duration) bool {
	return gap <= want && gap >= want*95/100-slack
}

func TestIntervalRunsFromTheEndOfAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		w := newWorld(upAfter(1500 * time.Millisecond))
		w.start(t, Options{}).Set(check("c", 10, 3), true)
		time.Sleep(10 * time.Minute)
		dials, reports := w.took()
		if first := dials[0].Sub(began); first >= 10*time.Second {
			t.Errorf("the first probe came after %v; it is due within the interval", first)
		}
		gaps := map[time.Duration]bool{}
		for i, r := range reports[:len(dials)-1] {
			gap := dials[i+1].Sub(r.CheckedTime) // r53: B.3 between receiving a response and sending the next request
			gaps[gap] = true
			if !paused(gap, 10*time.Second) {
				t.Errorf("%v between the end of probe %d and the next; want 10 s", gap, i)
			}
			if r.Latency != 1500*time.Millisecond {
				t.Errorf("latency %v, the endpoint took 1.5 s", r.Latency)
			}
		}
		if len(dials) < 50 || len(gaps) < len(dials)/2 {
			t.Errorf("%d probes in 10 minutes, %d different gaps: want some 52, and jitter", len(dials), len(gaps))
		}
	})
}

// states are the reported states in order, with * where the report says changed.
func states(reports []seen) string {
	var b strings.Builder
	for _, r := range reports {
		b.WriteByte("UH"[map[bool]int{true: 1}[r.Healthy]])
		if r.changed {
			b.WriteByte('*')
		}
	}
	return b.String()
}

func TestThresholdCountsBothWays(t *testing.T) { // r53: B.4, G.1 5
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(up)
		p := w.start(t, Options{Checkers: []Checker{
			{Name: "n/eu-west-1", Region: "eu-west-1", IPAddress: netip.MustParseAddr("192.0.2.7")}}})
		p.Set(check("c", 10, 3), true)
		time.Sleep(25 * time.Second)
		synctest.Wait()
		_, reports := w.took()
		if got := states(reports); !strings.HasPrefix(got, "H*H") || strings.Count(got, "*") != 1 {
			t.Errorf("the first report says changed, the others do not: %s", got)
		}
		w.set(down)
		time.Sleep(35 * time.Second)
		failures, reports := w.took()
		if got := states(reports); !strings.HasPrefix(got, "HHU*") {
			t.Errorf("three failures turn the machine: %s", got)
		}
		turned := failures[2]
		if want := "Failure: The connection was refused by the endpoint."; reports[2].Status != want ||
			reports[2].Failure != want || reports[2].FailureTime != turned || reports[2].Since != turned {
			t.Errorf("the report of the turn at %v: %+v", turned, reports[2])
		}
		w.set(up)
		time.Sleep(35 * time.Second)
		_, reports = w.took()
		if got := states(reports); !strings.HasPrefix(got, "UUH*") {
			t.Errorf("three successes turn it back: %s", got)
		}
		last := reports[2]
		if last.Status != ok200 || last.Failure == "" || !last.FailureTime.Before(last.CheckedTime) {
			t.Errorf("the last failure is remembered beside the success: %+v", last)
		}
		want := health.Report{Check: "c", Checker: "n/eu-west-1", Region: "eu-west-1", IPAddress: "192.0.2.7", Healthy: true}
		got := health.Report{Check: last.Check, Checker: last.Checker, Region: last.Region, IPAddress: last.IPAddress, Healthy: last.Healthy}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the report (-want +got):\n%s", diff)
		}
	})
}

func TestFastConfirmation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(up)
		p := w.start(t, Options{FastConfirmation: true})
		p.Set(check("c", 10, 3), true)
		time.Sleep(25 * time.Second)
		w.took()

		// An endpoint that fails: two re-probes after a fifth of the interval each, then the plain interval.
		w.set(down)
		time.Sleep(40 * time.Second)
		dials, reports := w.took()
		if got := states(reports); !strings.HasPrefix(got, "HHU*U") {
			t.Fatalf("three failures are still needed: %s", got)
		}
		for i, want := range []time.Duration{2 * time.Second, 2 * time.Second, 10 * time.Second} {
			if gap := dials[i+1].Sub(dials[i]); !paused(gap, want) {
				t.Errorf("%v after failure %d; want %v", gap, i+1, want)
			}
		}

		// Recovery is not hurried.
		w.set(up)
		time.Sleep(45 * time.Second)
		dials, reports = w.took()
		if got := states(reports); !strings.HasPrefix(got, "UUH*H") {
			t.Fatalf("three successes are needed: %s", got)
		}
		for i := range 3 {
			if gap := dials[i+1].Sub(dials[i]); !paused(gap, 10*time.Second) {
				t.Errorf("%v after success %d; want the interval", gap, i+1)
			}
		}

		// One failure in between: the success of the re-probe ends it.
		failed := false
		w.set(func(ctx context.Context) (net.Conn, error) {
			if !failed {
				failed = true
				return down(ctx)
			}
			return up(ctx)
		})
		time.Sleep(30 * time.Second)
		dials, reports = w.took()
		if got := states(reports); strings.Contains(got, "U") {
			t.Errorf("one failure turned the machine: %s", got)
		}
		if gap := dials[1].Sub(dials[0]); gap > 2*time.Second {
			t.Errorf("%v to the re-probe; want 2 s", gap)
		}
		if gap := dials[2].Sub(dials[1]); !paused(gap, 10*time.Second) {
			t.Errorf("%v after its success; want the interval", gap)
		}
	})
}

func TestSetKeepsStateUnlessTheEndpointChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(down)
		p := w.start(t, Options{})
		c := check("c", 10, 3)
		p.Set(c, true)
		time.Sleep(25 * time.Second) // two failures or three
		_, reports := w.took()
		before := len(reports)
		c.Config.Inverted, c.Version = new(true), 2
		p.Set(c, true)
		if got := len(p.Observations("c")); got != 1 {
			t.Errorf("%d observations after a change that is not the endpoint's", got)
		}
		time.Sleep(20 * time.Second)
		_, reports = w.took()
		if got := states(reports); before+len(reports) < 4 || !strings.HasSuffix(got, "U") || strings.HasPrefix(got, "H*") {
			t.Errorf("%d failures before, then %s: the count must go on", before, got)
		}

		// Another path: the machine starts again, unhealthy as it is, and the old endpoint's reports are gone.
		w.set(up)
		c.Config.ResourcePath = "/new"
		p.Set(c, true)
		if got := p.Observations("c"); len(got) != 0 {
			t.Errorf("reports of another endpoint: %+v", got)
		}
		time.Sleep(35 * time.Second)
		_, reports = w.took()
		if got := states(reports); !strings.HasPrefix(got, "U*UH*") {
			t.Errorf("three successes turn the machine, the first report is new: %s", got)
		}

		// A smaller threshold counts from the next result on.
		w.set(down)
		c.Config.FailureThreshold = new(1)
		p.Set(c, false)
		time.Sleep(11 * time.Second)
		_, reports = w.took()
		if got := states(reports); !strings.HasPrefix(got, "U*") {
			t.Errorf("one failure turns the machine now: %s", got)
		}
	})
}

func TestMachinesStartInTheStateGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(up)
		p := w.start(t, Options{})
		p.Set(check("sick", 10, 3), false)
		p.Set(check("well", 10, 3), true)
		time.Sleep(10*time.Second + time.Millisecond)
		for id, want := range map[string]bool{"sick": false, "well": true} {
			if got := p.Observations(id); len(got) != 1 || got[0].Healthy != want {
				t.Errorf("%s after one success: %+v", id, got)
			}
		}
		if err := p.Run(t.Context()); err == nil {
			t.Error("a second Run was accepted")
		}
	})
}

func TestChecksSetBeforeRunDoNotBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(up)
		p := w.prober(t, Options{})
		for i := range 100 {
			p.Set(check(fmt.Sprint(i), 10, 3), true)
		}
		time.Sleep(time.Hour)
		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		time.Sleep(9 * time.Second)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		dials, _ := w.took()
		perSecond := map[time.Duration]int{}
		for _, at := range dials {
			perSecond[at.Sub(began)/time.Second]++
		}
		for s, n := range perSecond {
			if n > 40 {
				t.Errorf("%d of 100 first probes in second %d; want about 10", n, s)
			}
		}
		if len(dials) < 60 {
			t.Errorf("%d first probes in 9 of 10 seconds", len(dials))
		}
	})
}

func TestWhatIsNotProbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(up)
		p := w.start(t, Options{})
		c := check("c", 10, 3)
		p.Set(c, true)
		p.Set(health.Check{ID: "calc", Config: health.Config{Type: health.Calculated, HealthThreshold: new(0)}}, true)
		time.Sleep(time.Minute)
		_, reports := w.took()
		for _, r := range reports {
			if r.Check != "c" {
				t.Errorf("a CALCULATED check was probed: %+v", r)
			}
		}
		disabled := c
		disabled.Config.Disabled = new(true)
		p.Set(disabled, true) // r53: B.6 Disabled stops probing
		time.Sleep(time.Minute)
		dials, _ := w.took()
		if len(dials) > 0 || len(p.Observations("c")) > 0 {
			t.Errorf("a disabled check was probed at %v, observations %v", dials, p.Observations("c"))
		}
		p.Set(c, false)
		time.Sleep(time.Minute)
		_, reports = w.took()
		if got := states(reports); !strings.HasPrefix(got, "U*UH*") {
			t.Errorf("enabled again, in the state given: %s", got)
		}
		p.Remove("c")
		p.Remove("c")
		time.Sleep(time.Minute)
		dials, _ = w.took()
		if len(dials) > 0 || p.Observations("c") != nil {
			t.Errorf("a removed check was probed at %v", dials)
		}
	})
}

func TestRegionsChooseTheCheckers(t *testing.T) {
	checkers := []Checker{{Name: "n/eu", Region: "eu-west-1"}, {Name: "n/us", Region: "us-east-1"}, {Name: "n/local", Region: "local"}}
	for _, test := range []struct {
		regions []string
		want    []string
	}{
		{nil, []string{"n/eu", "n/us", "n/local"}},
		{[]string{"us-east-1", "us-west-1", "eu-west-1"}, []string{"n/eu", "n/us"}},
		{[]string{"us-east-1", "us-west-1", "sa-east-1"}, []string{"n/us"}},
		{[]string{"us-west-1", "us-west-2", "sa-east-1"}, []string{"n/eu", "n/us", "n/local"}}, // nobody there: all rather than none
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(up)
			p := w.start(t, Options{Checkers: checkers})
			c := check("c", 10, 3)
			p.Set(c, true)
			c.Config.Regions = test.regions // r53: B.2 Regions can be edited
			p.Set(c, true)
			time.Sleep(11 * time.Second)
			var got []string
			for _, r := range p.Observations("c") {
				got = append(got, r.Checker)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Regions %v: checkers (-want +got):\n%s", test.regions, diff)
			}
		})
	}
}

// leftOf says what a prober still holds; "" when nothing.
func leftOf(p *Prober) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.checks) == 0 && len(p.queue) == 0 && p.inFlight == 0 {
		return ""
	}
	return fmt.Sprintf("%d checks, %d tasks, %d in flight", len(p.checks), len(p.queue), p.inFlight)
}

func TestResultOfARemovedCheckIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(silent)
		p := w.start(t, Options{})
		p.Set(check("c", 1, 1), true)
		time.Sleep(1500 * time.Millisecond) // within the 4 s of the connection
		p.Remove("c")
		p.Set(check("c", 1, 1), true) // again, with the old probe still in flight
		p.Remove("c")
		time.Sleep(time.Minute)
		dials, reports := w.took()
		if left := leftOf(p); len(dials) != 1 || len(reports) != 0 || left != "" {
			t.Errorf("%d probes, %d reports, left behind: %s; want one probe and nothing of it", len(dials), len(reports), left)
		}
	})
}

func TestAnotherEndpointDoesNotWaitForTheOldOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(silent)
		p := w.start(t, Options{})
		c := check("c", 1, 1)
		p.Set(c, true)
		time.Sleep(1500 * time.Millisecond)
		w.set(up)
		c.Config.IPAddress = "192.0.2.2"
		p.Set(c, true)
		time.Sleep(1100 * time.Millisecond)
		if _, reports := w.took(); !strings.HasPrefix(states(reports), "H*") {
			t.Errorf("want the new endpoint's reports and none of the old: %s", states(reports))
		}
	})
}

func TestProbesInFlightAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(silent)
		p := w.start(t, Options{MaxInFlight: 5})
		for i := range 50 {
			p.Set(check(fmt.Sprint(i), 1, 3), true)
		}
		time.Sleep(50 * time.Second) // 50 probes of 4 s, 5 at once
		w.mu.Lock()
		most := w.most
		w.mu.Unlock()
		if most != 5 {
			t.Errorf("%d probes at once, 5 are allowed", most)
		}
		for i := range 50 {
			if len(p.Observations(fmt.Sprint(i))) != 1 {
				t.Errorf("check %d has had no turn", i)
			}
		}
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(up)
		p := w.prober(t, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		p.Set(check("c", 1, 1), true)
		time.Sleep(5 * time.Second)
		w.set(silent)
		time.Sleep(2 * time.Second)
		w.took()
		began := time.Now()
		cancel()
		if err := <-done; err != nil || time.Since(began) > 0 {
			t.Errorf("Run ended after %v with %v", time.Since(began), err)
		}
		if _, reports := w.took(); len(reports) > 0 {
			t.Errorf("a probe cut off by the end was reported: %+v", reports)
		}
	})
}

func TestDeadlineOfRunIsNoTimeOutOfAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(func(ctx context.Context) (net.Conn, error) {
			at, _ := ctx.Deadline()
			if budget := time.Until(at); budget != health.ConnectTimeout {
				t.Errorf("a connection has %v; want %v", budget, health.ConnectTimeout)
			}
			return silent(ctx)
		})
		p := w.prober(t, Options{})
		p.Set(check("c", 1, 1), true)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
		if dials, reports := w.took(); len(dials) != 1 || len(reports) != 0 {
			t.Errorf("%d probes and %d reports; want one probe without", len(dials), len(reports))
		}
	})
}

func TestWantOfDescriptorsIsNotAFailureOfTheEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := newWorld(up)
		p := w.start(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		p.Set(check("c", 1, 1), true)
		time.Sleep(3 * time.Second)
		w.set(func(context.Context) (net.Conn, error) { return nil, &net.OpError{Op: "dial", Err: syscall.EMFILE} })
		w.took()
		time.Sleep(time.Minute)
		dials, reports := w.took()
		if len(dials) < 60 || len(reports) > 0 || !p.Observations("c")[0].Healthy {
			t.Errorf("%d attempts, reports %+v", len(dials), reports)
		}
		if n := strings.Count(log.String(), "probes could not be made"); n < 5 || n > 7 {
			t.Errorf("%d warnings in a minute; want one in 10 s:\n%s", n, log.String())
		}
	})
}

func TestFiftyThousandChecksAreSpreadAndIdleWithoutGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const checks, interval, first = 50_000, 30, 28 // s; from 28.5 on second probes come
		w := newWorld(down)
		p := newProber(t, Options{})
		p.dial = w.dial
		for i := range checks {
			p.Set(check(fmt.Sprint(i), interval, 3), true)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		before := runtime.NumGoroutine()
		go func() { done <- p.Run(ctx) }()
		began := time.Now()
		time.Sleep(first * time.Second)
		synctest.Wait()
		if n := runtime.NumGoroutine() - before; n > 3 {
			t.Errorf("%d goroutines while idle", n)
		}
		cancel()
		<-done
		var perSecond [first + 1]int
		dials, _ := w.took()
		for _, at := range dials {
			perSecond[at.Sub(began)/time.Second]++
		}
		for s, n := range perSecond[:first] {
			if mean := checks / interval; n < mean*8/10 || n > mean*12/10 {
				t.Errorf("%d probes in second %d; want about %d", n, s, mean)
			}
		}
	})
}

// Whatever is set and removed while probes fail, hang and succeed: the checks that are left are probed, the others are
// not, no report comes twice at once (the world watches), and nothing is left behind.
func TestRandomLives(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			behaviours := []func(context.Context) (net.Conn, error){up, down, silent, upAfter(time.Second), upAfter(3 * time.Second)}
			w := newWorld(up)
			w.delivery = 5 * time.Millisecond
			p := w.start(t, Options{FastConfirmation: true, MaxInFlight: 4, Checkers: []Checker{{Name: "a"}, {Name: "b"}}})
			alive := map[string]bool{}
			for range 300 {
				c := check(fmt.Sprint(r.IntN(5)), 1, 1+r.IntN(3))
				c.Config.ResourcePath = fmt.Sprint(r.IntN(3))
				c.Config.Disabled = new(r.IntN(4) == 0)
				switch r.IntN(4) {
				case 0:
					p.Remove(c.ID)
					alive[c.ID] = false
				case 1:
					w.set(behaviours[r.IntN(len(behaviours))])
				default:
					p.Set(c, r.IntN(2) == 0)
					alive[c.ID] = !*c.Config.Disabled
				}
				time.Sleep(time.Duration(r.IntN(1200)) * time.Millisecond)
			}
			w.set(up)
			time.Sleep(20 * time.Second) // what hung has ended
			w.took()
			time.Sleep(5 * time.Second)
			_, reports := w.took()
			got := map[string]bool{}
			for _, s := range reports {
				got[s.Check+s.Checker] = true
				if !alive[s.Check] {
					t.Errorf("seed %d: check %s is reported and not probed", seed, s.Check)
				}
			}
			for id := range alive {
				if alive[id] && !(got[id+"a"] && got[id+"b"]) {
					t.Errorf("seed %d: check %s is not probed by all", seed, id)
				}
				p.Remove(id)
			}
			time.Sleep(10 * time.Second)
			if left := leftOf(p); left != "" {
				t.Errorf("seed %d: left behind: %s", seed, left)
			}
		})
	}
}

func TestNewRefusesOptionsThatCannotWork(t *testing.T) {
	for _, test := range []struct {
		o    Options
		want string
	}{
		{Options{}, "a prober needs at least one checker"},
		{Options{Checkers: []Checker{{Name: "a"}, {Name: "a"}}}, `checker name "a": every checker needs a name of its own`},
		{Options{Checkers: []Checker{{Region: "local"}}}, `checker name "": every checker needs a name of its own`},
		{Options{Checkers: []Checker{{Name: "a", Bind: true}}}, "checker a is to bind to its address and has none"},
		{Options{Checkers: []Checker{{Name: "a"}}, MaxInFlight: -1}, "at most -1 probes in flight: want 0 for the default or a positive number"},
	} {
		_, err := New(test.o)
		if err == nil || err.Error() != test.want {
			t.Errorf("%+v\nwant %s\ngot  %v", test.o, test.want, err)
		}
	}
}
