package zone

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/validation"
)

func continent(id, code string) func(*ResourceRecordSet) {
	return func(s *ResourceRecordSet) { s.SetIdentifier, s.GeoLocation = id, &GeoLocation{ContinentCode: code} }
}

func inCountry(id, code string) func(*ResourceRecordSet) { return state(id, code, "") }

func state(id, country, code string) func(*ResourceRecordSet) {
	return func(s *ResourceRecordSet) {
		s.SetIdentifier, s.GeoLocation = id, &GeoLocation{CountryCode: country, SubdivisionCode: code}
	}
}

func near(id string, l GeoProximityLocation) func(*ResourceRecordSet) {
	return func(s *ResourceRecordSet) { s.SetIdentifier, s.GeoProximityLocation = id, &l }
}

func at(latitude, longitude string) GeoProximityLocation {
	return GeoProximityLocation{Coordinates: &Coordinates{latitude, longitude}}
}

func clients(id, collection, location string) func(*ResourceRecordSet) {
	return func(s *ResourceRecordSet) {
		s.SetIdentifier, s.CidrRoutingConfig = id, &CidrRoutingConfig{collection, location}
	}
}

// locatedFacts knows the CIDR collections c1, with the locations eu and us, and c2, with none.
func locatedFacts() Facts {
	facts := exampleFacts()
	facts.CIDRLocation = func(id, location string) (collection, loc bool) {
		return id == "c1" || id == "c2", id == "c1" && (location == "eu" || location == "us")
	}
	return facts
}

// locatedRecords is exampleRecords with a group of each policy that goes by where the client is.
func locatedRecords() *Records {
	r := exampleRecords()
	v1 := values("192.0.2.1")
	for _, s := range []ResourceRecordSet{
		set("geo", A, v1, inCountry("jp", "JP")),
		set("geo", A, v1, inCountry("us", "US")),
		set("geo", A, v1, state("va", "US", "VA")),
		set("geo", A, v1, continent("eu", "EU")),
		set("near", A, v1, near("eu", GeoProximityLocation{AWSRegion: "eu-west-1"})),
		set("cidr", A, v1, clients("eu", "c1", "eu")),
		set("cidr", A, v1, clients("rest", "c1", "*")),
	} {
		r.Put(&s)
	}
	return r
}

func TestApplyAcceptsLocations(t *testing.T) {
	v1 := values("192.0.2.1")
	private := exampleZone()
	private.PrivateZone = true
	for _, c := range []struct {
		rule    string
		zone    HostedZone
		changes []Change
	}{
		{"r53: A.6 the four forms of a location", exampleZone(), []Change{
			create(set("new", A, v1, inCountry("rest", "*"))), create(set("new", A, v1, continent("na", "NA"))),
			create(set("new", A, v1, inCountry("us", "US"))), create(set("new", A, v1, state("dc", "US", "DC")))}},
		{"r53: A.6 country and state are two locations", exampleZone(),
			[]Change{create(set("geo", A, v1, state("ca", "US", "CA")))}},
		{"r53: A.1 geolocation with several values, a health check and another TTL", exampleZone(), []Change{
			create(set("geo", A, values("192.0.2.1", "192.0.2.2"), ttl(1), inCountry("de", "DE"), check("hc1")))}},
		{"r53: A.1 geolocation in a private zone", private, []Change{create(set("new", A, v1, inCountry("rest", "*")))}},
		{"r53: C.6 a member moves by UPSERT", exampleZone(), []Change{upsert(set("geo", A, v1, inCountry("jp", "DE")))}},
		{"r53: C.6 two members swap their locations", exampleZone(), []Change{
			upsert(set("geo", A, v1, inCountry("us", "JP"))), upsert(set("geo", A, v1, inCountry("jp", "US")))}},
		{"r53: C.6 geolocation becomes IP-based as a whole", exampleZone(), []Change{
			upsert(set("cidr", A, v1, inCountry("eu", "*"))), upsert(set("cidr", A, v1, inCountry("rest", "FR")))}},
		{"r53: A.7 the three forms of a place", exampleZone(), []Change{
			create(set("near", A, v1, near("1", GeoProximityLocation{AWSRegion: "us-east-1", Bias: new(int64(-99))}))),
			create(set("near", A, v1, near("2", GeoProximityLocation{LocalZoneGroup: "us-east-1-bue-1", Bias: new(int64(99))}))),
			create(set("near", A, v1, near("3", at("-90", "+180.00"))))}},
		{"r53: A.7 geoproximity members may share a place, unconfirmed", exampleZone(), []Change{
			create(set("near", A, v1, near("1", GeoProximityLocation{AWSRegion: "eu-west-1"})))}},
		{"r53: A.8 locations of one collection", exampleZone(),
			[]Change{create(set("cidr", A, v1, clients("us", "c1", "us")))}},
		{"r53: A.8 the default of an empty collection", exampleZone(),
			[]Change{create(set("new", A, v1, clients("rest", "c2", "*")))}},
		{"r53: A.8 the group changes its collection as a whole", exampleZone(), []Change{
			remove(set("cidr", A, v1, clients("eu", "c1", "eu"))), upsert(set("cidr", A, v1, clients("rest", "c2", "*")))}},
		{"r53: C.6 an alias", exampleZone(), []Change{
			create(set("new", A, alias(ownZone, "www.example.com", true), inCountry("rest", "*")))}},
		{"r53: C.8 30 geoproximity members", exampleZone(), each(30, func(i int) Change {
			return create(set("new", A, v1, near(fmt.Sprint(i), at(fmt.Sprint(i), "0"))))
		})},
	} {
		if _, _, err := locatedRecords().Apply(c.zone, c.changes, locatedFacts()); err != nil {
			t.Errorf("%s: %v", c.rule, err)
		}
	}
}

