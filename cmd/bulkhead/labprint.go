package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"go.yaml.in/yaml/v3"

	"github.com/bulkhead-dns/bulkhead/alb"
	"github.com/bulkhead-dns/bulkhead/lab"
	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// printLab introduces a lab that has just started.
func printLab(w io.Writer, l *lab.Lab, o lab.Options) {
	s, d, c := l.Status(), l.Definition(), l.Node().Credentials()
	api := l.Addresses().URL()
	balancers := l.LoadBalancers()
	fmt.Fprintf(w, "Bulkhead lab: %s, %s, %s\n\n", count(len(s.Regions), "Region"), count(len(d.Applications), "application"),
		count(len(balancers), "load balancer"))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "  Route 53 API\t%s\n  DNS\t%s (UDP and TCP)\n", api, s.DNS)
	for _, r := range s.Regions {
		for _, lb := range r.LoadBalancers() {
			fmt.Fprintf(t, "  %s\t%s:%d  %s  (zone %s)\n", r.Region, lb.Address, lb.Port, lb.DNSName, lb.HostedZoneID)
		}
	}
	t.Flush()
	fmt.Fprintf(w, "\n%s\n\nCredentials (again with `%s`):\n\n", madeText(d, o, balancers[0].Port), labCommand("env", o.DataDir))
	printLabEnv(w, c, api)
	fmt.Fprintf(w, "\nTry:\n\n")
	hints := tabwriter.NewWriter(w, 0, 0, 5, ' ', 0)
	for _, h := range labHints(s, d, o, l.Addresses()) {
		fmt.Fprintf(hints, "  %s\n", strings.Join(h, "\t# "))
	}
	hints.Flush()
	fmt.Fprintf(w, "\nCtrl-C ends the lab; its state is kept.\n")
}

// madeText says what Route 53 has got.
func madeText(d lab.Definition, o lab.Options, port int) string {
	zones := "Zone " + d.Zones[0]
	if len(d.Zones) > 1 {
		zones = "Zones " + strings.Join(d.Zones, ", ")
	}
	var names []string
	for _, a := range d.Applications {
		names = append(names, a.Name)
	}
	applications := strings.Join(names, " and ")
	switch {
	case o.Empty:
		return "No zone, checks or records were made (--empty)."
	case o.ZoneOnly && port != 80:
		return fmt.Sprintf("%s without checks and records (--zone-only). Load balancers have port %d: say so as healthCheck.port.", zones, port)
	case o.ZoneOnly:
		return zones + " without checks and records (--zone-only)."
	case len(names) == 0:
		return zones + " without checks and records: there are no applications."
	case len(names) > 2:
		applications = count(len(names), "application")
	}
	return fmt.Sprintf("%s: %s, a health check each per Region, every %d s × %d.", zones, applications, o.Interval, o.Threshold)
}

// labHints are commands to try, each with what it shows or nothing.
func labHints(s lab.Status, d lab.Definition, o lab.Options, at lab.Addresses) (all [][]string) {
	api := at.URL()
	add := func(hint ...string) { all = append(all, hint) }
	lb := s.Regions[0].LoadBalancer
	if o.ZoneOnly {
		policies := "examples/twoapps"
		if o.Definition.Regions != nil {
			policies = "POLICIES"
		}
		add(`eval "$(`+labCommand("env", o.DataDir)+`)"`, "for bulkhead and the AWS CLI")
		add("bulkhead apply -f "+policies, "makes checks and records")
	}
	if len(d.Applications) == 0 {
		add("aws elbv2 describe-load-balancers --region " + d.Regions[0].Name + " --endpoint-url " + api)
		add(labCommand("status", o.DataDir))
		return all
	}
	first := d.Applications[0]
	for _, r := range d.Regions[:min(2, len(d.Regions))] {
		add(fmt.Sprintf("dig @%s -p %d %s +subnet=%s +short", at.LocalDNS().Addr(), at.LocalDNS().Port(), first.Hostname, r.Clients), "a user near "+r.Name)
	}
	add(labCommand(fmt.Sprintf("scale %s --region %s --replicas 0", first.Name, first.Regions[0].Name), o.DataDir), "and ask dig again")
	add(labCommand("status", o.DataDir))
	add("aws route53 list-health-checks --endpoint-url " + api)
	add(fmt.Sprintf("curl -H 'Host: %s' http://%s:%d/", first.Hostname, lb.Address, lb.Port))
	return all
}

