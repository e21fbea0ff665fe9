package zone

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParseName(t *testing.T) {
	label63 := strings.Repeat("a", 63)
	name253 := strings.Join([]string{label63, label63, label63, strings.Repeat("b", 61)}, ".")
	for _, c := range []struct{ in, want, code, rule string }{
		{"example.com", "example.com.", "", "r53: C.7 trailing dot optional"},
		{"example.com.", "example.com.", "", "r53: C.7"},
		{"WWW.Example.COM", "www.example.com.", "", "r53: C.7 lower case"},
		{"*.example.com", `\052.example.com.`, "", "r53: C.7 raw wildcard"},
		{`\052.example.com`, `\052.example.com.`, "", "r53: C.7 escaped wildcard"},
		{`a@b.example.com`, `a\100b.example.com.`, "", "r53: C.7 @ is returned as \\100"},
		{`\101.example.com`, `a.example.com.`, "", "r53: C.7 escaped upper case folds"},
		{`\141.example.com`, `a.example.com.`, "", "r53: C.7 escapes of plain characters"},
		{`a\056b.com`, `a\056b.com.`, "", "r53: C.7 literal dot"},
		{`a\000\377.com`, `a\000\377.com.`, "", "r53: C.7 escaped bytes"},
		{`_sip._tcp.example.com`, `_sip._tcp.example.com.`, "", "r53: C.7 plain underscore"},
		{".", ".", "", "the root"},
		{label63 + ".com", label63 + ".com.", "", "r53: A.14 63 bytes a label"},
		{strings.Repeat(`\052`, 63) + ".com", strings.Repeat(`\052`, 63) + ".com.", "",
			"r53: A.14 escapes count as one byte"},
		{name253, name253 + ".", "", "r53: A.14 253 characters"},

		{"", "", "DomainNameEmpty", "r53: A.14"},
		{"a..com", "", "DomainLabelEmpty", "RFC 1035"},
		{".com", "", "DomainLabelEmpty", "RFC 1035"},
		{"..", "", "DomainLabelEmpty", "RFC 1035"},
		{"a b.com", "", "UnsupportedCharacter", "r53: C.7 040 must be escaped"},
		{"é.com", "", "UnsupportedCharacter", "r53: C.7 177-377 must be escaped"},
		{"a\x7f.com", "", "UnsupportedCharacter", "r53: C.7"},
		{`a\.com`, "", "UnsupportedCharacter", "r53: C.7 only octal escapes"},
		{`a\400.com`, "", "UnsupportedCharacter", "r53: C.7 more than a byte"},
		{`a\05`, "", "UnsupportedCharacter", "r53: C.7 three digits"},
		{"x" + label63 + ".com", "", "DomainLabelTooLong", "r53: A.14"},
		{name253 + "b", "", "DomainNameTooLong", "r53: A.14"},
		{strings.Repeat("a.", 200), "", "DomainNameTooLong", "r53: A.14"},
	} {
		got, err := ParseName(c.in)
		var problem *Problem
		if errors.As(err, &problem); c.code == "" && err != nil ||
			c.code != "" && (problem == nil || problem.Code != c.code) {
			t.Errorf("ParseName(%q): error %v, want code %q (%s)", c.in, err, c.code, c.rule)
		}
		if string(got) != c.want {
			t.Errorf("ParseName(%q) = %q, want %q (%s)", c.in, got, c.want, c.rule)
		}
	}
}

// Errors name the same part as those of Route 53: the label, the character, or the whole name.
func TestParseNameNamesWhatIsWrong(t *testing.T) {
	label, name := strings.Repeat("x", 70), strings.Repeat("abcdefg.", 32)
	for _, c := range []struct{ in, want string }{
		{"www." + label + ".example.com", "DomainLabelTooLong (Domain label is too long) encountered with '" + label + "'"},
		{"a b.example.com", "UnsupportedCharacter (Value contains unsupported characters) encountered with ' '"},
		{"www.é.example.com", "UnsupportedCharacter (Value contains unsupported characters) encountered with 'é'"},
		{"example.com..", "DomainLabelEmpty (Domain label is empty) encountered with 'example.com..'"},
		{name, "DomainNameTooLong (Domain name is too long) encountered with '" + name + "'"},
		{"", "DomainNameEmpty (Domain name is empty) encountered with ''"},
	} {
		if _, err := ParseName(c.in); err == nil || err.Error() != "FATAL problem: "+c.want {
			t.Errorf("ParseName(%q): error %v, want %s (r53: A.14)", c.in, err, c.want)
		}
	}
}

