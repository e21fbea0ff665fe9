package resolver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// A stubResolver asks recursive resolvers for addresses. Unlike the system's resolver it returns their TTL.
type stubResolver struct {
	servers []string // "host:port"; empty means the system's
}

// stubTimeout bounds one question over all resolvers.
const stubTimeout = 3 * time.Second

// lookup asks for both address families and returns the shortest TTL on the way. No address is an error, so that no
// answer becomes empty.
func (r stubResolver) lookup(ctx context.Context, name zone.Name) ([]netip.Addr, time.Duration, error) {
	servers := r.servers
	if len(servers) == 0 {
		config, err := dns.ClientConfigFromFile("/etc/resolv.conf")
		if err != nil {
			return nil, 0, fmt.Errorf("find the system's resolver: %w", err)
		}
		for _, s := range config.Servers {
			servers = append(servers, net.JoinHostPort(s, config.Port))
		}
	}
	if len(servers) == 0 {
		return nil, 0, errors.New("no resolver is configured")
	}
	var addresses []netip.Addr
	ttl := maxTTL
	for _, q := range questions(name) {
		reply, err := ask(ctx, servers, q)
		if err != nil {
			return nil, 0, err
		}
		for _, rr := range reply.Answer {
			var ip net.IP
			switch rr := rr.(type) {
			case *dns.A:
				ip = rr.A
			case *dns.AAAA:
				ip = rr.AAAA
			}
			ttl = min(ttl, time.Duration(rr.Header().Ttl)*time.Second)
			if addr, ok := netip.AddrFromSlice(ip); ok {
				addresses = append(addresses, addr.Unmap())
			}
		}
	}
	if len(addresses) == 0 {
		return nil, 0, fmt.Errorf("%s has no address", name)
	}
	return addresses, ttl, nil
}

// questions returns the questions for a name's addresses. A load balancer of AWS has its IPv6 addresses under
// "dualstack.". r53: A.9.
func questions(name zone.Name) []dns.Question {
	v6 := string(name)
	if strings.Contains(v6, ".elb.") && !strings.HasPrefix(v6, "dualstack.") {
		v6 = "dualstack." + v6
	}
	return []dns.Question{
		{Name: string(name), Qtype: dns.TypeA, Qclass: dns.ClassINET},
		{Name: v6, Qtype: dns.TypeAAAA, Qclass: dns.ClassINET},
	}
}

// ask tries the resolvers in turn, beginning with a random one, and uses TCP when UDP is too small. NXDOMAIN is an
// answer.
func ask(ctx context.Context, servers []string, q dns.Question) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, stubTimeout)
	defer cancel()
	m := new(dns.Msg).SetQuestion(q.Name, q.Qtype).SetEdns0(1232, false)
	var faults []error
	first := rand.IntN(len(servers))
	for i := range servers {
		server := servers[(first+i)%len(servers)]
		reply, _, err := (&dns.Client{}).ExchangeContext(ctx, m, server)
		if err == nil && reply.Truncated {
			reply, _, err = (&dns.Client{Net: "tcp"}).ExchangeContext(ctx, m, server)
		}
		switch {
		case err != nil:
			faults = append(faults, err)
		case reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError:
			faults = append(faults, fmt.Errorf("%s says %s", server, dns.RcodeToString[reply.Rcode]))
		default:
			return reply, nil
		}
	}
	return nil, errors.Join(faults...)
}
