package geo

// awsRegions returns the AWS Regions that latency records may have, with the location of the city or county in their
// name. AWS does not publish the locations of its data centres. An error of a few dozen kilometres changes an estimate
// by less than a millisecond.
func awsRegions() []Region {
	return []Region{
		{"af-south-1", Coordinates{-33.93, 18.42}},      // Cape Town
		{"ap-east-1", Coordinates{22.28, 114.16}},       // Hong Kong
		{"ap-east-2", Coordinates{25.03, 121.56}},       // Taipei
		{"ap-northeast-1", Coordinates{35.68, 139.69}},  // Tokyo
		{"ap-northeast-2", Coordinates{37.57, 126.98}},  // Seoul
		{"ap-northeast-3", Coordinates{34.69, 135.50}},  // Osaka
		{"ap-south-1", Coordinates{19.08, 72.88}},       // Mumbai
		{"ap-south-2", Coordinates{17.39, 78.49}},       // Hyderabad
		{"ap-southeast-1", Coordinates{1.35, 103.82}},   // Singapore
		{"ap-southeast-2", Coordinates{-33.87, 151.21}}, // Sydney
		{"ap-southeast-3", Coordinates{-6.21, 106.85}},  // Jakarta
		{"ap-southeast-4", Coordinates{-37.81, 144.96}}, // Melbourne
		{"ap-southeast-5", Coordinates{3.14, 101.69}},   // Kuala Lumpur
		{"ap-southeast-6", Coordinates{-36.85, 174.76}}, // Auckland
		{"ap-southeast-7", Coordinates{13.76, 100.50}},  // Bangkok
		{"ca-central-1", Coordinates{45.50, -73.57}},    // Montreal
		{"ca-west-1", Coordinates{51.05, -114.07}},      // Calgary
		{"cn-north-1", Coordinates{39.90, 116.41}},      // Beijing
		{"cn-northwest-1", Coordinates{37.50, 105.20}},  // Zhongwei, Ningxia
		{"eu-central-1", Coordinates{50.11, 8.68}},      // Frankfurt
		{"eu-central-2", Coordinates{47.38, 8.54}},      // Zurich
		{"eu-north-1", Coordinates{59.33, 18.07}},       // Stockholm
		{"eu-south-1", Coordinates{45.46, 9.19}},        // Milan
		{"eu-south-2", Coordinates{41.65, -0.89}},       // Zaragoza
		{"eu-west-1", Coordinates{53.35, -6.26}},        // Dublin
		{"eu-west-2", Coordinates{51.51, -0.13}},        // London
		{"eu-west-3", Coordinates{48.86, 2.35}},         // Paris
		{"eusc-de-east-1", Coordinates{52.41, 12.55}},   // Brandenburg
		{"il-central-1", Coordinates{32.09, 34.78}},     // Tel Aviv
		{"me-central-1", Coordinates{24.45, 54.38}},     // Abu Dhabi
		{"me-south-1", Coordinates{26.23, 50.59}},       // Manama
		{"mx-central-1", Coordinates{20.59, -100.39}},   // Querétaro
		{"sa-east-1", Coordinates{-23.55, -46.63}},      // São Paulo
		{"us-east-1", Coordinates{39.04, -77.49}},       // Ashburn
		{"us-east-2", Coordinates{39.96, -83.00}},       // Columbus
		{"us-gov-east-1", Coordinates{39.96, -83.00}},   // Columbus
		{"us-gov-west-1", Coordinates{45.84, -119.70}},  // Umatilla, Oregon
		{"us-west-1", Coordinates{37.34, -121.89}},      // San Jose
		{"us-west-2", Coordinates{45.84, -119.70}},      // Umatilla, Oregon
	}
}
