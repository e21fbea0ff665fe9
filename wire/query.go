package wire

import "encoding/binary"

// A Query is what Parse read of a packet. Reuse it between packets.
type Query struct {
	Type, Class uint16
	RCode       RCode // what a rejected query is answered with; NoError for an accepted one

	EDNS    bool   // there was a well-formed OPT record
	DO      bool   // its DNSSEC OK bit; it changes nothing but is echoed (RFC 3225 section 3)
	UDPSize uint16 // what the client offers to receive over UDP, in bytes, as sent
	Subnet  Subnet

	name    [maxName]byte
	nameLen int
	end     int // where the question ends in the packet; 0 when there is none to echo
}

// Name is the queried name in wire format, uncompressed and in lower case. It is valid until the next Parse.
func (q *Query) Name() []byte { return q.name[:q.nameLen] }

// UDPLimit is the length in bytes that a response over UDP may have: 512 without EDNS, else what the client offers,
// within 512 to 4096. r53: A.12.
func (q *Query) UDPLimit() int {
	if !q.EDNS {
		return minUDP
	}
	return min(max(int(q.UDPSize), minUDP), MaxUDP)
}

// A Verdict is what is to be done with a packet.
type Verdict uint8

// The verdicts of Parse.
const (
	Drop   Verdict = iota // send nothing back
	Reject                // respond with Query.RCode and no records
	Accept                // look it up
)

// The header's flags as they lie in bytes 2 and 3 of a message.
const (
	flagQR     = 0x80 // byte 2
	maskOpcode = 0x78
	flagAA     = 0x04
	flagTC     = 0x02
	flagRD     = 0x01
	maskRCode  = 0x0F // byte 3
)

// Parse reads a packet into q and tells what to do with it. It never changes or keeps the packet. A rejected query
// can be answered by Reply all the same: as much of it is echoed as was readable.
//
// The order of the checks matters: what may be a response or is no DNS at all is never answered, because a reply
// could be answered in turn; an unknown opcode is named before the rest is read, because the rest may mean something
// else there.
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
		return FormErr // a query is never cut off and has nothing to report
	}
	qd, an, ns, ar := count(pkt, 4), count(pkt, 6), count(pkt, 8), count(pkt, 10)
	if qd != 1 {
		return FormErr // RFC 9619: a query has exactly one question
	}
	if !q.parseQuestion(pkt) {
		return FormErr
	}
	// An IXFR query carries an SOA in its authority section; it is refused below like every transfer, whatever
	// follows.
	if q.Type == typeIXFR || q.Type == typeAXFR {
		return Refused
	}
	if an != 0 || ns != 0 || ar > 1 {
		return FormErr // at most one OPT (RFC 6891 section 6.1.1), and nothing else is of use here
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
	// Type 0 and the unassigned data types are ordinary questions without data; the meta types name no data at all.
	if q.Type == typeOPT || q.Type >= typeMeta && q.Type < TypeANY {
		return NotImp
	}
	return NoError
}

// parseQuestion reads name, type and class behind the header.
func (q *Query) parseQuestion(pkt []byte) bool {
	n := nameLen(pkt[HeaderLen:])
	if n == 0 || len(pkt) < HeaderLen+n+4 {
		return false
	}
	// Length bytes are at most 63, so the whole name can be folded in one go (RFC 4343 section 3: ASCII letters
	// only).
	for i, c := range pkt[HeaderLen : HeaderLen+n] {
		q.name[i] = lower(c)
	}
	q.nameLen = n
	q.end = HeaderLen + n + 4
	q.Type = binary.BigEndian.Uint16(pkt[q.end-4:])
	q.Class = binary.BigEndian.Uint16(pkt[q.end-2:])
	return true
}

// nameLen returns the length of the uncompressed name at the start of b with its root label, or 0 when there is none:
// it runs out of the packet, is longer than 255 bytes, or has a compression pointer, which in a query's first name
// could point only at the header or itself.
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

// lower folds an ASCII letter; length bytes, all below 'A', stay as they are.
func lower(c byte) byte {
	if c-'A' < 26 {
		return c | 0x20
	}
	return c
}

func count(pkt []byte, at int) uint16 { return binary.BigEndian.Uint16(pkt[at:]) }
