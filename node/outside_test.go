package node_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/miekg/dns"

	"github.com/bulkhead-dns/bulkhead/node"
)

// A recursor is the resolver of the world outside: one load balancer's address, while it is up.
type recursor struct {
	address string
	v4      atomic.Pointer[string] // nil: SERVFAIL
	asked   atomic.Int64
}

func startRecursor(t *testing.T) *recursor {
	t.Helper()
	r := &recursor{}
	var started sync.WaitGroup
	started.Add(1)
	server := &dns.Server{Addr: "127.0.0.1:0", Net: "udp", NotifyStartedFunc: started.Done, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		r.asked.Add(1)
		m := new(dns.Msg).SetReply(q)
		switch v4 := r.v4.Load(); {
		case v4 == nil:
			m.Rcode = dns.RcodeServerFailure
		case q.Question[0].Qtype == dns.TypeA:
			rr, err := dns.NewRR(q.Question[0].Name + " 1 IN A " + *v4)
			if err != nil {
				m.Rcode = dns.RcodeServerFailure
				break
			}
			m.Answer = append(m.Answer, rr)
		default:
			m.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(m)
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	started.Wait()
	r.address = server.PacketConn.LocalAddr().String()
	t.Cleanup(func() {
		if err := server.Shutdown(); err != nil {
			t.Error(err)
		}
		<-ended
	})
	return r
}

// A real load balancer's name is resolved in the background. Its addresses are answered, followed when they change, and
// kept when the resolver fails, also over a restart.
func TestAliasToALoadBalancerOutside(t *testing.T) {
	t.Parallel()
	r := startRecursor(t)
	r.v4.Store(aws.String("192.0.2.10"))
	dir := t.TempDir()
	e := start(t, node.Options{DataDir: dir, Resolvers: []string{r.address}})
	zoneID := e.createZone(t)
	e.change(t, zoneID, types.ResourceRecordSet{
		Name: aws.String("app.example.com"), Type: types.RRTypeA,
		AliasTarget: &types.AliasTarget{HostedZoneId: aws.String("Z32O12XQLNTSW2"), DNSName: aws.String("dualstack.shop-1234567890.eu-west-1.elb.amazonaws.com")},
	})
	eventually(t, "the load balancer's address is answered", func() bool { return e.ask(t, "app.example.com.", dns.TypeA) == "192.0.2.10" })
	r.v4.Store(aws.String("192.0.2.20"))
	eventually(t, "its new address is answered", func() bool { return e.ask(t, "app.example.com.", dns.TypeA) == "192.0.2.20" })

	r.v4.Store(nil)
	before := r.asked.Load()
	eventually(t, "the resolver was asked again and failed", func() bool { return r.asked.Load() > before })
	if got := e.ask(t, "app.example.com.", dns.TypeA); got != "192.0.2.20" {
		t.Errorf("with the resolver failing the answer is %q, want the last known address", got)
	}
	if err := e.stop(); err != nil {
		t.Fatal(err)
	}
	e = start(t, node.Options{DataDir: dir, Resolvers: []string{r.address}})
	if got := e.ask(t, "app.example.com.", dns.TypeA); got != "192.0.2.20" {
		t.Errorf("after a restart without a resolver the answer is %q, want the last known address", got)
	}
}

// While a target has no address yet, its member counts as unhealthy: the others answer.
func TestAnAliasThatCannotBeResolvedIsPassedOver(t *testing.T) {
	t.Parallel()
	r := startRecursor(t)
	e := start(t, node.Options{DataDir: t.TempDir(), Resolvers: []string{r.address}})
	zoneID := e.createZone(t)
	e.change(t, zoneID,
		types.ResourceRecordSet{
			Name: aws.String("app.example.com"), Type: types.RRTypeA, SetIdentifier: aws.String("a"), Weight: aws.Int64(255),
			AliasTarget: &types.AliasTarget{HostedZoneId: aws.String("Z32O12XQLNTSW2"), DNSName: aws.String("gone-1.eu-west-1.elb.amazonaws.com")},
		},
		types.ResourceRecordSet{
			Name: aws.String("app.example.com"), Type: types.RRTypeA, SetIdentifier: aws.String("b"), Weight: aws.Int64(1),
			TTL: aws.Int64(60), ResourceRecords: []types.ResourceRecord{{Value: aws.String("192.0.2.1")}},
		})
	for range 50 {
		if got := e.ask(t, "app.example.com.", dns.TypeA); got != "192.0.2.1" {
			t.Fatalf("the answer is %q, want the member that has an address", got)
		}
	}
}

// Aliases to services beside load balancers are resolved and answered as theirs. Evaluate target health counts them as
// healthy while they have an address, and CloudFront does not take it.
func TestAliasesToOtherServices(t *testing.T) {
	t.Parallel()
	r := startRecursor(t)
	r.v4.Store(aws.String("192.0.2.10"))
	e := start(t, node.Options{DataDir: t.TempDir(), Resolvers: []string{r.address}})
	zoneID := e.createZone(t)
	targets := []struct{ name, zoneID, target string }{
		{"cloudfront", "Z2FDTNDATAQYW2", "d111111abcdef8.cloudfront.net"},
		{"accelerator", "Z2BJ6XQ5FK7U4H", "a1234567890abcdef.awsglobalaccelerator.com"},
		{"website", "Z1BKCTXD74EZPE", "s3-website-eu-west-1.amazonaws.com"},
		{"api", "ZLY8HYME6SFDD", "d-7wg2eazpki.execute-api.eu-west-1.amazonaws.com"},
		{"endpoint", "Z38GZ743OKFT7T", "vpce-029a64cb-focgfw6a.vpce-svc-02a3.eu-west-1.vpce.amazonaws.com"},
		{"beanstalk", "Z2NYPWQ7DFZAZH", "shop.eu-west-1.elasticbeanstalk.com"},
	}
	for _, x := range targets {
		e.change(t, zoneID, types.ResourceRecordSet{Name: aws.String(x.name + ".example.com"), Type: types.RRTypeA,
			AliasTarget: &types.AliasTarget{HostedZoneId: &x.zoneID, DNSName: &x.target, EvaluateTargetHealth: x.name != "cloudfront"}})
	}
	for _, x := range targets {
		eventually(t, "the address of "+x.target+" is answered", func() bool { return e.ask(t, x.name+".example.com.", dns.TypeA) == "192.0.2.10" })
	}
	refused := func(x types.AliasTarget, want string) {
		t.Helper()
		_, err := e.api.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{HostedZoneId: &zoneID,
			ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionUpsert, ResourceRecordSet: &types.ResourceRecordSet{
				Name: aws.String("refused.example.com"), Type: types.RRTypeA, AliasTarget: &x}}}}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("alias to %s: %v, want it refused: %s", *x.DNSName, err, want)
		}
	}
	refused(types.AliasTarget{HostedZoneId: aws.String("Z2FDTNDATAQYW2"), DNSName: aws.String("d111111abcdef8.cloudfront.net"), EvaluateTargetHealth: true},
		"EvaluateTargetHealth cannot be true for targets of CloudFront")
	refused(types.AliasTarget{HostedZoneId: aws.String("Z1BKCTXD74EZPE"), DNSName: aws.String("s3-website-us-east-1.amazonaws.com")},
		"the alias target name does not lie within the target zone")
	refused(types.AliasTarget{HostedZoneId: aws.String("Z2FDTNDATAQYW3"), DNSName: aws.String("d111111abcdef8.cloudfront.net")},
		"that target was not found")
}
