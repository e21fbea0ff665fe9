package awsserver

import (
	"slices"
	"strconv"
	"strings"

	"github.com/bulkhead-dns/bulkhead/alb"
)

// What clients ask Elastic Load Balancing for as a matter of course: limits, and what listeners of HTTPS would have.
// The lab's listeners are all of HTTP.

type accountLimit struct{ Name, Max string }

func limitName(l accountLimit) string { return l.Name }

// accountLimits are the limits of a new account that concern Application Load Balancers; those that the lab keeps
// itself are its own.
func accountLimits() []accountLimit {
	max := strconv.Itoa
	return []accountLimit{
		{"application-load-balancers", "50"},
		{"certificates-per-application-load-balancer", "25"},
		{"condition-values-per-alb-rule", "5"},
		{"condition-wildcards-per-alb-rule", "5"},
		{"listeners-per-application-load-balancer", "50"},
		{"rules-per-application-load-balancer", max(alb.MaxRules)},
		{"target-groups", "3000"},
		{"target-groups-per-action-on-application-load-balancer", "5"},
		{"target-groups-per-application-load-balancer", max(alb.MaxTargetGroups)},
		{"target-id-registrations-per-application-load-balancer", "1000"},
		{"targets-per-application-load-balancer", "1000"},
		{"targets-per-target-group", max(alb.MaxTargets)},
	}
}

func (e *elbv2) describeAccountLimits(c *call) (any, error) {
	page, next, err := paged(c, accountLimits(), limitName)
	return describeAccountLimitsResult{members[accountLimit]{page}, next}, err
}

type sslPolicyShape struct {
	SslProtocols               members[string]
	Ciphers                    members[cipherShape]
	Name                       string
	SupportedLoadBalancerTypes members[string]
}

type cipherShape struct {
	Name     string
	Priority int
}

func policyName(p sslPolicyShape) string { return p.Name }

// sslPolicies are some of AWS's: the default of its API, and those that it recommends.
func sslPolicies() []sslPolicyShape {
	const (
		tls13 = "TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256 "
		gcm   = "ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 " +
			"ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384"
		ecdhe = "ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 " +
			"ECDHE-ECDSA-AES128-SHA256 ECDHE-RSA-AES128-SHA256 " +
			"ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-ECDSA-AES256-SHA384 ECDHE-RSA-AES256-SHA384"
		all = "ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES128-SHA256 ECDHE-RSA-AES128-SHA256 " +
			"ECDHE-ECDSA-AES128-SHA ECDHE-RSA-AES128-SHA ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 " +
			"ECDHE-ECDSA-AES256-SHA384 ECDHE-RSA-AES256-SHA384 ECDHE-RSA-AES256-SHA ECDHE-ECDSA-AES256-SHA AES128-GCM-SHA256 " +
			"AES128-SHA256 AES128-SHA AES256-GCM-SHA384 AES256-SHA256 AES256-SHA"
	)
	policy := func(name, protocols, ciphers string) sslPolicyShape {
		p := sslPolicyShape{Name: name, SslProtocols: members[string]{strings.Fields(protocols)},
			SupportedLoadBalancerTypes: members[string]{[]string{"application", "network"}}}
		for i, cipher := range strings.Fields(ciphers) {
			p.Ciphers.Member = append(p.Ciphers.Member, cipherShape{cipher, i + 1})
		}
		return p
	}
	return []sslPolicyShape{
		policy("ELBSecurityPolicy-2016-08", "TLSv1 TLSv1.1 TLSv1.2", all),
		policy("ELBSecurityPolicy-TLS13-1-2-2021-06", "TLSv1.2 TLSv1.3", tls13+ecdhe),
		policy("ELBSecurityPolicy-TLS13-1-2-Res-2021-06", "TLSv1.2 TLSv1.3", tls13+gcm),
		policy("ELBSecurityPolicy-TLS13-1-3-2021-06", "TLSv1.3", tls13),
	}
}

func (e *elbv2) describeSSLPolicies(c *call) (any, error) {
	found := sslPolicies()
	names, err := c.list("Names", maxNames)
	if err != nil {
		return nil, err
	}
	if kind := c.form.Get("LoadBalancerType"); kind != "" {
		if !slices.Contains([]string{"application", "network", "gateway"}, kind) {
			return nil, invalid("LoadBalancerType", kind, "Member must satisfy enum value set: [application, network, gateway]")
		}
		found = slices.DeleteFunc(found, func(p sslPolicyShape) bool {
			return !slices.Contains(p.SupportedLoadBalancerTypes.Member, kind)
		})
	}
	if len(names) > 0 {
		if found, err = named(found, names, policyName,
			refuse("SSLPolicyNotFound", "SSL policy '%.256s' not found", names)); err != nil {
			return nil, err
		}
	}
	page, next, err := paged(c, found, policyName)
	return describeSSLPoliciesResult{members[sslPolicyShape]{page}, next}, err
}

type certificateShape struct {
	CertificateArn string
	IsDefault      bool
}

// describeListenerCertificates lists none: listeners of HTTP have no certificates.
func (e *elbv2) describeListenerCertificates(c *call) (any, error) {
	arn, err := c.member("ListenerArn")
	if err != nil {
		return nil, err
	}
	if _, err := byARN(e.inventory(c).listeners, []string{arn}, listenerARN, aListener); err != nil {
		return nil, err
	}
	page, next, err := paged(c, []certificateShape(nil), func(s certificateShape) string { return s.CertificateArn })
	return describeListenerCertificatesResult{members[certificateShape]{page}, next}, err
}

type describeAccountLimitsResult struct {
	Limits     members[accountLimit]
	NextMarker string `xml:",omitempty"`
}

type describeSSLPoliciesResult struct {
	SslPolicies members[sslPolicyShape]
	NextMarker  string `xml:",omitempty"`
}

type describeListenerCertificatesResult struct {
	Certificates members[certificateShape]
	NextMarker   string `xml:",omitempty"`
}
