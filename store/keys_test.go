package store

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// Keys of record sets sort as Route 53 lists the record sets. r53: C.7
func TestKeyOrderIsListingOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	label := func() string {
		letters := []string{"a", "b", "-", "_", "0", `\052`, `\057`, `\041`}
		var b strings.Builder
		for range 1 + random.IntN(3) {
			b.WriteString(letters[random.IntN(len(letters))])
		}
		return b.String()
	}
	key := func() zone.Key {
		name := "z."
		for range random.IntN(3) {
			name = label() + "." + name
		}
		types := []zone.RRType{zone.A, zone.AAAA, zone.CAA, zone.CNAME, zone.TXT}
		sets := []string{"", "a", "a b", "b,c", "/", "é"}
		return zone.Key{Name: zone.Name(name), Type: types[random.IntN(len(types))], SetIdentifier: sets[random.IntN(len(sets))]}
	}
	for range 20_000 {
		a, b := key(), key()
		ka, kb := recordKey("Z1", a), recordKey("Z1", b)
		if cmp.Compare(ka, kb) != a.Compare(b) {
			t.Fatalf("%q and %q compare as %d, the record sets as %d", ka, kb, cmp.Compare(ka, kb), a.Compare(b))
		}
		zoneID, got, err := parseRecordKey(strings.TrimPrefix(ka, recordsPrefix))
		if err != nil || zoneID != "Z1" || got != a {
			t.Fatalf("%q reads as %q %+v, %v: want %+v", ka, zoneID, got, err, a)
		}
	}
}

func FuzzParseRecordKey(f *testing.F) {
	for _, seed := range []string{"Z1/com.example.,A,", "Z1/com.example.www.,AAAA,eu,west/1", "Z1/.,NS,", "", "Z1/,A", "Z1/a,X,"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		zoneID, k, err := parseRecordKey(rest)
		if err != nil {
			return
		}
		// What is read names one place only: it is written and read back the same.
		again, k2, err := parseRecordKey(strings.TrimPrefix(recordKey(zoneID, k), recordsPrefix))
		if err != nil || again != zoneID || k2 != k {
			t.Errorf("%q reads as %q %+v, which reads back as %q %+v, %v", rest, zoneID, k, again, k2, err)
		}
	})
}

// Whatever bytes come from etcd, taking them in never panics and never shows a zone that was not there.
func FuzzEdit(f *testing.F) {
	f.Add("/bulkhead/zone/Z1", `{"v":1,"data":{"id":"Z1","name":"example.com."}}`)
	f.Add("/bulkhead/rr/Z1/com.example.,A,", `{"v":1,"data":{"name":"example.com.","type":"A"}}`)
	f.Add("/bulkhead/check/1", `{"v":2,"data":{}}`)
	f.Add("/bulkhead/report/1/n", `{"v":1,"data":{"check":"1","checker":"n"}}`)
	f.Add("/bulkhead/targethealth/lb./n", `{"v":1,"data":true}`)
	f.Add("/bulkhead/cidr/1", `{"v":1,"data":{"id":"1","name":"n","version":1,"locations":{"a":["192.0.2.0/24"]}}}`)
	f.Add("/bulkhead/delegationset/N1", `{"v":1,"data":{"id":"N1","nameServers":["ns-0.awsdns-00.com"]}}`)
	f.Add("/bulkhead/tags/hostedzone/Z1", `{"v":1,"data":[{"key":"a","value":"b"}]}`)
	f.Add("/bulkhead/use/cidr/1", `{"v":1,"data":""}`)
	f.Fuzz(func(t *testing.T, key, value string) {
		var changed pending
		before := newState()
		e := before.edit(&changed, func(string) bool { return false })
		err := e.put(key, []byte(value), 1)
		st := e.done()
		if err != nil && st.ZoneCount()+st.CheckCount() > 0 {
			t.Errorf("key %q was refused (%v) but taken in", key, err)
		}
		e = st.edit(&changed, func(string) bool { return false })
		if err := e.delete(key); err != nil {
			return
		}
		after := e.done()
		if n := after.ZoneCount() + after.CheckCount() + after.reports.Len() + after.targets.Len() + after.zones.Len() +
			after.cidrs.Len() + after.delegations.Len() + after.tags.Len() + after.uses.Len(); n != 0 {
			t.Errorf("%d things are left after key %q was put and deleted", n, key)
		}
		if before.ZoneCount()+before.zones.Len() != 0 {
			t.Error("an edit changed the state it started from")
		}
	})
}

// A snapshot is believed as a whole or not at all.
func FuzzReadSnapshot(f *testing.F) {
	var changed pending
	e := newState().edit(&changed, func(string) bool { return false })
	z := zone.HostedZone{ID: "Z1", Name: "example.com.", NameServers: []string{"ns-0.awsdns-00.com"}}
	e.addZone(z.ID, z)
	for _, set := range zone.NewApexRecords(z) {
		e.addRecord(z.ID, set)
	}
	st := e.done()
	st.cluster, st.revision = 7, 42
	var whole bytes.Buffer
	if err := writeSnapshot(&whole, st, map[string]bool{"c": true}, time.Unix(0, 0)); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Add(whole.Bytes()[:whole.Len()/2])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := readSnapshot(bytes.NewReader(file))
		if err != nil {
			if got != nil {
				t.Error("a refused snapshot was returned")
			}
			return
		}
		var again bytes.Buffer
		if err := writeSnapshot(&again, got, got.verdicts, time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
		twice, err := readSnapshot(&again)
		if err != nil || twice.revision != got.revision || twice.ZoneCount() != got.ZoneCount() {
			t.Errorf("a snapshot read, written and read is %+v, %v: want %+v", twice, err, got)
		}
	})
}
