// Package wire is the message codec of an authoritative DNS server. It reads a query without allocating, and writes the
// response over it, in the same buffer.
//
// It accepts only a query with one question and at most one OPT record. It drops anything else or answers it with an
// error, before a zone is read. The order of the checks is that of established name servers. The bytes of the question
// stay in place, so a response repeats the name in the case of the query. Records follow it, with owner names
// compressed to pointers (RFC 1035 section 4.1.4). A response never exceeds its limit: it contains the whole RRset or
// nothing of it (RFC 2181 section 9).
package wire

// Sizes of messages in bytes.
const (
	// HeaderLen is the length of a message header (RFC 1035 section 4.1.1).
	HeaderLen = 12
	// MaxMessage is the longest message over TCP (RFC 1035 section 4.2.2).
	MaxMessage = 65535
	// MaxUDP is the longest message sent or received over UDP. r53: A.12.
	MaxUDP = 4096
	// minUDP is the length that every client accepts over UDP, with or without EDNS (RFC 6891 section 6.2.3).
	minUDP = 512
	// advertisedUDP is the payload size in our OPT records. A larger query could only arrive in fragments (RFC 9715).
	advertisedUDP = 1232
	// maxName is the longest name on the wire, with its root label (RFC 1035 section 2.3.4).
	maxName = 255
	// maxLabel is the longest label. A larger length byte is a compression pointer or an obsolete label type.
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

// Types and classes that decide whether a question is accepted.
const (
	TypeANY  = 255 // the last of the question types; it gets a minimal answer (RFC 8482)
	ClassIN  = 1
	ClassANY = 255

	typeOPT   = 41
	typeMeta  = 128 // the first of the meta and question types (RFC 6895 section 3.1)
	typeIXFR  = 251
	typeAXFR  = 252
	optionECS = 8
)
