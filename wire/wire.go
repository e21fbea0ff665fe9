// Package wire is the message codec of an authoritative DNS server: it reads a query without allocating and writes
// the response over it, in the same buffer.
//
// It accepts one thing: a single plain question, with at most one OPT record beside it. Everything else is dropped or
// answered with an error before anybody looks into a zone, in the order of checks that established name servers use.
// The question's bytes stay where they are, so a response echoes the case of the name as it was asked; records are
// appended behind it with owners compressed to pointers (RFC 1035 section 4.1.4). A response never grows beyond its
// limit: an RRset goes in whole or not at all (RFC 2181 section 9).
package wire

// Sizes of messages in bytes.
const (
	// HeaderLen is the length of a message header (RFC 1035 section 4.1.1).
	HeaderLen = 12
	// MaxMessage is the longest message over TCP (RFC 1035 section 4.2.2).
	MaxMessage = 65535
	// MaxUDP is the longest message sent or received over UDP. r53: A.12.
	MaxUDP = 4096
	// minUDP is what every client takes over UDP, with or without EDNS (RFC 6891 section 6.2.3).
	minUDP = 512
	// advertisedUDP is the payload size that our OPT records offer: queries that are larger only invite fragments
	// (RFC 9715).
	advertisedUDP = 1232
	// maxName is the longest name on the wire, with its root label (RFC 1035 section 2.3.4).
	maxName = 255
	// maxLabel is the longest label; a length byte above it is a compression pointer or an abandoned label type.
	maxLabel = 63
)

// An RCode is a response code; values above 15 need EDNS (RFC 6891 section 6.1.3).
type RCode uint16

// The response codes of an authoritative server.
const (
	NoError  RCode = 0
	FormErr  RCode = 1
	ServFail RCode = 2
	NXDomain RCode = 3
	NotImp   RCode = 4
	Refused  RCode = 5
	BadVers  RCode = 16
)

// Types and classes that decide whether a question is served at all.
const (
	TypeANY  = 255 // the last of the question types; answered with little (RFC 8482)
	ClassIN  = 1
	ClassANY = 255

	typeOPT   = 41
	typeMeta  = 128 // the first of the meta and question types (RFC 6895 section 3.1)
	typeIXFR  = 251
	typeAXFR  = 252
	optionECS = 8
)