func TestApplyRefusesLocations(t *testing.T) {
	v1 := values("192.0.2.1")
	private := exampleZone()
	private.PrivateZone = true
	const newSet, exists = "RRSet with DNS name new.example.com., type A, SetIdentifier x",
		"RRSet with the same name and type already exists."
	for _, c := range []struct {
		rule    string
		zone    HostedZone
		changes []Change
		want    string
	}{
		{"r53: C.6 duplicate country", exampleZone(), []Change{create(set("geo", A, v1, inCountry("s", "JP")))},
			"RRSet with DNS name geo.example.com., type A, SetIdentifier s, and routing to [country = (JP, Japan)} cannot be " +
				"created because " +
				"a GEO RRSet with the same name, type and routing to [country = (JP, Japan)} already exists."},
		{"r53: C.6 duplicate state", exampleZone(), []Change{create(set("geo", A, v1, state("s", "US", "VA")))},
			"RRSet with DNS name geo.example.com., type A, SetIdentifier s, and routing to [country = (US, United States), " +
				"subdivision = (VA, Virginia)} " +
				"cannot be created because a GEO RRSet with the same name, type and routing to [country = (US, United States), " +
				"subdivision = (VA, Virginia)} already exists."},
		{"r53: C.6 duplicate continent", exampleZone(), []Change{create(set("geo", A, v1, continent("s", "EU")))},
			"RRSet with DNS name geo.example.com., type A, SetIdentifier s, and routing to [continent = (EU, Europe)} cannot " +
				"be created because " +
				"a GEO RRSet with the same name, type and routing to [continent = (EU, Europe)} already exists."},
		{"r53: A.8 duplicate CIDR location, unconfirmed", exampleZone(),
			[]Change{create(set("cidr", A, v1, clients("s", "c1", "eu")))},
			"RRSet with DNS name cidr.example.com., type A, SetIdentifier s, and routing to [collection = (c1), location = " +
				"(eu)} cannot be created because " +
				"an IP-based RRSet with the same name, type and routing to [collection = (c1), location = (eu)} already exists."},
		{"r53: A.8 two collections in a group", exampleZone(), []Change{create(set("cidr", A, v1, clients("s", "c2", "*")))},
			"RRSet with DNS name cidr.example.com., type A, SetIdentifier s, and routing to [collection = (c2), location = " +
				"(*)} cannot be created because " +
				"an IP-based RRSet with the same name and type uses another CIDR collection, c1."},

		{"r53: A.1 geolocation beside simple", exampleZone(), []Change{create(set("www", A, v1, inCountry("x", "*")))},
			"RRSet with DNS name www.example.com., type A, SetIdentifier x, and routing to [country = (*, Default)} cannot be " +
				"created because a non-GEO " + exists},
		{"r53: A.1 geoproximity beside IP-based", exampleZone(),
			[]Change{create(set("cidr", A, v1, near("x", at("1.5", "-2"))))},
			"RRSet with DNS name cidr.example.com., type A, SetIdentifier x, and routing to [coordinates = (1.5, -2)} cannot " +
				"be created because a non-geoproximity " + exists},
		{"r53: A.1 IP-based beside geolocation", exampleZone(), []Change{create(set("geo", A, v1, clients("x", "c1", "eu")))},
			"RRSet with DNS name geo.example.com., type A, SetIdentifier x, and routing to [collection = (c1), location = " +
				"(eu)} cannot be created because a non-IP-based " + exists},
		{"r53: A.1 geoproximity beside geolocation", exampleZone(),
			[]Change{create(set("geo", A, v1, near("x", GeoProximityLocation{AWSRegion: "eu-west-1"})))},
			"RRSet with DNS name geo.example.com., type A, SetIdentifier x, and routing to [location = (eu-west-1)} cannot be " +
				"created because a non-geoproximity " + exists},
		{"r53: A.1 weighted beside geolocation", exampleZone(), []Change{create(set("geo", A, v1, weight("x", 1)))},
			"RRSet with DNS name geo.example.com., type A, SetIdentifier x cannot be created as a non-weighted set exists " +
				"with the same name and type."},

		{"r53: A.6 no such country", exampleZone(), []Change{create(set("new", A, v1, inCountry("x", "XX")))},
			"Cannot find location [country = (XX)} for " + newSet},
		{"r53: A.6 codes are in upper case", exampleZone(), []Change{create(set("new", A, v1, inCountry("x", "de")))},
			"Cannot find location [country = (de)} for " + newSet},
		{"r53: A.6 no sets for Bouvet Island", exampleZone(), []Change{create(set("new", A, v1, inCountry("x", "BV")))},
			"Cannot find location [country = (BV)} for " + newSet},
		{"r53: A.6 no such continent", exampleZone(), []Change{create(set("new", A, v1, continent("x", "XX")))},
			"Cannot find location [continent = (XX)} for " + newSet},
		{"r53: A.6 US territories are countries", exampleZone(), []Change{create(set("new", A, v1, state("x", "US", "PR")))},
			"Cannot find location [country = (US, United States), subdivision = (PR)} for " + newSet},
		{"r53: A.7 not an AWS Region", exampleZone(), []Change{create(set("new", A, v1,
			near("x", GeoProximityLocation{AWSRegion: "home"})))},
			newSet + " cannot be created as 'home' is not an AWS Region"},
		{"r53: A.7 not a Local Zone group", exampleZone(), []Change{create(set("new", A, v1,
			near("x", GeoProximityLocation{LocalZoneGroup: "us-east-1"})))},
			newSet + " cannot be created as 'us-east-1' is not a Local Zone group: the name of an AWS Region and more behind " +
				"it, such as us-east-1-bue-1"},
		{"r53: A.8 no such collection", exampleZone(), []Change{create(set("new", A, v1, clients("x", "c3", "*")))},
			newSet + " cannot be created as no CIDR collection has the id c3"},
		{"r53: A.8 no such location", exampleZone(), []Change{create(set("new", A, v1, clients("x", "c2", "eu")))},
			newSet + " cannot be created as CIDR collection c2 has no location named eu"},

		{"r53: A.1 geoproximity in a private zone", private, []Change{create(set("new", A, v1, near("x", at("0", "0"))))},
			newSet + " cannot be created with geoproximity routing, as zone example.com. is private"},
		{"r53: A.1 IP-based in a private zone", private, []Change{create(set("new", A, v1, clients("x", "c1", "eu")))},
			newSet + " cannot be created with IP-based routing, as zone example.com. is private"},
		{"r53: A.1 NS is simple", exampleZone(), []Change{create(set("new", NS, values("ns.example.net"),
			inCountry("x", "*")))},
			"RRSet with DNS name new.example.com., type NS, SetIdentifier x cannot be created with geolocation routing, as " +
				"this type of RRSet is not supported"},
		{"r53: A.1 DS is simple", exampleZone(), []Change{create(set("new", DS, values("1 2 3 ab"),
			clients("x", "c1", "eu")))},
			"RRSet with DNS name new.example.com., type DS, SetIdentifier x cannot be created with IP-based routing, as this " +
				"type of RRSet is not supported"},
		{"r53: C.8 31 geoproximity members", exampleZone(), each(31, func(i int) Change {
			return create(set("new", A, v1, near(fmt.Sprint(i), at(fmt.Sprint(i), "0"))))
		}), "Exceeded limit on number of geoproximity RRSets for new.example.com., type A in this zone."},
	} {
		_, _, err := locatedRecords().Apply(c.zone, c.changes, locatedFacts())
		var refused *InvalidChangeBatch
		if !errors.As(err, &refused) {
			t.Errorf("%s: error %v, want InvalidChangeBatch %q", c.rule, err, c.want)
			continue
		}
		if diff := cmp.Diff([]string{c.want}, refused.Messages); diff != "" {
			t.Errorf("%s: messages want -, got +\n%s", c.rule, diff)
		}
	}
}

