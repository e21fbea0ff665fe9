package geo

import (
	"fmt"
	"math"
)

// The estimate of a round trip: there and back along the great circle, lengthened because cables do not follow it, at
// the speed of light in fibre, plus what is spent in access networks and inside a Region. It is meant for ranking
// Regions; where the ranking matters to the millisecond, measure and configure latencies.
const (
	earthRadiusKm = 6371
	fibreKmPerMs  = 200 // two thirds of the speed of light
	pathFactor    = 1.5 // what long routes take beyond the great circle
	baseMs        = 1   // all there is within one Region
)

// maxLatencyMs bounds configured round trips, so that microseconds fit 32 bits.
const maxLatencyMs = 60000

// estimate returns the round trip between two points in microseconds.
func estimate(a, b Point) uint32 {
	ms := baseMs + 2*distanceKm(a, b)*pathFactor/fibreKmPerMs
	return micros(ms)
}

// micros converts milliseconds within 0..maxLatencyMs.
func micros(ms float64) uint32 { return uint32(math.Round(ms * 1000)) }

// A Point is a place on the globe made ready to measure distances from: the unit vector that leads there.
type Point struct{ x, y, z float64 }

// Point returns the point of coordinates.
func (c Coordinates) Point() Point {
	sinLat, cosLat := math.Sincos(radians(c.Latitude))
	sinLon, cosLon := math.Sincos(radians(c.Longitude))
	return Point{cosLat * cosLon, cosLat * sinLon, sinLat}
}

// distanceKm is the great-circle distance by way of the straight line between the points, which stays exact for points
// that are close together.
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
