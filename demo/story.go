package demo

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/lab"
)

// story is one run of the demo.
type story struct {
	o       Options
	d       *Display
	started time.Time
	lab     *lab.Lab
	admin   *lab.Client
	api     *route53.Client
	engine  Engine
	zone    lab.ZoneRecords
	applied Applied

	watchers []*watcher

	mu      sync.Mutex // guards what onReport reads and writes
	chapter *chapter
}

// chapter collects what happens in one chapter.
type chapter struct {
	Chapter
	// check is the health check that will fail, and against counts its checkers' failures in a row.
	check   string
	against map[string]int
}

// seconds since the fault of the chapter, or since the start of the demo before there is one.
func (s *story) seconds() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.chapter != nil {
		return time.Since(s.chapter.CausedAt).Seconds()
	}
	return time.Since(s.started).Seconds()
}

// log shows an event and keeps it for the result.
func (s *story) log(k Kind, format string, args ...any) {
	e := Event{Seconds: s.seconds(), Kind: k, Text: fmt.Sprintf(format, args...)}
	s.mu.Lock()
	if s.chapter != nil {
		s.chapter.Events = append(s.chapter.Events, e)
	}
	s.mu.Unlock()
	s.d.event(e)
}

// onReport follows the probes of the check that fails: every failure until its checker turns, and every turn.
func (s *story) onReport(r health.Report, changed bool) {
	s.mu.Lock()
	c := s.chapter
	if c == nil || r.Check != c.check {
		s.mu.Unlock()
		return
	}
	failed := r.Failure != "" && r.FailureTime.Equal(r.CheckedTime)
	if failed {
		c.against[r.Checker]++
	} else {
		c.against[r.Checker] = 0
	}
	against := c.against[r.Checker]
	s.mu.Unlock()

	switch {
	case failed && against <= s.o.Threshold:
		turned := ""
		if changed {
			turned = ", down"
		}
		s.log(KindProbe, "%s  %s (%d of %d%s)", pad(r.Region, 14), brief(r.Status), against, s.o.Threshold, turned)
	case changed && r.Healthy:
		s.log(KindProbe, "%s  %s (up again)", pad(r.Region, 14), brief(r.Status))
	}
}

// brief cuts what every line would repeat from a checker's text: "503, Service Unavailable".
func brief(status string) string {
	_, status, _ = strings.Cut(status, ": ") // Success or Failure
	if rest, named := strings.CutPrefix(status, "Resolved IP: "); named {
		_, status, _ = strings.Cut(rest, ". ")
	}
	return strings.TrimPrefix(status, "HTTP Status Code ")
}

// pollEvery is how often a condition is looked at again.
const pollEvery = 20 * time.Millisecond

// until waits for a condition; what says in the error what did not happen.
func (s *story) until(ctx context.Context, limit time.Duration, what string, holds func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%s: not within %v", what, limit.Round(time.Second)))
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if ok, err := holds(); err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// healthTimeout is how long a change of health may take, if every probe runs into its timeout before the next begins.
func (s *story) healthTimeout() time.Duration {
	return time.Duration(s.o.Threshold+1)*(time.Duration(s.o.Interval)*time.Second+health.HTTP.SlowestFailure()) +
		10*time.Second
}

// pause waits while users go on visiting, so that users who stay are seen to stay.
func (s *story) pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(max(2, min(s.o.Interval, 5))) * time.Second):
		return nil
	}
}

// settle waits for the engine and introduces the surroundings.
func (s *story) settle(ctx context.Context) error {
	select {
	case <-s.lab.Ready():
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Minute):
		return fmt.Errorf("the lab is not ready after a minute")
	}
	s.api = s.lab.Route53()
	s.admin = &lab.Client{BaseURL: "http://" + s.lab.Node().HTTPAddr().String(), Credentials: s.lab.Node().Credentials()}
	status, err := s.admin.Status(ctx)
	if err != nil {
		return err
	}
	s.engine = Engine{API: "http://" + status.API, DNS: status.DNS}
	s.log(KindLab, "DNS           %s", s.engine.DNS)
	s.log(KindLab, "Route 53 API  %s", s.engine.API)
	for _, r := range status.Regions {
		lb := r.LoadBalancer
		s.engine.Regions = append(s.engine.Regions, Region{Name: r.Region, LoadBalancer: lb.DNSName,
			HostedZoneID: lb.HostedZoneID, Address: fmt.Sprintf("%s:%d", lb.Address, lb.Port)})
		s.log(KindLab, "%s  one ALB on %s:%d for %s and %s", pad(r.Region, 12), lb.Address, lb.Port, r.Applications[0].Name,
			r.Applications[1].Name)
		for _, a := range r.Applications {
			home, err := netip.ParseAddr(lb.Address)
			if err != nil {
				return err
			}
			for _, p := range places {
				if p.near == r.Region {
					s.watchers = append(s.watchers, &watcher{home: home, user: &User{
						Application: a.Name, Hostname: a.Hostname, Place: p.near, Subnet: p.subnet.String(),
						subnet: p.subnet, dns: s.engine.DNS, port: uint16(lb.Port), client: newClient(),
					}})
				}
			}
		}
	}
	return nil
}

