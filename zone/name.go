// Package zone holds what a hosted zone is made of: names, record sets, and the change batches that turn one content into
// the next.
//
// Names are kept as Route 53 returns them. Record sets carry Route 53's own field names. A batch is validated as a whole
// against the zone and applied to a copy, so it holds entirely or not at all. Nothing in here does I/O.
package zone

// A Name is a domain name in the form Route 53 returns: lower case, absolute with a trailing dot, and every byte other than
// a-z 0-9 - _ written as \ooo in octal ("\052.example.com." for the wildcard). The root is ".". The zero value is not a name.
// r53: C.7.
type Name string

// ParseName reads a name as the API accepts it: with or without the trailing dot, any case, characters raw or as \ooo.
// Errors are InvalidDomainName-like texts that name the label and the limit (63 bytes a label, 255 in all).
func ParseName(s string) (Name, error) { panic("contract") }

// MustParseName is ParseName for constants in tests and tables; it panics on a bad name.
func MustParseName(s string) Name { panic("contract") }

// NameFromWire decodes an uncompressed wire-format name (RFC 1035 section 3.1) at the start of b, folding case, and returns the
// number of bytes it took.
func NameFromWire(b []byte) (Name, int, error) { panic("contract") }

// AppendWire appends the name in uncompressed wire format, lower case.
func (n Name) AppendWire(b []byte) []byte { panic("contract") }

// Parent returns the name without its leftmost label; ok is false at the root.
func (n Name) Parent() (parent Name, ok bool) { panic("contract") }

// In reports whether n is z or below it.
func (n Name) In(z Name) bool { panic("contract") }

// IsWildcard reports whether the leftmost label is exactly "*".
func (n Name) IsWildcard() bool { panic("contract") }

// Compare orders names as Route 53 lists them: by the ASCII of the labels in reverse, with a trailing dot. r53: C.7.
func Compare(a, b Name) int { panic("contract") }
