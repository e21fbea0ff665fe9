package sigv4

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest returns the text that a signature covers. signedHeaders are in lower case.
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

// canonicalPath encodes the path a second time: "%2F" becomes "%252F" (r53: C.1, SigV4 path). Dot segments and double
// slashes stay, because no path of the API has them.
func canonicalPath(path string) string {
	if path == "" {
		return "/"
	}
	return escape(path, true)
}

// canonicalQuery decodes every parameter, encodes it in canonical form, and sorts the parameters.
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

// lowerCaseHeader returns the headers by their lower-case names. It joins the values of a header by commas and reduces
// several spaces to one. Host comes from the request. Content-Length comes from the body if it is not a header, because
// some HTTP libraries do not keep it among the headers.
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

// squeeze trims white space and reduces several spaces to one.
func squeeze(s string) string {
	s = strings.TrimSpace(s)
	for strings.Contains(s, "  ") {
		s = strings.ReplaceAll(s, "  ", " ")
	}
	return s
}

const upperHex = "0123456789ABCDEF"

// escape percent-encodes every byte except the unreserved ones of RFC 3986 section 2.3, and except "/" in paths.
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

// unescape decodes a component of a query. "+" is a space, as for HTTP servers. A percent sign without two hexadecimal
// digits stands for itself.
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
