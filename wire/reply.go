package wire

import (
	"bytes"
	"encoding/binary"
)

// RRs are resource records, one after the other, encoded without their owner name: type, class, TTL, RDLENGTH and RDATA
// (RFC 1035 section 3.2.1). Names in the RDATA are uncompressed.
type RRs struct {
	Wire  []byte
	Count int
}

// An Owner is the position of an uncompressed owner name in the message, in bytes from the start of the message.
type Owner int

// QName is the queried name as an owner.
const QName Owner = HeaderLen

// maxOwner is the last position that a compression pointer can point at (RFC 1035 section 4.1.4: 14 bits).
const maxOwner Owner = 0x3FFF

// A Section is a part of a message that has records. Fill the sections in their order.
type Section uint8

// The sections of a response after the question.
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
	limit     int // the largest length of the message without the OPT record
	counts    [3]uint16
	rdata     int // the start of the RDATA of the last record
	truncated bool
}

// Begin starts the response to q, which Parse read from buf. The response overwrites buf and has at most limit bytes.
// The capacity of buf must be at least limit, and limit at least 512.
func (r *Reply) Begin(q *Query, buf []byte, limit int) {
	*r = Reply{q: q, msg: buf[:max(q.end, HeaderLen)], limit: limit - q.optLen()}
}

// Append adds a whole RRset. It begins with the record number start and ends with the record before it. It adds nothing
// and returns false if the set does not fit, or if a pointer cannot reach its owner name.
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

// AppendTTL is like Append, but gives every record another TTL, in seconds.
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

// FindRData returns the position of a name that is the RDATA of a record in the message. It can be the owner of further
// records, such as the addresses of a name server in an NS record. name and the names in the message are in lower case.
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

// LastRData returns the start of the RDATA of the last record. For a CNAME that is the position of its target.
func (r *Reply) LastRData() Owner { return Owner(r.rdata) }

// Len returns the length of the message so far in bytes, without the OPT record.
func (r *Reply) Len() int { return len(r.msg) }

// Truncate removes all records and marks the response as truncated, so that the client asks again over TCP (RFC 2181
// section 9).
func (r *Reply) Truncate() {
	r.Clear()
	r.truncated = true
}

// Clear removes all records.
func (r *Reply) Clear() {
	r.msg = r.msg[:max(r.q.end, HeaderLen)]
	r.counts = [3]uint16{}
}

// MarkTruncated marks the response as truncated and keeps its records.
func (r *Reply) MarkTruncated() { r.truncated = true }

// Truncated reports whether the response is marked as truncated.
func (r *Reply) Truncated() bool { return r.truncated }

// Finish completes the message and returns it. aa is the authoritative answer flag. scope is the SCOPE PREFIX-LENGTH in
// bits; it is used if the query has a client subnet. Finish caps it by the SOURCE PREFIX-LENGTH: a longer scope would
// only say that the client should have sent more bits, and a resolver caches the answer for the prefix that it sent in
// either case (RFC 7871 section 7.3.1).
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

// copyRRs appends records, each after a pointer to its owner name.
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

// rrLen returns the length of the first record of rrs without its owner name.
func rrLen(rrs []byte) int { return rrFixedLen + int(binary.BigEndian.Uint16(rrs[8:])) }
