//go:build kube

package kube

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
)

// Where records are placed, and which load balancer is taken.
func (c *city) placements() map[string]func(*testing.T) {
	return map[string]func(*testing.T){
		"a zone that has just been made": func(t *testing.T) {
			const host = "app.young.example.com"
			s, api := c.west, c.lab.Route53()
			// The controller has read the zones a moment ago.
			s.put(t, c.policy("young", "before", "before.shared.example.com", withClass("any-zone")))
			c.programmed(t, time.Minute, "young", "before", s)
			made, err := api.CreateHostedZone(t.Context(), &route53.CreateHostedZoneInput{Name: aws.String("young.example.com"), CallerReference: aws.String("young")})
			must(t, err)
			servers := types.ResourceRecordSet{Name: aws.String("young.example.com"), Type: types.RRTypeNs, TTL: aws.Int64(300)}
			for _, name := range made.DelegationSet.NameServers {
				servers.ResourceRecords = append(servers.ResourceRecords, types.ResourceRecord{Value: aws.String(name)})
			}
			_, err = api.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{HostedZoneId: aws.String(c.zone),
				ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionCreate, ResourceRecordSet: &servers}}}})
			must(t, err)
			s.put(t, c.policy("young", "app", host, withClass("any-zone")))
			c.programmed(t, 30*time.Second, "young", "app", s)
			within(t, 10*time.Second, "the record is in the zone that was made", func(ctx context.Context) error {
				child, err := c.sets(ctx, aws.ToString(made.HostedZone.Id), host)
				if err != nil {
					return err
				}
				parent, err := c.sets(ctx, c.zone, host)
				if err == nil && (len(child) != 1 || len(parent) > 0) {
					err = fmt.Errorf("the parent has %d:\n%sthe child has %d:\n%s", len(parent), told(parent), len(child), told(child))
				}
				return err
			})
			c.answers(t, host)
			s.remove(t, "young", "app", "before")
		},
		"an internal load balancer behind a public one": func(t *testing.T) {
			const internal = "internal-k8s-frontend-web-1234567890-987654321.eu-west-1.elb.amazonaws.com"
			const public = "k8s-frontend-web-0123456789-abcdef0123456789.elb.eu-west-1.amazonaws.com"
			must(t, c.west.Apply(t.Context(), `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: fronted
  namespace: frontend
  annotations:
    alb.ingress.kubernetes.io/scheme: internal
    alb.ingress.kubernetes.io/enable-frontend-nlb: "true"
    alb.ingress.kubernetes.io/frontend-nlb-scheme: internet-facing
spec:
  ingressClassName: none
  rules: [{host: app.frontend.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
`))
			kubectl(t, c.west.Region, "frontend", "patch", "ingress", "fronted", "--subresource=status", "--type=merge", "-p",
				fmt.Sprintf(`{"status":{"loadBalancer":{"ingress":[{"hostname":%q},{"hostname":%q}]}}}`, internal, public))
			c.west.put(t, c.policy("frontend", "app", "app.frontend.example.com", withTarget("Ingress", "fronted")))
			within(t, 20*time.Second, "the public load balancer is the target", func(ctx context.Context) error {
				p, err := c.west.get(ctx, "frontend", "app")
				if err == nil && p.Status.Target != public {
					err = fmt.Errorf("the target is %q: %s", p.Status.Target, describe(p))
				}
				return err
			})
			c.west.remove(t, "frontend", "app")
		},
		"a deletion that waits for another Region": func(t *testing.T) {
			const host, forced = "app.blocked.example.com", "forced.blocked.example.com"
			c.established(t, "blocked", "app", host)
			c.established(t, "blocked", "forced", forced)
			healthy := func(s *site, want string) func(context.Context) error {
				return func(ctx context.Context) error {
					p, err := s.get(ctx, "blocked", "app")
					if err == nil && p.Status.Health != want {
						err = fmt.Errorf("it is %q: %s", p.Status.Health, describe(p))
					}
					return err
				}
			}
			kubectl(t, c.central.Region, "blocked", "scale", "deployment", "web", "--replicas=0")
			within(t, time.Minute, "the application is down in central", healthy(c.central, v1alpha1.Unhealthy))
			c.west.remove(t, "blocked", "app", "forced")
			within(t, 30*time.Second, "the policy says that it waits", func(ctx context.Context) error {
				return c.west.tells(ctx, "blocked", "app", c.central.Name)
			})
			within(t, 30*time.Second, "the policy can be deleted as its status says", func(ctx context.Context) error {
				p, err := c.west.get(ctx, "blocked", "forced")
				if err != nil {
					return client.IgnoreNotFound(err)
				}
				if word := forcePlan.FindString(describe(p)); word != "" {
					_, err = c.west.Kubectl(ctx, "-n", "blocked", "annotate", "--overwrite", "failoverpolicy", "forced", word)
				}
				return errors.Join(err, fmt.Errorf("there is %s", describe(p)))
			})
			stays(t, 3*time.Second, "the policy in deletion", func(ctx context.Context) error {
				_, err := c.west.get(ctx, "blocked", "app")
				return err
			})
			kubectl(t, c.central.Region, "blocked", "scale", "deployment", "web", "--replicas=1")
			within(t, time.Minute, "the application is up in central", healthy(c.central, v1alpha1.Healthy))
			t.Logf("it is deleted %s after central is healthy", c.west.gone(t, 30*time.Second, "blocked", "app"))
			c.neverEmpty(t, host, forced)
		},
		"routes, listeners and sets of listeners": func(t *testing.T) {
			s := c.west
			must(t, s.Apply(t.Context(), routes))
			status := func(object, patch string) {
				kubectl(t, s.Region, "gateways", "patch", object, "--subresource=status", "--type=merge", "-p", patch)
			}
			for _, name := range []string{"wild", "exact"} {
				status("gateway/"+name, fmt.Sprintf(`{"status":{"addresses":[{"type":"Hostname","value":%q}]}}`, s.loadBalancer.DNSName))
			}
			parents := func(route string, all ...string) {
				status("httproute/"+route, `{"status":{"parents":[`+strings.Join(all, ",")+`]}}`)
			}
			parent := func(ref, accepted, reason string) string {
				return fmt.Sprintf(`{"parentRef":%s,"controllerName":"gateway.example/alb","conditions":[{"type":"Accepted","status":%q,"reason":%q,"message":"",
					"lastTransitionTime":"2026-01-01T00:00:00Z"}]}`, ref, accepted, reason)
			}
			wild, exact := `{"name":"wild"}`, `{"name":"exact"}`
			parents("deep", parent(wild, "True", "Accepted"))
			parents("nohost", parent(wild, "True", "Accepted"))
			parents("shop", parent(exact, "True", "Accepted"))
			parents("set", parent(`{"group":"gateway.networking.k8s.io","kind":"ListenerSet","name":"set"}`, "True", "Accepted"))
			parents("two", parent(exact, "False", "NoMatchingListenerHostname"), parent(wild, "True", "Accepted"))
			for _, p := range []struct{ name, host, route string }{
				{"deep", "a.b.gateways.example.com", "deep"}, {"any", "any.gateways.example.com", "nohost"}, {"shop", "shop.gateways.example.com", "shop"},
				{"www", "www.gateways.example.com", "shop"}, {"set", "set.gateways.example.com", "set"}, {"two", "two.gateways.example.com", "two"},
			} {
				made := c.policy("gateways", p.name, p.host, withTarget("HTTPRoute", p.route), withPath("/gateways"))
				s.put(t, made)
			}
			for _, name := range []string{"deep", "any", "shop", "set", "two"} {
				c.programmed(t, time.Minute, "gateways", name, s)
			}
			within(t, 20*time.Second, "a hostname that no listener takes is told of", func(ctx context.Context) error {
				return s.tells(ctx, "gateways", "www", "listener")
			})
			s.remove(t, "gateways", "deep", "any", "shop", "www", "set", "two")
		},
	}
}

