package dnsserver

import (
	crand "crypto/rand"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"

	"github.com/bulkhead-dns/bulkhead/steer"
	"github.com/bulkhead-dns/bulkhead/wire"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// A turn takes one query from its packet to its reply: parse, Decide, encode. It has all the memory for that. It
// belongs to one goroutine, which uses it again for the next query.
type turn struct {
	query  wire.Query
	ask    steer.Query
	answer steer.Answer
	reply  wire.Reply
	random *rand.PCG
	tally  tally
}

// newTurn returns a turn with its own random source, whose seed comes from the operating system. The random bits choose
// members by weight and rotate values. They protect no secret.
func newTurn() turn {
	var seed [16]byte
	crand.Read(seed[:]) // never returns an error: it ends the program instead
	return turn{random: rand.NewPCG(binary.NativeEndian.Uint64(seed[:]), binary.NativeEndian.Uint64(seed[8:]))}
}

// A transport is the protocol of a query.
type transport int

const (
	udp transport = iota
	tcp
)

// run answers the query in pkt, which came from src. It returns the reply, in the memory of pkt, or nil for no reply.
// pkt must have a capacity of wire.MaxUDP bytes over UDP and wire.MaxMessage over TCP. p is nil before the first
// Publish.
func (t *turn) run(p *published, pkt []byte, src netip.Addr, by transport) []byte {
	t.tally[udpQueries+counter(by)]++
	verdict := wire.Parse(pkt, &t.query)
	if verdict == wire.Drop {
		t.tally[dropped]++
		return nil
	}
	limit := wire.MaxMessage
	if by == udp {
		limit = t.query.UDPLimit()
	}
	t.reply.Begin(&t.query, pkt, limit)
	switch {
	case verdict == wire.Reject:
		return t.fail(t.query.RCode)
	case p == nil:
		return t.fail(wire.ServFail)
	}
	t.ask.Name = t.query.Name()
	t.ask.Type = zone.RRType(t.query.Type)
	// The client's network comes before the resolver's address. r53: A.2.
	if t.ask.Client, t.ask.ECS = t.query.Subnet.Prefix(); !t.ask.ECS {
		source := src.Unmap()
		t.ask.Client = netip.PrefixFrom(source, source.BitLen())
	}
	t.ask.Rand = t.random.Uint64()
	steer.Decide(p.view, p.table, &t.ask, &t.answer)
	return t.encode(by)
}

// drop counts a packet from port 0. Nobody can listen on that port, so the packet is forged.
func (t *turn) drop() {
	t.tally[udpQueries]++
	t.tally[dropped]++
}

// fail returns a reply with a code and no records.
func (t *turn) fail(rcode wire.RCode) []byte {
	switch rcode {
	case wire.FormErr:
		t.tally[formErr]++
	case wire.NotImp:
		t.tally[notImp]++
	case wire.BadVers:
		t.tally[badVers]++
	case wire.Refused:
		t.tally[refused]++
	default:
		t.tally[servFail]++
	}
	return t.reply.Finish(rcode, false, 0)
}

// encode writes the answer into the reply.
func (t *turn) encode(by transport) []byte {
	a := &t.answer
	rcode, fits, result := wire.NoError, false, noData
	switch a.Outcome {
	case steer.Answered:
		fits, result = t.appendAnswer(), answers
	case steer.NoData:
		fits = t.appendNegative()
	case steer.NXDomain:
		rcode, fits, result = wire.NXDomain, t.appendNegative(), nxDomain
	case steer.Referral:
		fits, result = t.appendReferral(), referrals
	case steer.Refused:
		return t.fail(wire.Refused)
	default:
		return t.fail(wire.ServFail)
	}
	if !fits && by == tcp {
		t.reply.Clear()
		return t.fail(wire.ServFail) // the answer is longer than any DNS message
	}
	if !fits {
		t.reply.Truncate()
	}
	t.tally[result]++
	if t.reply.Truncated() {
		t.tally[truncated]++
	}
	if a.FailOpen {
		t.tally[failOpen]++
	}
	// The zone is not authoritative for a delegated name, and no answer to class ANY is authoritative (RFC 1034 section
	// 3.7.1).
	authoritative := a.Outcome != steer.Referral && t.query.Class == wire.ClassIN
	return t.reply.Finish(rcode, authoritative, a.Scope)
}

// An owner is an owner name in the message.
type owner struct {
	at     wire.Owner
	length int // in bytes, with the root label
}

// suffix returns the name that the last n bytes of o form.
func (o owner) suffix(n int) wire.Owner { return o.at + wire.Owner(o.length-n) }

// target returns the name in the RDATA of the last record of the message, which is a CNAME.
func (t *turn) target() owner {
	at := t.reply.LastRData()
	return owner{at, t.reply.Len() - int(at)}
}

// appendLinks writes the answer section and returns the owner of its last link.
func (t *turn) appendLinks() (last owner, fits bool) {
	a := &t.answer
	final := 0 // the first link of the last owner
	for i := range a.N {
		if a.Links[i].AfterCNAME {
			final = i
		}
	}
	last = owner{wire.QName, len(t.ask.Name)}
	for i := range a.N {
		l := &a.Links[i]
		if l.AfterCNAME {
			last = t.target()
		}
		if a.OverrideTTL && i >= final {
			fits = t.reply.AppendTTL(wire.AnswerSection, last.at, wire.RRs(l.RRs), l.Start, a.TTL)
		} else {
			fits = t.reply.Append(wire.AnswerSection, last.at, wire.RRs(l.RRs), l.Start)
		}
		if !fits {
			return last, false
		}
	}
	return last, true
}

// appendAnswer writes a positive answer. The zone's NS set is optional: it is left out if it does not fit, and the
// reply is not truncated for it (RFC 2181 section 9). r53: A.12.
func (t *turn) appendAnswer() bool {
	last, fits := t.appendLinks()
	if fits {
		t.reply.Append(wire.AuthoritySection, last.suffix(t.answer.ZoneNameLen), wire.RRs(t.answer.NS), 0)
	}
	return fits
}

// appendNegative writes the SOA of the zone that has no such name or data, after the CNAMEs that led there (RFC 2308
// section 2).
func (t *turn) appendNegative() bool {
	last, fits := t.appendLinks()
	if !fits {
		return false
	}
	if t.answer.N > 0 {
		last = t.target()
	}
	return t.reply.Append(wire.AuthoritySection, last.suffix(t.answer.ZoneNameLen), wire.RRs(t.answer.SOA), 0)
}

// appendReferral writes a delegation and the addresses of the name servers below it. If the addresses do not all fit,
// the reply is marked as truncated, because a resolver may be unable to reach the servers without them (RFC 9471
// section 3.1).
func (t *turn) appendReferral() bool {
	a := &t.answer
	cut := owner{wire.QName, len(t.ask.Name)}.suffix(a.DelegationNameLen)
	if !t.reply.Append(wire.AuthoritySection, cut, wire.RRs(a.Delegation), 0) {
		return false
	}
	for i := range a.Glue {
		g := &a.Glue[i]
		if at, ok := t.reply.FindRData(g.Owner); ok && !t.reply.Append(wire.AdditionalSection, at, wire.RRs(g.RRs), 0) {
			t.reply.MarkTruncated()
		}
	}
	return true
}
