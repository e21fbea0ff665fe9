package geo

import (
	"fmt"
	"math"
)

// The constants of the estimate of a round trip. The path is twice the great circle, times a factor, because cables do
// not follow it. The speed is that of light in fibre. A constant is added for access networks and for the Region. The
// estimate is for ranking Regions. If milliseconds matter, measure the latencies and configure them.
const (
	earthRadiusKm = 6371
	fibreKmPerMs  = 200 // two thirds of the speed of light
	pathFactor    = 1.5 // the length of real routes, relative to the great circle
	baseMs        = 1   // the round trip within one Region
)

// maxLatencyMs bounds configured round trips, so that they fit 32 bits in microseconds.
const maxLatencyMs = 60000

// estimate returns the round trip between two points in microseconds.
func estimate(a, b Point) uint32 {
	ms := baseMs + 2*distanceKm(a, b)*pathFactor/fibreKmPerMs
	return micros(ms)
}

// micros converts milliseconds within 0..maxLatencyMs.
func micros(ms float64) uint32 { return uint32(math.Round(ms * 1000)) }

// A Point is a location on the globe in the form for computing distances: a unit vector.
type Point struct{ x, y, z float64 }

// Point returns the point of coordinates.
func (c Coordinates) Point() Point {
	sinLat, cosLat := math.Sincos(radians(c.Latitude))
	sinLon, cosLon := math.Sincos(radians(c.Longitude))
	return Point{cosLat * cosLon, cosLat * sinLon, sinLat}
}

// distanceKm returns the great-circle distance. It computes it from the straight line between the points, which is
// exact for points that are close together too.
func distanceKm(a, b Point) float64 {
	x, y, z := a.x-b.x, a.y-b.y, a.z-b.z
	return 2 * earthRadiusKm * math.Asin(min(math.Sqrt(x*x+y*y+z*z)/2, 1))
}

func radians(degrees float64) float64 { return degrees * math.Pi / 180 }

// validate refuses coordinates outside the globe (and NaN, which compares false).
func (c Coordinates) validate() error {
	if !(c.Latitude >= -90 && c.Latitude <= 90) {
		return fmt.Errorf("latitude %v is not in -90..90", c.Latitude)
	}
	if !(c.Longitude >= -180 && c.Longitude <= 180) {
		return fmt.Errorf("longitude %v is not in -180..180", c.Longitude)
	}
	return nil
}
