package wire

import "encoding/binary"

// A Query is what Parse reads from a packet. Reuse it between packets.
type Query struct {
	Type, Class uint16
	RCode       RCode // the code for the response to a rejected query; NoError for an accepted one

	EDNS    bool   // the query has a well-formed OPT record
	DO      bool   // the DNSSEC OK bit; it is only echoed (RFC 3225 section 3)
	UDPSize uint16 // the length that the client accepts over UDP, in bytes, as sent
	Subnet  Subnet

	name    [maxName]byte
	nameLen int
	end     int // the end of the question in the packet; 0 if there is no question to echo
}

// Name returns the queried name in wire format, uncompressed and in lower case. It is valid until the next Parse.
func (q *Query) Name() []byte { return q.name[:q.nameLen] }

// UDPLimit returns the largest length of a response over UDP in bytes: 512 without EDNS, else the length that the
// client accepts, but at least 512 and at most 4096. r53: A.12.
func (q *Query) UDPLimit() int {
	if !q.EDNS {
		return minUDP
	}
	return min(max(int(q.UDPSize), minUDP), MaxUDP)
}

// A Verdict says what to do with a packet.
type Verdict uint8

// The verdicts of Parse.
const (
	Drop   Verdict = iota // send nothing back
	Reject                // respond with Query.RCode and no records
	Accept                // answer it from the zones
)

// The flags in bytes 2 and 3 of a message header.
const (
	flagQR     = 0x80 // byte 2
	maskOpcode = 0x78
	flagAA     = 0x04
	flagTC     = 0x02
	flagRD     = 0x01
	maskRCode  = 0x0F // byte 3
)

// Parse reads a packet into q and says what to do with it. It never changes or keeps the packet. Reply can answer a
// rejected query too: it echoes what was readable.
//
// The order of the checks matters. A packet that may be a response, or that is not DNS, is never answered, because the
// other side could answer our reply again. An unknown opcode is refused before the rest is read, because with that
// opcode the rest may mean something else.
func Parse(pkt []byte, q *Query) Verdict {
	q.Type, q.Class, q.RCode = 0, 0, NoError
	q.EDNS, q.DO, q.UDPSize = false, false, 0
	q.Subnet.Present = false
	q.nameLen, q.end = 0, 0

	if len(pkt) < HeaderLen || pkt[2]&flagQR != 0 {
		return Drop
	}
	q.RCode = q.parse(pkt)
	if q.RCode != NoError {
		return Reject
	}
	return Accept
}

func (q *Query) parse(pkt []byte) RCode {
	if pkt[2]&maskOpcode != 0 {
		return NotImp // NOTIFY, UPDATE and the rest. r53: A.12 "AXFR/IXFR, dynamic update: not offered"
	}
	if pkt[2]&flagTC != 0 || pkt[3]&maskRCode != 0 {
		return FormErr // a query is never truncated and never has a response code
	}
	qd, an, ns, ar := count(pkt, 4), count(pkt, 6), count(pkt, 8), count(pkt, 10)
	if qd != 1 {
		return FormErr // RFC 9619: a query has exactly one question
	}
	if !q.parseQuestion(pkt) {
		return FormErr
	}
	// Every transfer is refused, whatever follows: an IXFR query has an SOA in its authority section.
	if q.Type == typeIXFR || q.Type == typeAXFR {
		return Refused
	}
	if an != 0 || ns != 0 || ar > 1 {
		return FormErr // at most one OPT (RFC 6891 section 6.1.1), and no other records
	}
	rest := pkt[q.end:]
	if ar == 1 {
		var rcode RCode
		if rest, rcode = q.parseOPT(rest); rcode != NoError {
			return rcode
		}
	}
	if len(rest) != 0 {
		return FormErr
	}
	if q.Class != ClassIN && q.Class != ClassANY {
		return Refused
	}
	// Type 0 and the unassigned data types are valid questions: there is no data. The meta types have no data ever.
	if q.Type == typeOPT || q.Type >= typeMeta && q.Type < TypeANY {
		return NotImp
	}
	return NoError
}

// parseQuestion reads the name, type and class after the header.
func (q *Query) parseQuestion(pkt []byte) bool {
	n := nameLen(pkt[HeaderLen:])
	if n == 0 || len(pkt) < HeaderLen+n+4 {
		return false
	}
	// Length bytes are at most 63, so they are never letters, and one loop can fold the whole name. Only ASCII letters
	// are folded (RFC 4343 section 3).
	for i, c := range pkt[HeaderLen : HeaderLen+n] {
		q.name[i] = lower(c)
	}
	q.nameLen = n
	q.end = HeaderLen + n + 4
	q.Type = binary.BigEndian.Uint16(pkt[q.end-4:])
	q.Class = binary.BigEndian.Uint16(pkt[q.end-2:])
	return true
}

// nameLen returns the length of the uncompressed name at the start of b, with its root label. It returns 0 if the name
// exceeds the packet or 255 bytes, or if it has a compression pointer: in the first name of a query, a pointer could
// only point at the header or at itself.
func nameLen(b []byte) int {
	for n := 0; n < len(b) && n < maxName; {
		l := int(b[n])
		if l == 0 {
			return n + 1
		}
		if l > maxLabel {
			return 0
		}
		n += 1 + l
	}
	return 0
}

// lower folds an ASCII letter. It does not change length bytes, which are all below 'A'.
func lower(c byte) byte {
	if c-'A' < 26 {
		return c | 0x20
	}
	return c
}

func count(pkt []byte, at int) uint16 { return binary.BigEndian.Uint16(pkt[at:]) }