func TestApplyRefusesMalformedLocations(t *testing.T) {
	const (
		in   = " in Change with [Action=CREATE, Name=new.example.com., Type=A, SetIdentifier=x]"
		area = "Invalid request: Expected exactly one of [ContinentCode, or CountryCode], "
		spot = "Invalid request: Expected exactly one of [AWSRegion, LocalZoneGroup, or Coordinates], "
		more = "Invalid request: Expected exactly one of [Weight, Region, Failover, GeoLocation, MultiValueAnswer, " +
			"GeoProximityLocation, or " +
			"CidrRoutingConfig], but found more than one" + in
	)
	broken := func(value, path, constraint string) string {
		return fmt.Sprintf(
			"1 validation error detected: Value '%s' at 'changeBatch.changes.1.member.resourceRecordSet.%s' failed to "+
				"satisfy constraint: %s", value, path, constraint)
	}
	located := func(l GeoLocation) func(*ResourceRecordSet) {
		return func(s *ResourceRecordSet) { s.SetIdentifier, s.GeoLocation = "x", &l }
	}
	for _, c := range []struct {
		rule   string
		change func(*ResourceRecordSet)
		want   string
	}{
		{"r53: A.6 continent and country", located(GeoLocation{ContinentCode: "EU", CountryCode: "DE"}),
			area + "but found more than one" + in},
		{"r53: A.6 empty location", located(GeoLocation{}), area + "but found none" + in},
		{"r53: A.6 state without country", located(GeoLocation{SubdivisionCode: "VA"}), area + "but found none" + in},
		{"r53: A.6 state of another country", located(GeoLocation{CountryCode: "CA", SubdivisionCode: "ON"}),
			"Invalid request: SubdivisionCode 'ON' needs CountryCode 'US'" + in},
		{"r53: A.6 state of a continent", located(GeoLocation{ContinentCode: "NA", SubdivisionCode: "VA"}),
			"Invalid request: SubdivisionCode 'VA' needs CountryCode 'US'" + in},
		{"r53: A.6 one letter", located(GeoLocation{ContinentCode: "E"}),
			broken("E", "geoLocation.continentCode", "Member must have length greater than or equal to 2")},
		{"r53: A.6 three letters", located(GeoLocation{CountryCode: "DEU"}),
			broken("DEU", "geoLocation.countryCode", "Member must have length less than or equal to 2")},
		{"r53: A.7 no place", near("x", GeoProximityLocation{Bias: new(int64(1))}), spot + "but found none" + in},
		{"r53: A.7 two places", near("x", GeoProximityLocation{AWSRegion: "eu-west-1", LocalZoneGroup: "eu-west-1-x-1"}),
			spot + "but found more than one" + in},
		{"r53: A.7 latitude out of range", near("x", at("90.01", "0")),
			"Invalid request: Coordinates '90.01, 0' are not within -90 to 90 and -180 to 180" + in},
		{"r53: A.7 longitude out of range", near("x", at("0", "-180.01")),
			"Invalid request: Coordinates '0, -180.01' are not within -90 to 90 and -180 to 180" + in},
		{"r53: A.7 three decimals", near("x", at("1.234", "0")), broken("1.234", "geoProximityLocation.coordinates.latitude",
			`Member must satisfy regular expression pattern: [-+]?[0-9]{1,2}(\.[0-9]{0,2})?`)},
		{"r53: A.7 no longitude", near("x", at("1", "")), broken("", "geoProximityLocation.coordinates.longitude",
			`Member must satisfy regular expression pattern: [-+]?[0-9]{1,3}(\.[0-9]{0,2})?`)},
		{"r53: A.7 bias over 99", near("x", GeoProximityLocation{AWSRegion: "eu-west-1", Bias: new(int64(100))}),
			broken("100", "geoProximityLocation.bias", "Member must have value less than or equal to 99")},
		{"r53: A.7 bias under -99", near("x", GeoProximityLocation{AWSRegion: "eu-west-1", Bias: new(int64(-100))}),
			broken("-100", "geoProximityLocation.bias", "Member must have value greater than or equal to -99")},
		{"r53: A.8 no collection", clients("x", "", "eu"), broken("", "cidrRoutingConfig.collectionId",
			"Member must not be null")},
		{"r53: A.8 location of 17", clients("x", "c1", strings.Repeat("l", 17)),
			broken(strings.Repeat("l", 17), "cidrRoutingConfig.locationName",
				"Member must have length less than or equal to 16")},
		{"r53: A.8 location with a star in it", clients("x", "c1", "eu*"), broken("eu*", "cidrRoutingConfig.locationName",
			`Member must be * or satisfy regular expression pattern: [0-9A-Za-z_\-]+`)},
		{"r53: C.6 geolocation and weight", func(s *ResourceRecordSet) { inCountry("x", "*")(s); weight("x", 1)(s) }, more},
		{"r53: C.6 geoproximity and IP-based", func(s *ResourceRecordSet) {
			near("x", at("0", "0"))(s)
			clients("x", "c1", "*")(s)
		}, more},
	} {
		_, _, err := locatedRecords().Apply(exampleZone(), []Change{create(set("new", A, values("192.0.2.1"), c.change))},
			locatedFacts())
		var invalid *validation.InvalidInput
		if !errors.As(err, &invalid) || err.Error() != c.want {
			t.Errorf("%s: error\n%v, want InvalidInput\n%s", c.rule, err, c.want)
		}
	}
}