func TestNameWire(t *testing.T) {
	for _, c := range []struct{ name, wire string }{
		{".", "\x00"},
		{"com", "\x03com\x00"},
		{"*.example.com", "\x01*\x07example\x03com\x00"},
		{`a\056b.c`, "\x03a.b\x01c\x00"},
	} {
		n := MustParseName(c.name)
		if got := n.AppendWire([]byte("x")); string(got) != "x"+c.wire {
			t.Errorf("%s on the wire is %q, want %q", n, got, c.wire)
		}
		back, took, err := NameFromWire([]byte(c.wire + "rest"))
		if back != n || took != len(c.wire) || err != nil {
			t.Errorf("NameFromWire(%q) = %q, %d, %v", c.wire, back, took, err)
		}
	}
	if n, _, err := NameFromWire([]byte("\x03WwW\x00")); n != "www." || err != nil {
		t.Errorf("upper case reads as %q, %v, want www.", n, err)
	}
	for _, bad := range []string{"", "\x03ww", "\x03www", "\xc0\x0c", "\x40a",
		strings.Repeat("\x3f"+strings.Repeat("a", 63), 4) + "\x00"} {
		if n, _, err := NameFromWire([]byte(bad)); err == nil {
			t.Errorf("NameFromWire(%q) = %q, want an error", bad, n)
		}
	}
}

func TestNameRelations(t *testing.T) {
	n := MustParseName("*.app.example.com")
	if !n.IsWildcard() || MustParseName("a.*.com").IsWildcard() || MustParseName("*a.com").IsWildcard() {
		t.Error("only a whole leftmost label * is a wildcard (r53: A.12)")
	}
	for _, c := range []struct {
		name, zone string
		want       bool
	}{
		{"example.com", "example.com", true},
		{"a.b.example.com", "example.com", true},
		{"xexample.com", "example.com", false},
		{"com", "example.com", false},
		{"example.com", ".", true},
	} {
		if got := MustParseName(c.name).In(MustParseName(c.zone)); got != c.want {
			t.Errorf("%s in %s: %v, want %v", c.name, c.zone, got, c.want)
		}
	}
	var up []Name
	for p, ok := MustParseName("a.b.c"), true; ok; p, ok = p.Parent() {
		up = append(up, p)
	}
	if want := []Name{"a.b.c.", "b.c.", "c.", "."}; !slices.Equal(up, want) {
		t.Errorf("parents %q, want %q", up, want)
	}
}

func TestCompareListsAsRoute53(t *testing.T) {
	// r53: C.7: labels in reverse with the trailing dot, so that - sorts before a dot and the apex before what is below.
	ordered := []Name{
		"", ".", "com.", "example-x.com.", "www.example-x.com.", "example.com.", `\052.example.com.`, "a.example.com.",
		"b.a.example.com.", "a0.example.com.", "app-1.example.com.", "app.example.com.", "x.app.example.com.",
		"app1.example.com.", "zz.example.com.", "examplea.com.", "net.",
	}
	for i, a := range ordered {
		for j, b := range ordered {
			if got, want := sign(Compare(a, b)), sign(i-j); got != want {
				t.Errorf("Compare(%q, %q) = %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestCompareAllocatesNothing(t *testing.T) {
	a, b := MustParseName("app1.team-a.example.com"), MustParseName("app2.team-a.example.com")
	if n := testing.AllocsPerRun(100, func() { Compare(a, b) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"example.com", "*.Example.com.", `\052.a-b.c`, `a\056b.`, ".", "a..b", `\101\377.x`,
		"x-y.com"} {
		f.Add(s, "com")
	}
	f.Fuzz(func(t *testing.T, s, other string) {
		a, err := ParseName(s)
		if err != nil {
			return
		}
		wire := a.AppendWire(nil)
		back, took, err := NameFromWire(wire)
		if back != a || took != len(wire) || err != nil || len(wire) > 255 {
			t.Fatalf("%q: over the wire %q, %d of %d bytes, %v", a, back, took, len(wire), err)
		}
		if again, err := ParseName(string(a)); again != a || err != nil {
			t.Fatalf("%q parses as %q, %v", a, again, err)
		}
		b, err := ParseName(other)
		if err != nil {
			return
		}
		if got, want := sign(Compare(a, b)), strings.Compare(reversed(a), reversed(b)); got != want {
			t.Fatalf("Compare(%q, %q) = %d, want %d", a, b, got, want)
		}
		if sign(Compare(b, a)) != -sign(Compare(a, b)) {
			t.Fatalf("Compare(%q, %q) is not antisymmetric", a, b)
		}
	})
}

func FuzzNameFromWire(f *testing.F) {
	f.Add([]byte("\x01*\x07example\x03com\x00"))
	f.Add([]byte("\xc0\x0c"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, took, err := NameFromWire(b)
		if err != nil {
			return
		}
		if got := n.AppendWire(nil); !bytes.EqualFold(got, b[:took]) {
			t.Fatalf("%q back on the wire is %q", b[:took], got)
		}
		if again, err := ParseName(string(n)); again != n || err != nil {
			t.Fatalf("%q parses as %q, %v", n, again, err)
		}
	})
}

// reversed spells a name as Route 53 sorts it: the labels in reverse, each with a dot behind it.
func reversed(n Name) string {
	labels := strings.Split(strings.TrimSuffix(string(n), "."), ".")
	slices.Reverse(labels)
	if n == "." {
		return ""
	}
	return strings.Join(labels, ".") + "."
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}
