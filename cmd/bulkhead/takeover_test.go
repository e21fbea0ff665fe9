package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// What is there after a plan is what was there, without what it deletes and with what it creates; the names are those
// taken over.
func TestStateAfterAnAdoption(t *testing.T) {
	set := func(name string, rrtype zone.RRType, id, value string) zone.ResourceRecordSet {
		return zone.ResourceRecordSet{Name: zone.Name(name + ".example.com."), Type: rrtype, SetIdentifier: id, TTL: new(int64(60)), ResourceRecords: []string{value}}
	}
	record := func(s zone.ResourceRecordSet) plan.Record { return plan.Record{ZoneID: "Z1", Set: s} }
	current := plan.State{Records: []plan.Record{record(set("app", zone.CNAME, "", "old.example.net")), record(set("www", zone.A, "", "192.0.2.9")),
		record(set("ours", zone.A, "west", "192.0.2.7"))}}
	desired := plan.State{Checks: []plan.Check{{Key: "shop/app/west", Config: health.Config{Type: health.TCP}}}}
	p := plan.Plan{Steps: []plan.Step{{Kind: plan.WaitVerdicts}, {Kind: plan.ChangeRecords, Batch: &plan.Batch{ZoneID: "Z1", Changes: []plan.RecordChange{
		{Action: zone.Delete, Set: current.Records[0].Set, Adopted: true},
		{Action: zone.Create, Set: set("app", zone.A, "west", "192.0.2.1"), CheckKey: "shop/app/west"},
		{Action: zone.Upsert, Set: set("ours", zone.A, "west", "192.0.2.8")},
	}}}}}
	names, after := replaced(current, desired, p)
	got := []string{fmt.Sprint(names), fmt.Sprint(len(after.Checks), " ", after.Checks[0].ID)}
	for _, r := range after.Records {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", r.Set.Name, r.Set.Type, r.Set.ResourceRecords, r.Set.HealthCheckID)))
	}
	want := []string{"[app.example.com.]", "1 shop/app/west", "www.example.com. A [192.0.2.9]", "app.example.com. A [192.0.2.1] shop/app/west",
		"ours.example.com. A [192.0.2.8]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// However many names are taken over, the section stays short; those with most to say come first.
func TestChangesForClientsStayShort(t *testing.T) {
	var list []explain.Takeover
	for i := range 40 {
		list = append(list, explain.Takeover{Hostname: fmt.Sprintf("app%d.example.com", i)})
	}
	list[30].Lost = []string{"AAAA"}
	lines := strings.Split(strings.TrimSpace(changesForClients(list, 80)), "\n")
	if len(lines) != 1+takeoversShown+1+1 {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
	if want := "app30.example.com: everybody"; !strings.Contains(lines[1], want) {
		t.Errorf("first: %s", lines[1])
	}
	if want := "- and 30 more names: -o json has all"; strings.TrimSpace(lines[len(lines)-1]) != want {
		t.Errorf("last: %s", lines[len(lines)-1])
	}
	if got := changesForClients(nil, 80); got != "" {
		t.Errorf("nothing: %q", got)
	}
}
