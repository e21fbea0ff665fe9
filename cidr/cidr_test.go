package cidr

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/validation"
)

func put(location string, blocks ...string) Change { return Change{location, Put, blocks} }
func drop(location string, blocks ...string) Change {
	return Change{location, DeleteIfExists, blocks}
}

// exampleCollection has version 2, the locations eu and us, and record sets that route to eu.
func exampleCollection(t *testing.T) Collection {
	t.Helper()
	c, err := New("c1", "offices", "r1")
	if err != nil {
		t.Fatal(err)
	}
	c, err = c.Change(1, []Change{put("us", "2001:db8::/32"), put("eu", "192.0.2.0/24", "10.0.0.0/8")}, nil,
		quota.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func usedLocation(location string) bool { return location == "eu" }

// listing is a collection's content as text.
func listing(c Collection) map[string]string {
	list := map[string]string{}
	for location, blocks := range c.Locations {
		list[location] = strings.Trim(fmt.Sprint(blocks), "[]")
	}
	return list
}

func TestCollectionChanges(t *testing.T) {
	for _, c := range []struct {
		rule    string
		version int64
		changes []Change
		want    map[string]string
	}{
		{"r53: C.3 PUT adds", 2, []Change{put("us", "198.51.100.0/24")},
			map[string]string{"eu": "10.0.0.0/8 192.0.2.0/24", "us": "198.51.100.0/24 2001:db8::/32"}},
		{"r53: C.3 PUT of what is there", 0, []Change{put("eu", "10.0.0.0/8", "10.0.0.0/8")},
			map[string]string{"eu": "10.0.0.0/8 192.0.2.0/24", "us": "2001:db8::/32"}},
		{"r53: C.3 PUT makes a location", 2, []Change{put("as_1-X", "128.0.0.0/1", "8000::/1")},
			map[string]string{"as_1-X": "128.0.0.0/1 8000::/1", "eu": "10.0.0.0/8 192.0.2.0/24", "us": "2001:db8::/32"}},
		{"r53: C.3 DELETE_IF_EXISTS unmakes a location", 2, []Change{drop("us", "2001:db8::/32")},
			map[string]string{"eu": "10.0.0.0/8 192.0.2.0/24"}},
		{"r53: C.3 DELETE_IF_EXISTS of what is not there", 2,
			[]Change{drop("us", "10.0.0.0/8"), drop("none", "2001:db8::/32")},
			map[string]string{"eu": "10.0.0.0/8 192.0.2.0/24", "us": "2001:db8::/32"}},
		{"r53: A.8 a block inside one of another location", 2,
			[]Change{put("us", "10.1.0.0/16"), put("eu", "2001:db8:1::/48")},
			map[string]string{"eu": "10.0.0.0/8 192.0.2.0/24 2001:db8:1::/48", "us": "10.1.0.0/16 2001:db8::/32"}},
		{"r53: C.3 a block moves", 2, []Change{drop("eu", "10.0.0.0/8"), put("us", "10.0.0.0/8")},
			map[string]string{"eu": "192.0.2.0/24", "us": "10.0.0.0/8 2001:db8::/32"}},
		{"r53: C.3 a block moves, put first", 2, []Change{put("us", "10.0.0.0/8"), drop("eu", "10.0.0.0/8")},
			map[string]string{"eu": "192.0.2.0/24", "us": "10.0.0.0/8 2001:db8::/32"}},
		{"r53: C.3 a used location is emptied and filled again", 2,
			[]Change{drop("eu", "10.0.0.0/8", "192.0.2.0/24"), put("eu", "11.0.0.0/8")},
			map[string]string{"eu": "11.0.0.0/8", "us": "2001:db8::/32"}},
	} {
		before := exampleCollection(t)
		got, err := before.Change(c.version, c.changes, usedLocation, quota.Limits{CIDRBlocksPerCollection: 5})
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		if diff := cmp.Diff(c.want, listing(got)); diff != "" {
			t.Errorf("%s: content want -, got +\n%s", c.rule, diff)
		}
		if got.Version != 3 || got.ID != "c1" || got.Name != "offices" || got.CallerReference != "r1" {
			t.Errorf("%s: %+v, want version 3 of c1", c.rule, got)
		}
		if diff := cmp.Diff(listing(exampleCollection(t)), listing(before)); diff != "" {
			t.Errorf("%s: the collection it was made from changed\n%s", c.rule, diff)
		}
	}
}

func TestCollectionRefuses(t *testing.T) {
	one := []Change{put("eu", "11.0.0.0/8")}
	block := func(text, problem string) error {
		return &validation.InvalidInput{Message: "Invalid request: changes.1.member.cidrList.1.member: '" + text + "' " +
			problem}
	}
	broken := func(value, path, constraint string) error {
		return &validation.InvalidInput{Message: fmt.Sprintf(
			"1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, path, constraint)}
	}
	subnets := func(n int) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf("11.%d.%d.0/24", i/256, i%256)
		}
		return list
	}
	const (
		notBlock = "is not a CIDR block: want an IPv4 or IPv6 block such as 192.0.2.0/24"
		star     = " (all addresses are the record location *)"
	)
	for _, c := range []struct {
		rule    string
		version int64
		changes []Change
		limit   int
		want    error
	}{
		{"r53: C.3 an old version", 1, one, 0, &VersionMismatch{ID: "c1", Given: 1, Current: 2}},
		{"r53: C.3 a version to come", 3, one, 0, &VersionMismatch{ID: "c1", Given: 3, Current: 2}},
		{"r53: C.3 no version at all", -1, one, 0, broken("-1", "collectionVersion",
			"Member must have value greater than or equal to 1")},
		{"r53: A.8 one block in two locations", 2, []Change{put("us", "10.0.0.0/8")}, 0,
			&BlockInUse{"CIDR block 10.0.0.0/8 is already in use by location eu, location us cannot have it too"}},
		{"r53: C.3 the last block of a used location", 2, []Change{drop("eu", "10.0.0.0/8", "192.0.2.0/24")}, 0,
			&BlockInUse{"The last CIDR block of location eu cannot be deleted, as record sets route to the location"}},
		{"r53: C.8 too many blocks", 2, []Change{put("us", subnets(2)...)}, 4,
			&quota.LimitsExceeded{Message: "CIDR collection c1 would have 5 blocks, at most 4 are allowed"}},

		{"r53: A.8 not a block", 2, []Change{put("us", "10.0.0.0")}, 0, block("10.0.0.0", notBlock)},
		{"r53: A.8 an IPv4 block in IPv6's dress", 2, []Change{put("us", "::ffff:10.0.0.0/40")}, 0,
			block("::ffff:10.0.0.0/40", notBlock)},
		{"r53: A.8 host bits, unconfirmed", 2, []Change{put("us", "10.0.0.1/8")}, 0,
			block("10.0.0.1/8", "has bits set after its prefix: want 10.0.0.0/8")},
		{"r53: A.8 IPv4 /25", 2, []Change{put("us", "10.0.0.0/25")}, 0,
			block("10.0.0.0/25", "has a prefix length of 25: want 1 to 24"+star)},
		{"r53: A.8 IPv6 /49", 2, []Change{put("us", "2001:db8::/49")}, 0,
			block("2001:db8::/49", "has a prefix length of 49: want 1 to 48"+star)},
		{"r53: A.8 all of IPv4", 2, []Change{put("us", "0.0.0.0/0")}, 0,
			block("0.0.0.0/0", "has a prefix length of 0: want 1 to 24"+star)},
		{"r53: A.8 all of IPv6", 2, []Change{drop("us", "::/0")}, 0,
			block("::/0", "has a prefix length of 0: want 1 to 48"+star)},

		{"r53: C.3 no changes", 2, nil, 0, broken("[]", "changes", "Member must have length greater than or equal to 1")},
		{"r53: C.3 1001 changes", 2, slices.Repeat(one, 1001), 0,
			broken("[...]", "changes", "Member must have length less than or equal to 1000")},
		{"r53: C.3 no blocks", 2, []Change{put("us")}, 0,
			broken("[]", "changes.1.member.cidrList", "Member must have length greater than or equal to 1")},
		{"r53: C.3 1001 blocks", 2, []Change{put("us", subnets(1001)...)}, 0,
			broken("[...]", "changes.1.member.cidrList", "Member must have length less than or equal to 1000")},
		{"API ChangeCidrCollection: 1000 blocks in one request", 2,
			[]Change{put("us", subnets(600)...), put("eu", subnets(401)...)}, 0,
			&validation.InvalidInput{Message: "Invalid request: 1001 CIDR blocks in one request, at most 1000 are allowed"}},
		{"r53: A.8 location of 17", 2, []Change{put(strings.Repeat("l", 17), "11.0.0.0/8")}, 0,
			broken(strings.Repeat("l", 17), "changes.1.member.locationName",
				"Member must have length less than or equal to 16")},
		{"r53: A.8 the default location is not stored", 2, []Change{put("*", "11.0.0.0/8")}, 0,
			broken("*", "changes.1.member.locationName", `Member must satisfy regular expression pattern: [0-9A-Za-z_\-]+`)},
		{"r53: C.3 another action", 2, []Change{{"us", "DELETE", []string{"11.0.0.0/8"}}}, 0,
			broken("DELETE", "changes.1.member.action", "Member must satisfy enum value set: [PUT, DELETE_IF_EXISTS]")},
	} {
		_, err := exampleCollection(t).Change(c.version, c.changes, usedLocation,
			quota.Limits{CIDRBlocksPerCollection: c.limit})
		if diff := cmp.Diff(c.want, err); diff != "" {
			t.Errorf("%s: error want -, got +\n%s", c.rule, diff)
		}
	}
	for want, err := range map[string]error{
		"CIDR collection c1 has version 2, not 1: it was changed since": &VersionMismatch{ID: "c1", Given: 1, Current: 2},
		"in use":   &BlockInUse{"in use"},
		"too many": &quota.LimitsExceeded{Message: "too many"},
	} {
		if err.Error() != want {
			t.Errorf("%#v reads %q, want %q", err, err.Error(), want)
		}
	}
}

func TestCollectionIsMadeAndDeleted(t *testing.T) {
	for _, c := range []struct{ name, reference, want string }{ // r53: C.3
		{strings.Repeat("n", 64), strings.Repeat("r", 64), ""},
		{"my offices", "r", "1 validation error detected: Value 'my offices' at 'name' failed to satisfy constraint: " +
			`Member must satisfy regular expression pattern: [0-9A-Za-z_\-]+`},
		{"n", "é", "1 validation error detected: Value 'é' at 'callerReference' failed to satisfy constraint: " +
			`Member must satisfy regular expression pattern: \p{ASCII}+`},
		{"n", strings.Repeat("r", 65), "1 validation error detected: Value '" + strings.Repeat("r", 65) +
			"' at 'callerReference' failed to " +
			"satisfy constraint: Member must have length less than or equal to 64"},
	} {
		made, err := New("c1", c.name, c.reference)
		var invalid *validation.InvalidInput
		if (err == nil) != (c.want == "") || err != nil && (!errors.As(err, &invalid) || err.Error() != c.want) {
			t.Errorf("%q, %q: %v, want %q", c.name, c.reference, err, c.want)
		}
		if err == nil && made.Version != 1 {
			t.Errorf("a new collection has version %d, want 1", made.Version)
		}
	}
	empty, full := Collection{ID: "c1"}, exampleCollection(t)
	if err := empty.CheckDelete(false); err != nil {
		t.Errorf("an empty collection cannot be deleted: %v", err)
	}
	var inUse *CollectionInUse
	if err := full.CheckDelete(false); !errors.As(err, &inUse) ||
		err.Error() != "CIDR collection c1 is not empty: it has 2 locations" {
		t.Errorf("a full collection: %v, want CollectionInUse", err)
	}
	if err := empty.CheckDelete(true); !errors.As(err, &inUse) ||
		err.Error() != "CIDR collection c1 is in use by record sets" {
		t.Errorf("a used collection: %v, want CollectionInUse", err)
	}
}

func TestCollectionJSON(t *testing.T) {
	c := exampleCollection(t)
	text, err := json.Marshal(c)
	want := `{"id":"c1","name":"offices","callerReference":"r1","version":2,` +
		`"locations":{"eu":["10.0.0.0/8","192.0.2.0/24"],"us":["2001:db8::/32"]}}`
	if string(text) != want || err != nil {
		t.Errorf("JSON is %s, %v, want %s", text, err, want)
	}
	var back Collection
	err = json.Unmarshal(text, &back)
	if diff := cmp.Diff(c, back, cmpopts.EquateComparable(netip.Prefix{})); diff != "" || err != nil {
		t.Errorf("read back: %v\n%s", err, diff)
	}
}

// runChanges applies random changes to a collection and to a plain set of (location, block) at the same time.
func runChanges(t *testing.T, seed uint64) (accepted int) {
	r := rand.New(rand.NewPCG(seed, 0))
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	type entry struct{ location, block string }
	collection, err := New("c1", "n", "r")
	if err != nil {
		t.Fatal(err)
	}
	model := map[entry]bool{}
	for range 20 {
		changes := make([]Change, 1+r.IntN(3))
		next := maps.Clone(model)
		for i := range changes {
			c := Change{LocationName: pick("eu", "us"), Action: Put}
			if r.IntN(2) == 0 {
				c.Action = DeleteIfExists
			}
			for range 1 + r.IntN(2) {
				block := pick("10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32")
				c.CIDRList = append(c.CIDRList, block)
				if c.Action == Put {
					next[entry{c.LocationName, block}] = true
				} else {
					delete(next, entry{c.LocationName, block})
				}
			}
			changes[i] = c
		}
		used := r.IntN(2) == 0
		blocks, locations, had := map[string]int{}, map[string]int{}, map[string]int{}
		for e := range next {
			blocks[e.block]++
			locations[e.location]++
		}
		for e := range model {
			had[e.location]++
		}
		want := !slices.Contains(slices.Collect(maps.Values(blocks)), 2) && !(used && had["eu"] > 0 && locations["eu"] == 0)

		changed, err := collection.Change(collection.Version, changes,
			func(l string) bool { return used && l == "eu" }, quota.Limits{})
		if want != (err == nil) {
			t.Fatalf("seed %d: changes accepted %v, model %v: %v\n%+v on %+v", seed, err == nil, want, err, changes,
				listing(collection))
		}
		if err != nil {
			continue
		}
		accepted++
		got := map[entry]bool{}
		for location, list := range changed.Locations {
			for _, block := range list {
				got[entry{location, block.String()}] = true
			}
		}
		if diff := cmp.Diff(next, got); diff != "" || changed.Version != collection.Version+1 {
			t.Fatalf("seed %d: version %d after %d, content want -, got +\n%s", seed, changed.Version, collection.Version, diff)
		}
		collection, model = changed, next
	}
	return accepted
}

func TestCollectionAgreesWithModel(t *testing.T) {
	accepted := 0
	for seed := range uint64(200) {
		accepted += runChanges(t, seed)
	}
	if accepted < 1000 {
		t.Errorf("only %d of 4000 requests were accepted: the test says little", accepted)
	}
}

func FuzzBlock(f *testing.F) {
	for _, s := range []string{"10.0.0.0/8", "10.0.0.1/8", "0.0.0.0/0", "2001:db8::/48", "::ffff:0:0/96", "fe80::%eth0/10",
		"10.0.0.0/08", "1/1", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		collection, err := Collection{Version: 1}.Change(0, []Change{put("l", text)}, nil, quota.Limits{})
		if err != nil {
			if collection.Locations != nil {
				t.Fatalf("%q is refused, but stored", text)
			}
			return
		}
		block := collection.Locations["l"][0]
		high := map[bool]int{true: 24, false: 48}[block.Addr().Is4()]
		if block != block.Masked() || block.Bits() < 1 || block.Bits() > high || block.Addr().Zone() != "" ||
			block.Addr().Is4In6() {
			t.Errorf("%q is stored as %s", text, block)
		}
		if gone, err := collection.Change(2, []Change{drop("l", block.String())}, nil, quota.Limits{}); err != nil ||
			len(gone.Locations) != 0 {
			t.Errorf("%s cannot be deleted again: %v", block, err)
		}
	})
}