// routes are Gateways of which one takes any name below the tenant's, and one a single name, beside a set of listeners; and routes to them.
const routes = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: wild, namespace: gateways}
spec: {gatewayClassName: alb, listeners: [{name: w, port: 80, protocol: HTTP, hostname: "*.gateways.example.com"}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: exact, namespace: gateways}
spec: {gatewayClassName: alb, allowedListeners: {namespaces: {from: Same}}, listeners: [{name: e, port: 80, protocol: HTTP, hostname: shop.gateways.example.com}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: set, namespace: gateways}
spec: {parentRef: {name: exact}, listeners: [{name: s, port: 80, protocol: HTTP, hostname: set.gateways.example.com}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: deep, namespace: gateways}
spec: {parentRefs: [{name: wild}], hostnames: [a.b.gateways.example.com], rules: [{backendRefs: [{name: web, port: 80}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: nohost, namespace: gateways}
spec: {parentRefs: [{name: wild}], rules: [{backendRefs: [{name: web, port: 80}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: gateways}
spec: {parentRefs: [{name: exact}], hostnames: [shop.gateways.example.com, www.gateways.example.com], rules: [{backendRefs: [{name: web, port: 80}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: set, namespace: gateways}
spec: {parentRefs: [{kind: ListenerSet, name: set}], hostnames: [set.gateways.example.com], rules: [{backendRefs: [{name: web, port: 80}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: two, namespace: gateways}
spec: {parentRefs: [{name: exact}, {name: wild}], hostnames: [two.gateways.example.com], rules: [{backendRefs: [{name: web, port: 80}]}]}
`