// healthCheck is the id of an application's check in a Region.
func (s *story) healthCheck(application, region string) string {
	for _, r := range s.zone.Records {
		if r.Application == application && r.Region == region {
			return r.HealthCheckID
		}
	}
	panic("no health check of " + application + " in " + region) // the policies make one for each
}

// checkers of the lab, by which GetHealthCheckStatus is judged complete.
const checkers = 3

// allHealthy asks GetHealthCheckStatus of every check whether all checkers have reported success.
func (s *story) allHealthy(ctx context.Context) (bool, error) {
	for _, r := range s.zone.Records {
		out, err := s.api.GetHealthCheckStatus(ctx, &route53.GetHealthCheckStatusInput{HealthCheckId: &r.HealthCheckID})
		if err != nil {
			return false, err
		}
		if len(out.HealthCheckObservations) < checkers {
			return false, nil
		}
		for _, o := range out.HealthCheckObservations {
			if o.StatusReport == nil || !succeeded(aws.ToString(o.StatusReport.Status)) {
				return false, nil
			}
		}
	}
	return true, nil
}

// succeeded follows Route 53's texts, the only place where a checker's result is said. r53: B.7.
func succeeded(status string) bool { return strings.HasPrefix(status, "Success") }

// watch starts the users and the live block; the channel is closed when all have stopped.
func (s *story) watch(ctx context.Context) <-chan struct{} {
	var running sync.WaitGroup
	for _, w := range s.watchers {
		w.begin(time.Now())
		running.Go(func() { w.run(ctx) })
	}
	if s.d.Live {
		running.Go(func() {
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					s.d.setBlock(s.d.users(s.watchers))
				}
			}
		})
	}
	stopped := make(chan struct{})
	go func() {
		running.Wait()
		close(stopped)
	}()
	return stopped
}

// watcher finds the user of an application near a Region.
func (s *story) watcher(application, place string) *watcher {
	for _, w := range s.watchers {
		if w.user.Application == application && w.user.Place == place {
			return w
		}
	}
	panic("no user of " + application + " near " + place) // the lab has both applications in both Regions
}

// everyoneHome waits until every user is served by the Region they are near.
func (s *story) everyoneHome(ctx context.Context, what string) error {
	return s.until(ctx, s.healthTimeout(), what, func() (bool, error) {
		for _, w := range s.watchers {
			if !w.isHome() {
				return false, nil
			}
		}
		return true, nil
	})
}

// greet shows every user's answer and page while all is well.
func (s *story) greet(ctx context.Context) error {
	if err := s.everyoneHome(ctx, "everyone is served by the Region they are near"); err != nil {
		return err
	}
	for _, w := range s.watchers {
		v := w.seen()
		s.log(KindDNS, "%s near %s → %s, page from %s", w.user.Application, pad(w.user.Place, 12), v.Address, v.Region)
	}
	return s.pause(ctx)
}

// invite says what can be tried while everything stays up.
func (s *story) invite(dataDir string) {
	c := s.lab.Node().Credentials()
	s.d.heading("Everything stays up until you press Ctrl-C")
	s.d.above(
		"  export AWS_ACCESS_KEY_ID="+c.AccessKeyID,
		"  export AWS_SECRET_ACCESS_KEY="+c.SecretAccessKey,
		"  export AWS_DEFAULT_REGION=us-east-1",
		"  aws route53 list-hosted-zones --endpoint-url "+s.engine.API,
		fmt.Sprintf("  dig @%s app1.example.com +subnet=10.1.0.0/16 +short", digServer(s.engine.DNS)),
		fmt.Sprintf("  bulkhead lab scale app1 --region %s --replicas 0 --data-dir %s --endpoint-url %s", faulty, dataDir,
			s.engine.API),
	)
}

// digServer turns host:port into dig's arguments.
func digServer(addr string) string {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return addr
	}
	return fmt.Sprintf("%s -p %d", ap.Addr(), ap.Port())
}
