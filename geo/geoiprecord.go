package geo

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// A flatRecord is the form of ipinfo's databases of several years. Codes are in country_code and continent_code. If
// these fields do not exist, country and continent have the codes; otherwise they have names. Coordinates are numbers
// or text.
type flatRecord struct {
	CountryCode   string `maxminddb:"country_code"`
	Country       string `maxminddb:"country"`
	ContinentCode string `maxminddb:"continent_code"`
	Continent     string `maxminddb:"continent"`
	RegionCode    string `maxminddb:"region_code"`
	Latitude      any    `maxminddb:"latitude"`
	Longitude     any    `maxminddb:"longitude"`
	Lat           any    `maxminddb:"lat"`
	Lng           any    `maxminddb:"lng"`
}

// isFlat reports whether one record has ipinfo's form, not MaxMind's, and returns the names of its fields. All records
// of a database have the same form.
func isFlat(decode func(any) error) (flat bool, fields []string, err error) {
	var all map[string]any
	if err := decode(&all); err != nil {
		return false, nil, err
	}
	for _, name := range []string{"country", "continent", "country_code", "continent_code", "latitude", "lat"} {
		value, ok := all[name]
		_, nested := value.(map[string]any)
		flat = flat || ok && !nested
	}
	return flat, slices.Sorted(maps.Keys(all)), nil
}

// readRecord decodes a record of either form and checks it.
func readRecord(decode func(any) error, flat bool) (geoIPRecord, error) {
	var r record
	if !flat {
		if err := decode(&r); err != nil {
			return geoIPRecord{}, err
		}
		return r.convert()
	}
	var f flatRecord
	if err := decode(&f); err != nil {
		return geoIPRecord{}, err
	}
	r.Country.Code = codeOf(f.CountryCode, f.Country)
	r.Continent.Code = codeOf(f.ContinentCode, f.Continent)
	if f.RegionCode != "" {
		r.Subdivisions = append(r.Subdivisions, struct {
			Code string `maxminddb:"iso_code"`
		}{f.RegionCode})
	}
	var err error
	if r.Location.Latitude, err = degree("latitude", f.Latitude, f.Lat); err != nil {
		return geoIPRecord{}, err
	}
	if r.Location.Longitude, err = degree("longitude", f.Longitude, f.Lng); err != nil {
		return geoIPRecord{}, err
	}
	return r.convert()
}

// codeOf returns the code, or the value of the other field if that is a code and not a name.
func codeOf(code, other string) string {
	if code == "" && len(other) == 2 {
		return other
	}
	return code
}

// degree returns the coordinate in the first field that has one, or nil if none has.
func degree(name string, fields ...any) (*float64, error) {
	for _, value := range fields {
		switch v := value.(type) {
		case nil:
		case float64:
			return &v, nil
		case float32:
			wide := float64(v)
			return &wide, nil
		case string:
			if v == "" {
				continue
			}
			parsed, err := strconv.ParseFloat(v, 64)
			if err != nil {
				return nil, fmt.Errorf("location: %s %q is not a number", name, v)
			}
			return &parsed, nil
		default:
			return nil, fmt.Errorf("location: %s is neither a number nor text", name)
		}
	}
	return nil, nil
}
