package whatif_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/whatif"
	"github.com/bulkhead-dns/bulkhead/zone"
)

func located(name, identifier string, l zone.GeoLocation) zone.ResourceRecordSet {
	s := set(name, "", "192.0.2.1", "")
	s.SetIdentifier, s.GeoLocation = identifier, &l
	return s
}

func single(name string, t zone.RRType, value string) zone.ResourceRecordSet {
	s := set(name, "", value, "")
	s.Type = t
	return s
}

func remove(s zone.ResourceRecordSet) plan.RecordChange {
	return plan.RecordChange{Action: zone.Delete, Policy: "team/app", Set: s}
}

func create(s zone.ResourceRecordSet) plan.RecordChange {
	return plan.RecordChange{Action: zone.Create, Policy: "team/app", Set: s}
}

func planOf(changes ...plan.RecordChange) plan.Plan {
	return plan.Plan{Steps: []plan.Step{{Kind: plan.ChangeRecords,
		Batch: &plan.Batch{ZoneID: "Z1", ZoneName: "example.com.", Changes: changes}}}}
}

// Every place that is answered before a plan and not after it is told, through aliases and CNAMEs too, and no other.
func TestLosses(t *testing.T) {
	everywhere, germany := located("app", "default", zone.GeoLocation{CountryCode: "*"}),
		located("app", "de", zone.GeoLocation{CountryCode: "DE"})
	europe := located("app", "eu", zone.GeoLocation{ContinentCode: "EU"})
	moved := everywhere
	moved.SetIdentifier = "other"
	west, central := set("app", "eu-west-1", "192.0.2.1", ""), set("app", "eu-central-1", "192.0.2.2", "")
	v6 := single("app", zone.AAAA, "2001:db8::1")
	cname := single("app", zone.CNAME, "elsewhere.example.net.")
	nameOf := func(name, target string) zone.ResourceRecordSet {
		return single(name, zone.CNAME, target+".example.com.")
	}
	half := func(name, identifier, value string) zone.ResourceRecordSet {
		s := set(name, "", value, "")
		s.SetIdentifier, s.Weight = identifier, new(int64(1))
		return s
	}
	cut := single("dev", zone.NS, "ns1.example.net.")
	for _, c := range []struct {
		name    string
		before  []zone.ResourceRecordSet
		changes []plan.RecordChange
		want    []string
	}{
		{"the default goes", []zone.ResourceRecordSet{everywhere, germany}, []plan.RecordChange{remove(everywhere)},
			[]string{"app.example.com. A: clients anywhere else are answered now and would get NODATA"}},
		{"the default moves", []zone.ResourceRecordSet{everywhere, germany},
			[]plan.RecordChange{remove(everywhere), create(moved)}, nil},
		{"the default becomes a country", []zone.ResourceRecordSet{everywhere},
			[]plan.RecordChange{remove(everywhere), create(germany)},
			[]string{"app.example.com. A: clients anywhere else are answered now and would get NODATA"}},
		{"a country goes, a default stays", []zone.ResourceRecordSet{everywhere, germany},
			[]plan.RecordChange{remove(germany)}, nil},
		{"a continent goes, a country of it stays", []zone.ResourceRecordSet{europe, germany},
			[]plan.RecordChange{remove(europe)},
			[]string{"app.example.com. A: clients in continent EU are answered now and would get NODATA"}},
		{"a Region goes", []zone.ResourceRecordSet{west, central}, []plan.RecordChange{remove(west)}, nil},
		{"everything goes", []zone.ResourceRecordSet{west}, []plan.RecordChange{remove(west)},
			[]string{"app.example.com. A: clients near eu-west-1, anywhere else are answered now and would get NXDOMAIN " +
				"(gone)"}},
		{"IPv6 is given up", []zone.ResourceRecordSet{west, v6}, []plan.RecordChange{remove(v6)}, nil},
		{"IPv4 is given up", []zone.ResourceRecordSet{west, v6}, []plan.RecordChange{remove(west)},
			[]string{"app.example.com. A: clients near eu-west-1, anywhere else are answered now and would get NODATA (gone)"}},
		{"a CNAME gives way to a country", []zone.ResourceRecordSet{cname},
			[]plan.RecordChange{remove(cname), create(germany)},
			[]string{"app.example.com. A: clients anywhere else are answered now and would get NODATA",
				"app.example.com. AAAA: clients anywhere else are answered now and would get NODATA (gone)"}},
		{"an alias loses its target", []zone.ResourceRecordSet{west, set("www", "eu-west-1", "=app", "")},
			[]plan.RecordChange{remove(west)},
			[]string{"app.example.com. A: clients near eu-west-1, anywhere else are answered now and would get NXDOMAIN (gone)",
				"www.example.com. A: clients near eu-west-1, anywhere else are answered now and would get NODATA, because this " +
					"leads to app.example.com"}},
		{"a CNAME leads to what goes in part", []zone.ResourceRecordSet{everywhere, germany, nameOf("www", "app"),
			nameOf("old", "www")},
			[]plan.RecordChange{remove(everywhere)},
			[]string{"app.example.com. A: clients anywhere else are answered now and would get NODATA",
				"old.example.com. A: clients anywhere else are answered now and would get NODATA, because this leads to " +
					"app.example.com",
				"www.example.com. A: clients anywhere else are answered now and would get NODATA, because this leads to " +
					"app.example.com"}},
		{"one of two weights leads to what goes",
			[]zone.ResourceRecordSet{west, half("www", "a", "=app"), half("www", "b", "192.0.2.7")},
			[]plan.RecordChange{remove(west)},
			[]string{"app.example.com. A: clients near eu-west-1, anywhere else are answered now and would get NXDOMAIN " +
				"(gone)"}},
		{"a wildcard takes over", []zone.ResourceRecordSet{west, single(`\052`, zone.A, "192.0.2.9")},
			[]plan.RecordChange{remove(west)}, nil},
		{"a name below keeps the wildcard away", []zone.ResourceRecordSet{west, single(`\052`, zone.A, "192.0.2.9"),
			single("x.app", zone.A, "192.0.2.8")},
			[]plan.RecordChange{remove(west)},
			[]string{"app.example.com. A: clients near eu-west-1, anywhere else are answered now and would get NODATA (gone)"}},
		{"a new name hides the wildcard", []zone.ResourceRecordSet{single(`\052`, zone.A, "192.0.2.9")},
			[]plan.RecordChange{create(germany)},
			[]string{"app.example.com. A: clients anywhere else are answered now and would get NODATA"}},
		{"a new name", nil, []plan.RecordChange{create(germany)}, nil},
		{"below a delegation nobody is answered", []zone.ResourceRecordSet{cut, set("app.dev", "", "192.0.2.1", "")},
			[]plan.RecordChange{remove(set("app.dev", "", "192.0.2.1", ""))}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, l := range whatif.Losses(input(nil, c.before...).State, planOf(c.changes...)) {
				text := fmt.Sprintf("%s %s: %s", l.Name, l.Type, l)
				if l.Gone && l.Through == "" {
					text += " (gone)"
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
		})
	}
}

// A plan that takes an answer away is refused, and reported when it is forced. What is destroyed by name may go as a
// whole.
func TestGuardOfAnswers(t *testing.T) {
	everywhere, germany := located("app", "default", zone.GeoLocation{CountryCode: "*"}),
		located("app", "de", zone.GeoLocation{CountryCode: "DE"})
	current := input(nil, everywhere, germany).State
	p, err := whatif.Guard(current, planOf(remove(everywhere)), false, []string{"team/app"})
	var refused *plan.Refused
	if !errors.As(err, &refused) || len(p.Refusals) != 1 || p.Refusals[0].Policy != "team/app" ||
		p.Refusals[0].String() != "app.example.com. A: clients anywhere else are answered now and would get NODATA. Keep a "+
			"record set for them, or force it" {
		t.Errorf("%v, %v", p.Refusals, err)
	}
	p, err = whatif.Guard(current, planOf(remove(everywhere)), true, nil)
	if err != nil || len(p.Reports) != 1 {
		t.Errorf("forced: %v, %v", p.Reports, err)
	}
	if p, err = whatif.Guard(current, planOf(remove(everywhere), remove(germany)), false,
		[]string{"team/app"}); err != nil {
		t.Errorf("destroyed: %v, %v", p.Refusals, err)
	}
}

// A thousand names of three members change their routing: every one is asked for every place, before and after.
func BenchmarkLosses(b *testing.B) {
	var before []zone.ResourceRecordSet
	var changes []plan.RecordChange
	for app := range 1000 {
		for _, region := range []string{"eu-west-1", "eu-central-1", "us-east-1"} {
			s := set(fmt.Sprintf("app%d", app), region, "192.0.2.1", "")
			before = append(before, s)
			changes = append(changes, remove(s))
			s.Region, s.Weight = "", new(int64(1))
			changes = append(changes, create(s))
		}
	}
	current, p := input(nil, before...).State, planOf(changes...)
	b.ReportAllocs()
	for b.Loop() {
		if losses := whatif.Losses(current, p); len(losses) > 0 {
			b.Fatal(losses[0])
		}
	}
}
