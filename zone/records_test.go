package zone

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// keys lists the keys at or after k.
func keys(r *Records, k Key) []string {
	var list []string
	for s := range r.From(k) {
		list = append(list, fmt.Sprint(s.Name, " ", s.Type, " ", s.SetIdentifier))
	}
	return list
}

func TestRecordsListAsRoute53(t *testing.T) {
	r := NewRecords()
	for _, s := range []ResourceRecordSet{
		set("b", A), set("a-b", A), set("a", TXT), set("x.a", A), set("@", SOA), set("@", NS), set("@", A),
		set("a", CNAME, weight("2", 1)), set("a", CNAME, weight("10", 1)), set("a", AAAA), set("*", A),
	} {
		r.Put(&s)
	}
	// r53: C.7: names by reversed labels, types as text, then SetIdentifier; apex order A, NS, SOA as recorded (r53: H).
	all := []string{
		"example.com. A ", "example.com. NS ", "example.com. SOA ", `\052.example.com. A `, "a-b.example.com. A ",
		"a.example.com. AAAA ", "a.example.com. CNAME 10", "a.example.com. CNAME 2", "a.example.com. TXT ",
		"x.a.example.com. A ", "b.example.com. A ",
	}
	for _, c := range []struct {
		from Key
		want []string
	}{
		{Key{}, all},
		{Key{Name: "a.example.com."}, all[5:]},
		{Key{Name: "a.example.com.", Type: CNAME}, all[6:]},
		{Key{Name: "a.example.com.", Type: CNAME, SetIdentifier: "11"}, all[7:]},
		{Key{Name: "a.example.com.", Type: MX}, all[8:]},
		{Key{Name: "aa.example.com."}, all[10:]},
		{Key{Name: "c.example.com."}, nil},
	} {
		if diff := cmp.Diff(c.want, keys(r, c.from)); diff != "" {
			t.Errorf("from %v want -, got +\n%s", c.from, diff)
		}
	}
	if r.Len() != len(all) {
		t.Errorf("Len is %d, want %d", r.Len(), len(all))
	}
	group := r.Group("a.example.com.", CNAME)
	if len(group) != 2 || group[0].SetIdentifier != "10" || group[1].SetIdentifier != "2" {
		t.Errorf("group %v, want the members 10 and 2", group)
	}
	if got := r.Group("a.example.com.", MX); got != nil {
		t.Errorf("group of nothing is %v, want nil", got)
	}
}

func TestResourceRecordSetJSON(t *testing.T) {
	for _, c := range []struct {
		set  ResourceRecordSet
		want string
	}{
		{set("*", AAAA, values("::1"), weight("a", 0), check("hc1")), `{"name":"\\052.example.com.","type":"AAAA",` +
			`"setIdentifier":"a","weight":0,"ttl":300,"resourceRecords":["::1"],"healthCheckId":"hc1"}`},
		{set("x", A, alias(ownZone, "www.example.com", false)), `{"name":"x.example.com.","type":"A",` +
			`"aliasTarget":{"hostedZoneId":"Z1EXAMPLE","dnsName":"www.example.com."}}`},
		{set("x", A, values("192.0.2.1"), state("a", "US", "VA")),
			`{"name":"x.example.com.","type":"A","setIdentifier":"a",` +
				`"geoLocation":{"countryCode":"US","subdivisionCode":"VA"},"ttl":300,"resourceRecords":["192.0.2.1"]}`},
		{set("x", A, values("192.0.2.1"), near("a", GeoProximityLocation{Coordinates: &Coordinates{"1.50", "-2"},
			Bias: new(int64(0))})),
			`{"name":"x.example.com.","type":"A","setIdentifier":"a","geoProximityLocation":{"coordinates":{"latitude":"1.50",` +
				`"longitude":"-2"},"bias":0},"ttl":300,"resourceRecords":["192.0.2.1"]}`},
		{set("x", A, values("192.0.2.1"), clients("a", "c1", "*")),
			`{"name":"x.example.com.","type":"A","setIdentifier":"a",` +
				`"cidrRoutingConfig":{"collectionId":"c1","locationName":"*"},"ttl":300,"resourceRecords":["192.0.2.1"]}`},
	} {
		text, err := json.Marshal(c.set)
		if string(text) != c.want || err != nil {
			t.Errorf("JSON is %s, %v, want %s", text, err, c.want)
		}
		var back ResourceRecordSet
		err = json.Unmarshal(text, &back)
		if diff := cmp.Diff(c.set, back); diff != "" || err != nil {
			t.Errorf("read back: %v\n%s", err, diff)
		}
	}
}

func TestRecordsCopyIsApart(t *testing.T) {
	origin := NewRecords()
	for i := range 1000 {
		s := set(fmt.Sprint("n", i), A)
		origin.Put(&s)
	}
	before := slices.Collect(origin.From(Key{}))
	twin := origin.Copy()
	for i := range 1000 {
		key := Key{Name: MustParseName(fmt.Sprintf("n%d.example.com", i)), Type: A}
		if i%2 == 0 && !twin.Delete(key) {
			t.Fatalf("%v was not there", key)
		}
	}
	if twin.Delete(Key{Name: "n0.example.com.", Type: A}) {
		t.Error("deleted the same record set twice")
	}
	if diff := cmp.Diff(before, slices.Collect(origin.From(Key{}))); diff != "" || twin.Len() != 500 {
		t.Errorf("a change of the copy reached its origin; the copy has %d\n%s", twin.Len(), diff)
	}
	s := set("later", A)
	origin.Put(&s)
	if _, ok := twin.Get(s.Key()); ok {
		t.Error("a change of the origin reached its copy")
	}
}

func TestRecordsAreCopiedFromManyGoroutines(t *testing.T) {
	origin := exampleRecords()
	want := keys(origin, Key{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				twin := origin.Copy()
				s := set(fmt.Sprint("own", i), A)
				twin.Put(&s)
				if twin.Len() != len(want)+1 || len(keys(origin, Key{})) != len(want) {
					t.Errorf("the copy has %d record sets, its origin %d", twin.Len(), origin.Len())
				}
			}
		})
	}
	wg.Wait()
	if diff := cmp.Diff(want, keys(origin, Key{})); diff != "" {
		t.Errorf("the origin changed\n%s", diff)
	}
}

func BenchmarkApplyOneChange(b *testing.B) {
	for _, size := range []int{10, 10_000, 1_000_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			records := NewRecords()
			for i := range size {
				s := set(fmt.Sprint("app", i), A, values("192.0.2.1"))
				records.Put(&s)
			}
			z, n := exampleZone(), 0
			b.ReportAllocs()
			for b.Loop() {
				n++
				change := upsert(set(fmt.Sprint("app", n*7919%size), A, values("192.0.2.2"), ttl(int64(n))))
				next, effects, err := records.Apply(z, []Change{change}, Facts{})
				if err != nil || len(effects) != 1 {
					b.Fatal(effects, err)
				}
				records = next
			}
		})
	}
}

func BenchmarkCompare(b *testing.B) {
	x, y := MustParseName("app12345.team-a.example.com"), MustParseName("app12346.team-a.example.com")
	for b.Loop() {
		if Compare(x, y) >= 0 {
			b.Fatal("wrong order")
		}
	}
}
