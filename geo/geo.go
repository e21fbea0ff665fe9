// Package geo says where a client is and how far every Region is from there.
//
// A place is found from the client's address by prefix tables; the latency between a place and a Region is taken from a measured
// table or estimated from great-circle distance. An Atlas is immutable and holds no sockets or files.
package geo

import "net/netip"

// Coordinates are degrees; Latitude -90..90, Longitude -180..180.
type Coordinates struct{ Latitude, Longitude float64 }

// A Place is somewhere clients are.
type Place struct {
	Name string // "near eu-west-1"
	// Region, when set, places its clients in that Region; Coordinates then default to the Region's.
	Region      string
	Coordinates *Coordinates
	// Latencies are measured round trips in milliseconds by Region label; they win over estimates.
	Latencies map[string]float64
	// ClientSubnets are matched against the EDNS Client Subnet address, Sources against the packet's source address.
	ClientSubnets, Sources []netip.Prefix
}

// A Region is a Region label with its location, beside the built-in AWS Regions.
type Region struct {
	Name        string
	Coordinates Coordinates
}

// Options of New. The zero value is an atlas with the AWS Regions and no places.
type Options struct {
	Places  []Place
	Regions []Region
}

// PlaceID and RegionID index an Atlas. Place 0 is "unknown": every Region is equally far, so order falls to the SetIdentifier.
// Region 0 is "unknown": farther than any other.
type (
	PlaceID  uint32
	RegionID uint32
)

// An Atlas maps client addresses to places and pairs of place and Region to latencies.
type Atlas struct {
	// unexported
}

// New builds an atlas. Errors name the place and the field: a prefix used twice, an unknown Region without coordinates.
func New(o Options) (*Atlas, error) { panic("contract") }

// Locate finds the place of a client without allocating. ecs says that addr came from EDNS Client Subnet (looked up in the
// client subnet table first, then in the source table); otherwise only the source table is used. scope is the prefix length
// the decision holds for (RFC 7871 section 7.2.1): the matched prefix's length, or the full address length where more specific prefixes are nested in it or none
// matched; the caller caps it by the SOURCE PREFIX-LENGTH where it must.
func (a *Atlas) Locate(addr netip.Addr, ecs bool) (p PlaceID, scope int) { panic("contract") }

// Region interns a Region label; 0 when the label is neither an AWS Region nor configured.
func (a *Atlas) Region(name string) RegionID { panic("contract") }

// Latency returns the round trip between a place and a Region in microseconds without allocating; math.MaxUint32 when unknown.
func (a *Atlas) Latency(p PlaceID, r RegionID) uint32 { panic("contract") }

// Measured reports whether Latency for this pair comes from a measured table rather than an estimate.
func (a *Atlas) Measured(p PlaceID, r RegionID) bool { panic("contract") }

// Place returns the place of an id, for display.
func (a *Atlas) Place(p PlaceID) Place { panic("contract") }
