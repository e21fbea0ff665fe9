// Package zone holds what a hosted zone is made of: names, record sets, and the change batches that turn one content
// into the next.
//
// Names are kept as Route 53 returns them. Record sets carry Route 53's own field names. A batch is validated as a
// whole against the zone and applied to a copy, so it takes effect entirely or not at all. The room also knows the
// hosted zone ids and names of AWS services, because an alias record points at them. Nothing in here does I/O.
package zone

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Name is a domain name in the form Route 53 returns: lower case, absolute with a trailing dot, and every byte other
// than a-z 0-9 - _ written as \ooo in octal ("\052.example.com." for the wildcard). The root is ".". The zero value is
// not a name. r53: C.7.
type Name string

// Limits of a name in wire form (RFC 1035 section 2.3.4). r53: A.14.
const (
	maxLabel = 63
	maxName  = 255 // with the length bytes and the root: 253 characters of plain text
)

// A Problem is an error that Route 53 finds in a name or a value.
type Problem struct {
	Code string // as Route 53 spells it, such as "DomainNameTooLong"
	Text string // what is refused; also what would be accepted, if Route 53's own text is not recorded
	// Value is what is refused: a name, a value, a label that is too long, or a character that is not allowed.
	Value string
}

// Error returns the sentence in Route 53's form. r53: A.14.
func (p *Problem) Error() string {
	return fmt.Sprintf("FATAL problem: %s (%s) encountered with '%s'", p.Code, p.Text, p.Value)
}

// ParseName reads a name as the API accepts it: with or without the trailing dot, in any case, with characters raw or
// as \ooo in octal. Bytes 000 to 040 and 177 to 377, and a dot inside a label, must be escaped. A label has 1 to 63
// bytes, a name at most 255 in wire form. The error is a *Problem. r53: C.7.
func ParseName(s string) (Name, error) {
	n, problem := parseName(s)
	if problem != nil {
		return "", problem
	}
	return n, nil
}

func parseName(s string) (Name, *Problem) {
	if s == "" {
		return "", &Problem{"DomainNameEmpty", "Domain name is empty", s}
	}
	if s == "." {
		return ".", nil
	}
	var room [maxName + 1]byte
	text := room[:0]
	wire, label := 1, 0
	for i := 0; i < len(s); {
		c := s[i]
		if c == '.' {
			if label == 0 {
				return "", &Problem{"DomainLabelEmpty", "Domain label is empty", s}
			}
			wire += 1 + label
			if wire > maxName {
				return "", nameTooLong(s)
			}
			label = 0
			text = append(text, '.')
			i++
			continue
		}
		c, n := nameByte(s[i:])
		if n == 0 {
			return "", unsupported(s[i:])
		}
		i += n
		label++
		if label > maxLabel {
			return "", &Problem{"DomainLabelTooLong", "Domain label is too long", labelAround(s, i-1)}
		}
		text = appendNameByte(text, c)
	}
	if label > 0 {
		wire += 1 + label
		text = append(text, '.')
	}
	if wire > maxName {
		return "", nameTooLong(s)
	}
	if string(text) == s {
		return Name(s), nil
	}
	return Name(text), nil
}

func nameTooLong(s string) *Problem {
	return &Problem{"DomainNameTooLong", "Domain name is too long", s}
}

// unsupported returns the error for the first character of s, which must be written as \ooo in octal.
func unsupported(s string) *Problem {
	_, n := utf8.DecodeRuneInString(s)
	return &Problem{"UnsupportedCharacter", "Value contains unsupported characters", s[:n]}
}

// labelAround returns the label of s that contains the byte at i.
func labelAround(s string, i int) string {
	start := strings.LastIndexByte(s[:i], '.') + 1
	if end := strings.IndexByte(s[i:], '.'); end >= 0 {
		return s[start : i+end]
	}
	return s[start:]
}

// nameByte reads one byte of a label, raw or escaped. n is 0 if the byte is not allowed in this form.
func nameByte(s string) (c byte, n int) {
	if s[0] == '\\' {
		c, ok := octal(s[1:])
		if !ok {
			return 0, 0
		}
		return c, 4
	}
	if s[0] <= ' ' || s[0] >= 0x7f {
		return 0, 0
	}
	return s[0], 1
}

