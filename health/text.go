package health

import "unicode/utf8"

// IsXMLText reports whether XML 1.0 can carry a text: valid UTF-8 without control characters other than tab, line feed
// and carriage return, and without U+FFFE and U+FFFF. The Route 53 API is XML; clients replace other characters
// silently, so that what comes back is not what was sent. https://www.w3.org/TR/xml/#charsets
func IsXMLText(text string) bool {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		i += n
		switch {
		case r == utf8.RuneError && n == 1: // no UTF-8, of which surrogates are none either
			return false
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0xfffe, r == 0xffff:
			return false
		}
	}
	return true
}
