//go:build !race

package wire

import "testing"

func TestParseDoesNotAllocate(t *testing.T) {
	pkt := withOption(t, optionECS, 0, 1, 24, 0, 192, 0, 2)
	var q Query
	if n := testing.AllocsPerRun(100, func() { Parse(pkt, &q) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestReplyDoesNotAllocate(t *testing.T) {
	pkt := withOption(t, optionECS, 0, 1, 24, 0, 192, 0, 2)
	set := rrset(t, "app1.example.com. 60 IN A 192.0.2.1", "app1.example.com. 60 IN A 192.0.2.2")
	buf := make([]byte, MaxUDP)
	var q Query
	var r Reply
	n := testing.AllocsPerRun(100, func() {
		Parse(buf[:copy(buf, pkt)], &q)
		r.Begin(&q, buf[:len(pkt)], q.UDPLimit())
		r.AppendTTL(AnswerSection, QName, set, 1, 30)
		r.Finish(NoError, true, 24)
	})
	if n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