func TestApplyKnowsNoCollectionWithoutFacts(t *testing.T) {
	_, _, err := locatedRecords().Apply(exampleZone(), []Change{upsert(set("cidr", A, values("192.0.2.1"),
		clients("eu", "c1", "eu")))}, Facts{})
	if err == nil || !strings.Contains(err.Error(), "no CIDR collection has the id c1") {
		t.Errorf("error %v, want one about collection c1", err)
	}
	gone := locatedFacts() // a set that cites what is gone remains deletable
	gone.CIDRLocation = nil
	if _, _, err := locatedRecords().Apply(exampleZone(), []Change{remove(set("cidr", A, values("192.0.2.1"),
		clients("eu", "c1", "eu")))}, gone); err != nil {
		t.Errorf("DELETE of a set of a collection that is gone: %v", err)
	}
}

func TestApplyLimitsRecordSets(t *testing.T) {
	facts := locatedFacts()
	have := locatedRecords().Len()
	more := []Change{create(set("new", A, values("192.0.2.1")))}
	fewer := []Change{remove(set("multi", A, values("192.0.2.1"), multi("m1")))}
	for _, c := range []struct {
		rule    string
		limit   int
		changes []Change
		want    string // r53: C.8
	}{
		{"no limit", 0, more, ""},
		{"up to the limit", have + 1, more, ""},
		{"over the limit", have, more,
			fmt.Sprintf("[The number of ResourceRecordSets in zone example.com. would be %d, at most %d are allowed]", have+1,
				have)},
		{"over the limit already, but shrinking", have - 5, fewer, ""},
		{"one goes, one comes", have - 5, slices.Concat(fewer, more), ""},
	} {
		facts.Limits.RecordSetsPerZone = c.limit
		_, _, err := locatedRecords().Apply(exampleZone(), c.changes, facts)
		if (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
			t.Errorf("%s: %v, want %q", c.rule, err, c.want)
		}
	}
	if got := quota.Default(); got.RecordSetsPerZone != 10_000 || got.HostedZones != 500 || got.HealthChecks != 200 {
		t.Errorf("default limits %+v, want those of r53: C.8", got)
	}
}

