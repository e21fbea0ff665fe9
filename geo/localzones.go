package geo

import "strings"

// LocalZoneGroup returns the location of an AWS Local Zone group, such as us-east-1-bue-1. The name has the Region, the
// code of a city and a number. ok is false for unknown cities. AWS adds some every year: use the location of their
// Region instead. r53: A.7.
func LocalZoneGroup(name string) (at Coordinates, ok bool) {
	_, city := splitGroup(name)
	for _, known := range localZoneCities() {
		if known.Name == city {
			return known.Coordinates, true
		}
	}
	return Coordinates{}, false
}

// LocalZoneRegion returns the Region of a Local Zone group: its name without the last two parts. It is empty for a name
// with fewer parts.
func LocalZoneRegion(name string) string {
	region, _ := splitGroup(name)
	return region
}

func splitGroup(name string) (region, city string) {
	number := strings.LastIndexByte(name, '-')
	if number < 0 {
		return "", ""
	}
	at := strings.LastIndexByte(name[:number], '-')
	if at < 0 {
		return "", ""
	}
	return name[:at], name[at+1 : number]
}

// localZoneCities are the cities of Local Zones, by the airport code that group names have.
func localZoneCities() []Region {
	return []Region{
		{"akl", Coordinates{-36.85, 174.76}}, // Auckland
		{"atl", Coordinates{33.75, -84.39}},  // Atlanta
		{"bkk", Coordinates{13.76, 100.50}},  // Bangkok
		{"bos", Coordinates{42.36, -71.06}},  // Boston
		{"bue", Coordinates{-34.60, -58.38}}, // Buenos Aires
		{"ccu", Coordinates{22.57, 88.36}},   // Kolkata
		{"chi", Coordinates{41.88, -87.63}},  // Chicago
		{"cph", Coordinates{55.68, 12.57}},   // Copenhagen
		{"del", Coordinates{28.61, 77.21}},   // Delhi
		{"den", Coordinates{39.74, -104.99}}, // Denver
		{"dfw", Coordinates{32.78, -96.80}},  // Dallas
		{"ham", Coordinates{53.55, 9.99}},    // Hamburg
		{"hel", Coordinates{60.17, 24.94}},   // Helsinki
		{"hnl", Coordinates{21.31, -157.86}}, // Honolulu
		{"iah", Coordinates{29.76, -95.37}},  // Houston
		{"las", Coordinates{36.17, -115.14}}, // Las Vegas
		{"lax", Coordinates{34.05, -118.24}}, // Los Angeles
		{"lim", Coordinates{-12.05, -77.04}}, // Lima
		{"los", Coordinates{6.52, 3.38}},     // Lagos
		{"mci", Coordinates{39.10, -94.58}},  // Kansas City
		{"mct", Coordinates{23.59, 58.41}},   // Muscat
		{"mia", Coordinates{25.76, -80.19}},  // Miami
		{"mnl", Coordinates{14.60, 120.98}},  // Manila
		{"msp", Coordinates{44.98, -93.27}},  // Minneapolis
		{"nyc", Coordinates{40.71, -74.01}},  // New York
		{"pdx", Coordinates{45.52, -122.68}}, // Portland
		{"per", Coordinates{-31.95, 115.86}}, // Perth
		{"phl", Coordinates{39.95, -75.17}},  // Philadelphia
		{"phx", Coordinates{33.45, -112.07}}, // Phoenix
		{"qro", Coordinates{20.59, -100.39}}, // Querétaro
		{"scl", Coordinates{-33.45, -70.67}}, // Santiago
		{"sea", Coordinates{47.61, -122.33}}, // Seattle
		{"tpe", Coordinates{25.03, 121.56}},  // Taipei
		{"waw", Coordinates{52.23, 21.01}},   // Warsaw
	}
}
