package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"text/tabwriter"

	"go.yaml.in/yaml/v3"

	"github.com/bulkhead-dns/bulkhead/lab"
	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// printLab introduces a lab that has just started.
func printLab(w io.Writer, s lab.Status, c sigv4.Credentials, o lab.Options) {
	api := "http://" + s.API
	dig := s.DNS
	if ap, err := netip.ParseAddrPort(s.DNS); err == nil {
		dig = fmt.Sprintf("%s -p %d", ap.Addr(), ap.Port())
	}
	fmt.Fprintf(w, "Bulkhead lab: two Regions, two applications, one load balancer per Region\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "  Route 53 API\t%s\n  DNS\t%s (UDP and TCP)\n", api, s.DNS)
	for _, r := range s.Regions {
		fmt.Fprintf(t, "  %s\t%s:%d  %s  (zone %s)\n", r.Region, r.LoadBalancer.Address, r.LoadBalancer.Port, r.LoadBalancer.DNSName, r.LoadBalancer.HostedZoneID)
	}
	t.Flush()
	if o.Empty {
		fmt.Fprintf(w, "\nNo zone, checks or records were made (--empty).\n")
	} else {
		fmt.Fprintf(w, "\nZone example.com: app1 and app2, a health check each per Region, every %d s × %d.\n", o.Interval, o.Threshold)
	}
	fmt.Fprintf(w, "\nCredentials (again with `bulkhead lab env`):\n\n")
	printEnv(w, c, api)
	lb := s.Regions[0].LoadBalancer
	fmt.Fprintf(w, `
Try:

  dig @%[1]s app1.example.com +subnet=10.1.0.0/16 +short     # a user near eu-west-1
  dig @%[1]s app1.example.com +subnet=10.2.0.0/16 +short     # a user near eu-central-1
  aws route53 list-health-checks --endpoint-url %[2]s
  curl -H 'Host: app1.example.com' http://%[3]s:%[4]d/
  bulkhead lab scale app1 --region eu-west-1 --replicas 0         # and ask dig again
  bulkhead lab status

Ctrl-C ends the lab; its state is kept.
`, dig, api, lb.Address, lb.Port)
}

// printStatus shows the lab as a table or a document.
func printStatus(w io.Writer, s lab.Status, format string) error {
	switch format {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(s)
	case "yaml":
		return writeYAML(w, s)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "REGION\tLOAD BALANCER\tADDRESS\tHEALTH\tREASON")
	for _, r := range s.Regions {
		lb := r.LoadBalancer
		fmt.Fprintf(t, "%s\t%s\t%s:%d\t%s\t%s\n", r.Region, shortName(lb.DNSName), lb.Address, lb.Port, healthWord(lb.Healthy), lb.Reason)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	fmt.Fprintln(t, "REGION\tAPPLICATION\tPODS\tTARGETS\tFAILING")
	for _, r := range s.Regions {
		for _, a := range r.Applications {
			fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\n", r.Region, a.Name, a.Replicas, targets(r, a.Name), yesNo(a.Failing))
		}
	}
	return t.Flush()
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
	counts := map[lab.TargetState]int{}
	var order []lab.TargetState
	for _, g := range r.LoadBalancer.TargetGroups {
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
