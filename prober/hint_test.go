package prober

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAHintIsProbedAtOnceAndConfirmedFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(up)
		p := w.start(t, Options{FastConfirmation: true})
		p.Set(check("c", 30, 3), true)
		time.Sleep(60 * time.Second)
		for range 100 { // until a probe has just ended, so that the next one is far
			if dials, _ := w.took(); len(dials) > 0 {
				break
			}
			time.Sleep(time.Second)
		}
		w.took()

		for _, step := range []struct {
			behave func()
			want   string
		}{
			{func() { w.set(down) }, "HHU*"},
			{func() { w.set(up) }, "UUH*"}, // a recovery counts as much, and is confirmed as fast
		} {
			step.behave()
			hinted := time.Now()
			p.ProbeNow("c")
			time.Sleep(12*time.Second + slack)
			dials, reports := w.took()
			if got := states(reports); got != step.want {
				t.Errorf("after the hint: %s, want %s: the threshold is met, and nothing else decides", got, step.want)
			}
			if dials[0] != hinted {
				t.Errorf("the probe came %v after the hint", dials[0].Sub(hinted))
			}
			for i := range dials[1:] {
				if gap := dials[i+1].Sub(dials[i]); !paused(gap, 6*time.Second) {
					t.Errorf("gap %v, want a fifth of the interval", gap)
				}
			}
			time.Sleep(60 * time.Second)
			dials, _ = w.took()
			last := dials[len(dials)-1].Sub(dials[len(dials)-2])
			if !paused(last, 30*time.Second) {
				t.Errorf("gap %v an interval after the hint, want the check's own pace", last)
			}
		}
	})
}

// What the hint is about may reach the endpoint a moment after the probe.
func TestAHintThatComesEarlyIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(up)
		p := w.start(t, Options{FastConfirmation: true})
		synctest.Wait() // it runs
		p.Set(check("c", 30, 3), true)
		p.ProbeNow("c")
		time.Sleep(time.Second)
		w.set(down)
		time.Sleep(18 * time.Second)
		if _, reports := w.took(); states(reports) != "H*HHU*" {
			t.Errorf("states %s, want one success and three failures within an interval", states(reports))
		}
	})
}

func TestHintsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(up)
		p := w.start(t, Options{Checkers: []Checker{{Name: "a", Region: "a"}, {Name: "b", Region: "b"}}})
		synctest.Wait() // it runs
		p.Set(check("c", 30, 3), true)
		p.ProbeNow("none")
		for range 100 {
			p.ProbeNow("c")
			time.Sleep(100 * time.Millisecond)
		}
		dials, _ := w.took()
		if len(dials) != 20 {
			t.Errorf("%d probes in 10 s of hints, want one a second and checker", len(dials))
		}
		p.Remove("c")
		p.ProbeNow("c")
		time.Sleep(time.Minute)
		if dials, _ := w.took(); len(dials) > 0 {
			t.Errorf("%d probes of a check that was removed", len(dials))
		}
	})
}

// A probe in flight may have seen the endpoint as it was: the hinted one follows it.
func TestAHintDuringAProbeIsProbedAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(upAfter(1500 * time.Millisecond))
		p := w.start(t, Options{})
		synctest.Wait() // it runs
		p.Set(check("c", 30, 3), true)
		p.ProbeNow("c")
		time.Sleep(1100 * time.Millisecond)
		p.ProbeNow("c")
		time.Sleep(25 * time.Second)
		dials, reports := w.took()
		if len(dials) != 2 || dials[1] != reports[0].at || !strings.HasPrefix(states(reports), "H*H") {
			t.Errorf("probes at %v, reports %s: want a second one at the end of the first", dials, states(reports))
		}
	})
}
