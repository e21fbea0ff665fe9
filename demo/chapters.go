package demo

import (
	"context"
	"time"
)

// granular is chapter one: a health check and a record per application and Region. app1's pods go away in one Region.
func (s *story) granular(ctx context.Context) (Chapter, error) {
	s.d.heading("1. A health check per application and Region: app1 is scaled to 0 in " + faulty)
	check := s.healthCheck("app1", faulty)
	s.begin(Chapter{
		Name:    "granular",
		Records: "latency alias records, each with a health check of its own; EvaluateTargetHealth off",
		Fault:   "app1 scaled to 0 in " + faulty,
	}, check)
	s.log(KindFault, "app1 scaled to 0 in %s, where the ALB now answers 503", faulty)
	if _, err := s.admin.Scale(ctx, "app1", faulty, 0); err != nil {
		return Chapter{}, err
	}
	if err := s.verdict(ctx, check, false); err != nil {
		return Chapter{}, err
	}
	if err := s.moved(ctx, "app1"); err != nil {
		return Chapter{}, err
	}
	if err := s.pause(ctx); err != nil {
		return Chapter{}, err
	}
	s.stayed("app2")

	s.mend("app1 scaled to 2 in %s", faulty)
	if _, err := s.admin.Scale(ctx, "app1", faulty, 2); err != nil {
		return Chapter{}, err
	}
	if err := s.verdict(ctx, check, true); err != nil {
		return Chapter{}, err
	}
	return s.end(ctx)
}

// allOrNothing is chapter two: no checks, EvaluateTargetHealth on. app1's pods stay registered and answer 500, the case
// in which AWS's texts leave no doubt that the whole load balancer is unhealthy (r53: A.9 rules 2 and 3).
func (s *story) allOrNothing(ctx context.Context) (Chapter, error) {
	s.d.heading("2. The old way: EvaluateTargetHealth, no checks. app1's pods fail in " + faulty)
	if err := s.zone.UseTargetHealth(ctx, s.api); err != nil {
		return Chapter{}, err
	}
	s.log(KindAPI, "ChangeResourceRecordSets  %d aliases, EvaluateTargetHealth on", len(s.zone.Records))
	if err := s.everyoneHome(ctx, "everyone is still served by the Region they are near"); err != nil {
		return Chapter{}, err
	}
	s.begin(Chapter{
		Name:    "all-or-nothing",
		Records: "latency alias records without health checks; EvaluateTargetHealth on",
		Fault:   "app1's pods answer 500 in " + faulty,
	}, "")
	s.log(KindFault, "app1's pods answer 500 in %s and stay registered", faulty)
	if _, err := s.admin.Fail(ctx, "app1", faulty); err != nil {
		return Chapter{}, err
	}
	if err := s.loadBalancer(ctx, false); err != nil {
		return Chapter{}, err
	}
	for _, application := range []string{"app1", "app2"} {
		if err := s.moved(ctx, application); err != nil {
			return Chapter{}, err
		}
	}
	s.log(KindNote, "app2 was well all the time and lost the Region with app1")
	if err := s.pause(ctx); err != nil {
		return Chapter{}, err
	}

	s.mend("app1's pods answer again in %s", faulty)
	if _, err := s.admin.Heal(ctx, "app1", faulty); err != nil {
		return Chapter{}, err
	}
	if err := s.loadBalancer(ctx, true); err != nil {
		return Chapter{}, err
	}
	return s.end(ctx)
}

// begin starts a chapter with its fault, now.
func (s *story) begin(c Chapter, check string) {
	now := time.Now()
	c.CausedAt = now
	s.mu.Lock()
	s.chapter = &chapter{Chapter: c, check: check, against: map[string]int{}}
	s.mu.Unlock()
	for _, w := range s.watchers {
		w.begin(now)
	}
}

// mend notes when the fault ends.
func (s *story) mend(format string, args ...any) {
	after := s.seconds()
	s.mu.Lock()
	s.chapter.HealedAfter = after
	s.mu.Unlock()
	s.log(KindMend, format, args...)
}

// end waits until everyone is home and closes the chapter.
func (s *story) end(ctx context.Context) (Chapter, error) {
	if err := s.everyoneHome(ctx, "everyone is served by the Region they are near again"); err != nil {
		return Chapter{}, err
	}
	s.log(KindDNS, "everyone is served by the Region they are near again")
	if err := s.pause(ctx); err != nil {
		return Chapter{}, err
	}
	s.mu.Lock()
	c := s.chapter.Chapter
	s.chapter = nil
	s.mu.Unlock()
	for _, w := range s.watchers {
		c.Users = append(c.Users, w.report())
	}
	return c, nil
}

// verdict waits until the checkers together have decided.
func (s *story) verdict(ctx context.Context, check string, healthy bool) error {
	what := "app1's health check in " + faulty + " turns unhealthy"
	if healthy {
		what = "app1's health check in " + faulty + " turns healthy"
	}
	err := s.until(ctx, s.healthTimeout(), what, func() (bool, error) {
		v, known := s.lab.Node().Verdict(check)
		return known && v.Healthy == healthy, nil
	})
	if err != nil {
		return err
	}
	v, _ := s.lab.Node().Verdict(check)
	word := map[bool]string{true: "healthy", false: "unhealthy"}[healthy]
	s.log(KindVerdict, "app1 in %s %s: %d of %d checkers say healthy", faulty, word, v.For, v.Checkers)
	return nil
}

// loadBalancer waits until Route 53 sees the shared load balancer so.
func (s *story) loadBalancer(ctx context.Context, healthy bool) error {
	what := "the load balancer of " + faulty + " is judged by its target groups"
	reason := ""
	err := s.until(ctx, s.healthTimeout()+time.Minute, what, func() (bool, error) {
		status, err := s.admin.Status(ctx)
		if err != nil {
			return false, err
		}
		for _, r := range status.Regions {
			if r.Region == faulty && r.LoadBalancer.Healthy == healthy {
				reason = r.LoadBalancer.Reason
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	word := map[bool]string{true: "healthy", false: "unhealthy"}[healthy]
	s.log(KindTarget, "ALB %s: %s", word, reason)
	return nil
}

// moved waits until DNS answers an application's users near the faulty Region with the other one and says when it first
// did.
func (s *story) moved(ctx context.Context, application string) error {
	w := s.watcher(application, faulty)
	err := s.until(ctx, s.healthTimeout(), application+"'s users near "+faulty+" are answered with "+other,
		func() (bool, error) {
			return w.isAway(), nil
		})
	if err != nil {
		return err
	}
	r := w.report()
	s.log(KindDNS, "%s moved to %s at %.2f s, %d requests failed", application, r.MovedTo, *r.MovedAfter, r.Failed)
	return nil
}

// stayed says that an application's users were answered as before all along.
func (s *story) stayed(application string) {
	r := s.watcher(application, faulty).report()
	if r.MovedAfter == nil {
		s.log(KindDNS, "%s stayed: the same answer %d times, %d requests failed", application, r.Requests, r.Failed)
	}
}
