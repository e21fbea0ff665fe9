package sigv4

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest is the text a signature is made of. signedHeaders are lower case.
func canonicalRequest(r *Request, signedHeaders []string, bodyHash string) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + canonicalPath(r.Path) + "\n" + canonicalQuery(r.RawQuery) + "\n")
	values := lowerCaseHeader(r)
	for _, name := range signedHeaders {
		b.WriteString(name + ":" + values[name] + "\n")
	}
	b.WriteString("\n" + strings.Join(signedHeaders, ";") + "\n" + bodyHash)
	return b.String()
}

// canonicalPath encodes the path as sent once more: "%2F" becomes "%252F" (r53: C.1, SigV4 path). Dot segments and doubled
// slashes stay as they are, since no path of the API has them.
func canonicalPath(path string) string {
	if path == "" {
		return "/"
	}
	return escape(path, true)
}

// canonicalQuery decodes every parameter, encodes it the one right way, and sorts what results.
func canonicalQuery(query string) string {
	type pair struct{ name, value string }
	var pairs []pair
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		pairs = append(pairs, pair{escape(unescape(name), false), escape(unescape(value), false)})
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name + "=" + p.value)
	}
	return b.String()
}

// lowerCaseHeader joins the values of every header by commas, runs of spaces reduced to one. Host comes from the request,
// and Content-Length, which some HTTP libraries keep apart, from the body where it is not a header.
func lowerCaseHeader(r *Request) map[string]string {
	values := map[string]string{"content-length": strconv.Itoa(len(r.Body))}
	for name, list := range r.Header {
		trimmed := make([]string, len(list))
		for i, v := range list {
			trimmed[i] = squeeze(v)
		}
		values[strings.ToLower(name)] = strings.Join(trimmed, ",")
	}
	values["host"] = squeeze(r.Host)
	return values
}

// squeeze trims white space and reduces runs of spaces to one.
func squeeze(s string) string {
	s = strings.TrimSpace(s)
	for strings.Contains(s, "  ") {
		s = strings.ReplaceAll(s, "  ", " ")
	}
	return s
}

const upperHex = "0123456789ABCDEF"

// escape percent-encodes every byte but the unreserved ones of RFC 3986 section 2.3, and "/" in paths.
func escape(s string, path bool) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := range len(s) {
		if c := s[i]; unreserved(c) || path && c == '/' {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
		}
	}
	return b.String()
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// unescape decodes a query component. "+" is a space, as HTTP servers read it; a percent sign that starts no escape stands
// for itself.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b = append(b, ' ')
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b = append(b, fromHex(s[i+1])<<4|fromHex(s[i+2]))
			i += 2
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func fromHex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}
