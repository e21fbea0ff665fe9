package wire

import (
	"bytes"
	"encoding/binary"
)

// RRs are resource records encoded without their owner: type, class, TTL, RDLENGTH, RDATA, each after the other
// (RFC 1035 section 3.2.1), with names in the RDATA uncompressed.
type RRs struct {
	Wire  []byte
	Count int
}

// An Owner is where the name that owns records stands in the message, uncompressed, in bytes from the message's
// start.
type Owner int

// QName is the queried name as an owner.
const QName Owner = HeaderLen

// maxOwner is the last place that a compression pointer reaches (RFC 1035 section 4.1.4: 14 bits).
const maxOwner Owner = 0x3FFF

// A Section is a part of a message that holds records. Sections are filled in this order.
type Section uint8

// The sections of a response behind the question.
const (
	AnswerSection Section = iota
	AuthoritySection
	AdditionalSection
)

const rrFixedLen = 10 // of a record without its owner: type, class, TTL, RDLENGTH

// A Reply writes the response to one query over the query's own packet. Call Begin, then Append section by section,
// then Finish. Reuse it between queries.
type Reply struct {
	q         *Query
	msg       []byte
	limit     int // for everything but the OPT record
	counts    [3]uint16
	rdata     int // where the RDATA of the record appended last begins
	truncated bool
}

// Begin starts the response to q, which Parse read from buf. The response takes buf's memory from its start and is at
// most limit bytes long; buf has that much capacity, and limit is at least 512.
func (r *Reply) Begin(q *Query, buf []byte, limit int) {
	*r = Reply{q: q, msg: buf[:max(q.end, HeaderLen)], limit: limit - q.optLen()}
}

// Append adds a whole RRset, from its record number start on and round to the one before it. It reports false and
// adds nothing when the set does not fit, or when its owner lies deeper in the message than a pointer reaches.
func (r *Reply) Append(s Section, o Owner, set RRs, start int) bool {
	if len(r.msg)+len(set.Wire)+2*set.Count > r.limit || o > maxOwner {
		return false
	}
	first := 0
	for range start {
		first += rrLen(set.Wire[first:])
	}
	r.copyRRs(o, set.Wire[first:])
	r.copyRRs(o, set.Wire[:first])
	r.counts[s] += uint16(set.Count)
	return true
}

// AppendTTL is Append with another TTL, in seconds, on every record.
func (r *Reply) AppendTTL(s Section, o Owner, set RRs, start int, ttl uint32) bool {
	from := len(r.msg)
	if !r.Append(s, o, set, start) {
		return false
	}
	for at := from + 2; at < len(r.msg); {
		binary.BigEndian.PutUint32(r.msg[at+4:], ttl)
		at += rrLen(r.msg[at:]) + 2
	}
	return true
}

// FindRData finds a record in the message whose RDATA is this name, for records that belong to it: the addresses of a
// name server named in an NS record. Names in RDATA and name are both in lower case.
func (r *Reply) FindRData(name []byte) (o Owner, ok bool) {
	for at := max(r.q.end, HeaderLen); at < len(r.msg); {
		end := at + 2 + rrLen(r.msg[at+2:])
		at += 2 + rrFixedLen
		if bytes.Equal(r.msg[at:end], name) {
			return Owner(at), true
		}
		at = end
	}
	return 0, false
}

// LastRData is where the RDATA of the record appended last begins: for a CNAME, where its target stands.
func (r *Reply) LastRData() Owner { return Owner(r.rdata) }

// Len is the length of the message so far in bytes, without the OPT record.
func (r *Reply) Len() int { return len(r.msg) }

// Truncate takes all records back and marks the response as truncated, so that the client asks again over TCP (RFC
// 2181 section 9).
func (r *Reply) Truncate() {
	r.Clear()
	r.truncated = true
}

// Clear takes all records back.
func (r *Reply) Clear() {
	r.msg = r.msg[:max(r.q.end, HeaderLen)]
	r.counts = [3]uint16{}
}

// MarkTruncated marks the response as truncated and keeps the records that are in it.
func (r *Reply) MarkTruncated() { r.truncated = true }

// Truncated tells whether the response is marked as truncated.
func (r *Reply) Truncated() bool { return r.truncated }

// Finish completes the message and returns it. aa is the authoritative answer flag; scope the SCOPE PREFIX-LENGTH in
// bits when the query had a client subnet, capped by the SOURCE PREFIX-LENGTH: a longer one would only tell that the
// client should have sent more, and a resolver keeps the answer for the prefix it sent in either case (RFC 7871
// section 7.3.1).
func (r *Reply) Finish(rcode RCode, aa bool, scope int) []byte {
	q, h := r.q, r.msg[:HeaderLen]
	h[2] = flagQR | h[2]&(maskOpcode|flagRD)
	if aa {
		h[2] |= flagAA
	}
	if r.truncated {
		h[2] |= flagTC
	}
	h[3] = byte(rcode) & maskRCode
	if q.EDNS {
		r.counts[AdditionalSection]++
	}
	var questions uint16
	if q.end != 0 {
		questions = 1
	}
	binary.BigEndian.PutUint16(h[4:], questions)
	for i, n := range r.counts {
		binary.BigEndian.PutUint16(h[6+2*i:], n)
	}
	return q.appendOPT(r.msg, rcode, uint8(min(max(scope, 0), int(q.Subnet.Source))))
}

// copyRRs appends records, each with a pointer to its owner before it.
func (r *Reply) copyRRs(o Owner, rrs []byte) {
	msg := r.msg
	for len(rrs) != 0 {
		n := rrLen(rrs)
		msg = append(msg, 0xC0|byte(o>>8), byte(o))
		r.rdata = len(msg) + rrFixedLen
		msg = append(msg, rrs[:n]...)
		rrs = rrs[n:]
	}
	r.msg = msg
}

// rrLen is the length of the first record of rrs without its owner.
func rrLen(rrs []byte) int { return rrFixedLen + int(binary.BigEndian.Uint16(rrs[8:])) }