// octal reads the three octal digits at the start of s.
func octal(s string) (byte, bool) {
	if len(s) < 3 {
		return 0, false
	}
	a, b, c := s[0]-'0', s[1]-'0', s[2]-'0'
	if a > 3 || b > 7 || c > 7 {
		return 0, false
	}
	return a<<6 | b<<3 | c, true
}

// appendNameByte appends one byte of a label in canonical text form. It folds escaped upper case too. r53: C.7.
func appendNameByte(text []byte, c byte) []byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return append(text, c+'a'-'A')
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		return append(text, c)
	}
	return append(text, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
}

// MustParseName is ParseName for constants in tests and tables; it panics on a bad name.
func MustParseName(s string) Name {
	n, err := ParseName(s)
	if err != nil {
		panic(err)
	}
	return n
}

// NameFromWire decodes the uncompressed wire-format name (RFC 1035 section 3.1) at the start of b, in lower case, and
// returns the number of its bytes. It refuses compression pointers, names over 255 bytes and incomplete names.
func NameFromWire(b []byte) (Name, int, error) {
	var room [maxName]byte
	text := room[:0]
	for i := 0; i < len(b); {
		n := int(b[i])
		i++
		if n == 0 {
			if i == 1 {
				return ".", 1, nil
			}
			return Name(text), i, nil
		}
		if n > maxLabel {
			return "", 0, fmt.Errorf("label type 0x%02x at byte %d of a name: only plain labels of at most %d bytes",
				n, i-1, maxLabel)
		}
		if i+n+1 > maxName { // the label and at least the root behind it
			return "", 0, fmt.Errorf("name of more than %d bytes", maxName)
		}
		if i+n > len(b) {
			break
		}
		for _, c := range b[i : i+n] {
			text = appendNameByte(text, c)
		}
		text = append(text, '.')
		i += n
	}
	return "", 0, fmt.Errorf("name ends after %d bytes without a root label", len(b))
}

// AppendWire appends the name in uncompressed wire format, lower case.
func (n Name) AppendWire(b []byte) []byte {
	if n == "." {
		return append(b, 0)
	}
	length := len(b)
	b = append(b, 0)
	for i := 0; i < len(n); {
		switch n[i] {
		case '.':
			b[length] = byte(len(b) - length - 1)
			length = len(b)
			b = append(b, 0)
			i++
		case '\\':
			c, _ := octal(string(n[i+1:]))
			b = append(b, c)
			i += 4
		default:
			b = append(b, n[i])
			i++
		}
	}
	return b
}

// Parent returns the name without its leftmost label; ok is false at the root.
func (n Name) Parent() (parent Name, ok bool) {
	i := strings.IndexByte(string(n), '.')
	if i <= 0 {
		return "", false
	}
	if i+1 == len(n) {
		return ".", true
	}
	return n[i+1:], true
}

// In reports whether n is z or below it.
func (n Name) In(z Name) bool {
	if n == z || z == "." {
		return true
	}
	at := len(n) - len(z)
	return at > 0 && n[at-1] == '.' && n[at:] == z
}

// IsWildcard reports whether the leftmost label is exactly "*".
func (n Name) IsWildcard() bool { return strings.HasPrefix(string(n), `\052.`) }

// Compare orders names as Route 53 lists them: by the ASCII of the escaped text, with the labels in reverse order and a
// trailing dot. So "-" sorts before ".", and a name before the names below it. The root is the first name; the zero
// value sorts before the root. Compare allocates nothing. r53: C.7 (that records sort by the escaped text, as zones do,
// is unconfirmed).
func Compare(a, b Name) int {
	if a == b {
		return 0
	}
	if len(a) < 2 || len(b) < 2 { // "" or "."; both are shorter than any other name
		return len(a) - len(b)
	}
	// Skip the common end, then compare the labels in which the names differ. A dot in the text is always a separator,
	// because dots inside labels are escaped.
	i, j := len(a), len(b)
	for i > 0 && j > 0 && a[i-1] == b[j-1] {
		i--
		j--
	}
	switch {
	case i == 0 && b[j-1] == '.':
		return -1
	case j == 0 && a[i-1] == '.':
		return 1
	}
	labelA, labelB := a[labelStart(a, i):], b[labelStart(b, j):]
	return strings.Compare(string(labelA), string(labelB)) // both run on with ".", which ends the label
}

// labelStart returns where the label begins that holds or follows position i of n.
func labelStart(n Name, i int) int {
	return strings.LastIndexByte(string(n[:i]), '.') + 1
}