func FuzzCoordinates(f *testing.F) {
	for _, s := range []string{"0", "-90", "90.00", "+1.5", "12.", "180", "-180.00", "1.234", ".5", "-", "", "1e1", "0x1",
		"99.99", "--1", "+-1"} {
		f.Add(s, s)
	}
	form := regexp.MustCompile(`^[-+]?[0-9]{1,3}(\.[0-9]{0,2})?$`) // that of the API model, as far as longitudes go
	short := regexp.MustCompile(`^[-+]?[0-9]{1,2}(\.[0-9]{0,2})?$`)
	f.Fuzz(func(t *testing.T, latitude, longitude string) {
		lat, lon, ok := Coordinates{latitude, longitude}.Degrees()
		wantLat, latErr := strconv.ParseFloat(latitude, 64)
		wantLon, lonErr := strconv.ParseFloat(longitude, 64)
		want := short.MatchString(latitude) && form.MatchString(longitude) && latErr == nil && lonErr == nil &&
			-90 <= wantLat && wantLat <= 90 && -180 <= wantLon && wantLon <= 180
		if ok != want || ok && (lat != wantLat || lon != wantLon) {
			t.Errorf("Degrees of %q, %q: %v, %v, %v, want %v, %v, %v", latitude, longitude, lat, lon, ok, wantLat, wantLon, want)
		}
	})
}