// printLabEnv adds where the lab describes its load balancers to what printEnv prints.
func printLabEnv(w io.Writer, c sigv4.Credentials, endpoint string) {
	printEnv(w, c, endpoint)
	fmt.Fprintf(w, "export AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2=%s\n", endpoint)
}

// statusTable shows the lab as tables.
func statusTable(s lab.Status) string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "REGION\tLOAD BALANCER\tADDRESS\tHEALTH\tREASON")
	for _, r := range s.Regions {
		for _, lb := range r.LoadBalancers() {
			fmt.Fprintf(t, "%s\t%s\t%s:%d\t%s\t%s\n", r.Region, shortName(lb.DNSName), lb.Address, lb.Port, healthWord(lb.Healthy), lb.Reason)
		}
	}
	t.Flush()
	fmt.Fprintln(&b)
	fmt.Fprintln(t, "REGION\tAPPLICATION\tPODS\tTARGETS\tFAILING")
	for _, r := range s.Regions {
		for _, a := range r.Applications {
			fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\n", r.Region, a.Name, a.Replicas, targets(r, a.Name), yesNo(a.Failing))
		}
	}
	t.Flush()
	if !slices.ContainsFunc(s.Regions, func(r lab.RegionStatus) bool { return len(r.Ingresses) > 0 }) {
		return b.String()
	}
	fmt.Fprintln(&b)
	fmt.Fprintln(t, "REGION\tINGRESS\tLOAD BALANCER")
	for _, r := range s.Regions {
		for _, g := range r.Ingresses {
			fmt.Fprintf(t, "%s\t%s/%s\t%s\n", r.Region, g.Namespace, g.Name, g.LoadBalancer)
		}
	}
	t.Flush()
	return b.String()
}

// printApplication shows one application in one Region after a change.
func printApplication(w io.Writer, s lab.Status, application, region string) error {
	for _, r := range s.Regions {
		for _, a := range r.Applications {
			if r.Region == region && a.Name == application {
				_, err := fmt.Fprintf(w, "%s in %s: %d pods, failing: %s, targets: %s\n", a.Name, r.Region, a.Replicas, yesNo(a.Failing), targets(r, a.Name))
				return err
			}
		}
	}
	return fmt.Errorf("the lab's answer does not mention %s in %s", application, region)
}

// targets counts an application's targets by state: "2 healthy".
func targets(r lab.RegionStatus, application string) string {
	counts := map[alb.TargetState]int{}
	var order []alb.TargetState
	for _, lb := range r.LoadBalancers() {
		for _, g := range lb.TargetGroups {
			if g.Name != application {
				continue
			}
			for _, t := range g.Targets {
				if counts[t.State] == 0 {
					order = append(order, t.State)
				}
				counts[t.State]++
			}
		}
	}
	if len(order) == 0 {
		return "none"
	}
	parts := make([]string, len(order))
	for i, state := range order {
		parts[i] = fmt.Sprintf("%d %s", counts[state], state)
	}
	return strings.Join(parts, ", ")
}

// writeYAML writes v with the names of its JSON form.
func writeYAML(w io.Writer, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var doc yaml.Node // keeps the order of members
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return err
	}
	blockStyle(&doc)
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(&doc); err != nil {
		return err
	}
	return enc.Close()
}

// blockStyle turns JSON's flow style into YAML's usual one.
func blockStyle(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		blockStyle(c)
	}
}

func shortName(dnsName string) string {
	name, _, _ := strings.Cut(dnsName, ".")
	return name
}

func healthWord(healthy bool) string {
	if healthy {
		return "healthy"
	}
	return "unhealthy"
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
