package prober

import (
	"bytes"
	"io"
	"strconv"
)

// maxHead is how many bytes of response header are accepted, interim responses included. r53: B.3.
const maxHead = 16384

// Why a header is refused.
const (
	headTooLong = failure("The response header is longer than 16384 bytes.")
	notHTTP     = failure("The response is not HTTP/1.1.")
	badHeader   = failure("The response header is malformed.")
)

// A head is what the probe needs of a response header.
type head struct {
	code    int
	length  int64  // Content-Length, or -1
	chunked bool   // Transfer-Encoding: chunked, which overrides the length (RFC 7230 3.3.3)
	coding  string // Content-Encoding; of several fields all, separated by commas
}

// readHead reads a response header, passing over interim responses (RFC 7231 6.2), and returns it with what of the body
// has come along. rest is part of buf.
func readHead(r io.Reader, buf *[maxHead]byte) (h head, rest []byte, err error) {
	var start, have int // of the response looked at; of what is read
	for {
		n, err := r.Read(buf[have:])
		looked := have
		have += n
		for {
			end := headEnd(buf[:have], start, looked)
			if end < 0 {
				break
			}
			h, parseErr := parseHead(buf[start:end])
			if parseErr != nil {
				return head{}, nil, parseErr
			}
			if h.code >= 200 || h.code == 101 {
				return h, buf[end:have], nil
			}
			start, looked = end, end
		}
		switch {
		case !mayBeHTTP(buf[start:have]):
			return head{}, nil, notHTTP
		case have == len(buf):
			return head{}, nil, headTooLong
		case err == io.EOF:
			return head{}, nil, io.ErrUnexpectedEOF
		case err != nil:
			return head{}, nil, err
		}
	}
}

// mayBeHTTP refuses early what can never become a status line, so that a server of another protocol that waits for
// more is not taken for a slow one.
func mayBeHTTP(b []byte) bool {
	const version = "HTTP/1."
	n := min(len(b), len(version))
	return string(b[:n]) == version[:n]
}

// headEnd is the index behind the empty line that ends the header begun at start, or -1. Everything before looked was
// seen without finding it. Lines may end in LF alone (RFC 7230 3.5).
func headEnd(b []byte, start, looked int) int {
	for i := max(start, looked-2); ; {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return -1
		}
		i += n + 1
		switch {
		case bytes.HasPrefix(b[i:], []byte("\n")):
			return i + 1
		case bytes.HasPrefix(b[i:], []byte("\r\n")):
			return i + 2
		}
	}
}

// parseHead reads a whole header, its empty line included. RFC 7230 3.
func parseHead(b []byte) (head, error) {
	line, b := cutLine(b)
	code, ok := parseStatusLine(line)
	if !ok {
		return head{}, notHTTP
	}
	h := head{code: code, length: -1}
	for first := true; ; first = false {
		line, b = cutLine(b)
		switch {
		case len(line) == 0:
			return h, nil
		case line[0] == ' ' || line[0] == '\t':
			// A folded value goes on (RFC 7230 3.2.4); nobody folds the fields that matter here.
			if first || !isFieldValue(line) {
				return head{}, badHeader
			}
			continue
		}
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found || !isToken(name) || !isFieldValue(value) || !h.take(name, bytes.Trim(value, " \t")) {
			return head{}, badHeader
		}
	}
}

// cutLine returns the first line without its end, and what follows. There is one: a header ends in an empty line.
func cutLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest
}

// parseStatusLine accepts HTTP/1.0 and 1.1, three digits, and any or no reason. RFC 7230 3.1.2.
func parseStatusLine(line []byte) (code int, ok bool) {
	const version, status = len("HTTP/1.1"), len("HTTP/1.1 200")
	if len(line) < status || !mayBeHTTP(line) ||
		(line[version-1] != '0' && line[version-1] != '1') || line[version] != ' ' ||
		(len(line) > status && line[status] != ' ') || !isFieldValue(line[status:]) {
		return 0, false
	}
	for _, ch := range line[version+1 : status] {
		if ch < '0' || ch > '9' {
			return 0, false
		}
		code = code*10 + int(ch-'0')
	}
	return code, code >= 100
}

// take notes a field that matters for the body, and refuses framing that cannot be trusted. RFC 7230 3.3.3.
func (h *head) take(name, value []byte) bool {
	switch {
	case bytes.EqualFold(name, []byte("Content-Length")):
		n, err := strconv.ParseUint(string(value), 10, 63)
		if err != nil || (h.length >= 0 && h.length != int64(n)) {
			return false
		}
		h.length = int64(n)
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		if h.chunked || !bytes.EqualFold(value, []byte("chunked")) {
			return false // no other transfer coding was offered (RFC 7230 4.3)
		}
		h.chunked = true
	case bytes.EqualFold(name, []byte("Content-Encoding")) && len(value) > 0:
		if h.coding != "" {
			h.coding += ","
		}
		h.coding += string(bytes.ToLower(value))
	}
	return true
}

// isToken says that b is a field name. RFC 7230 3.2.6.
func isToken(b []byte) bool {
	for _, ch := range b {
		switch {
		case ch >= 'a' && ch <= 'z', ch >= 'A' && ch <= 'Z', ch >= '0' && ch <= '9':
		case bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), ch) >= 0:
		default:
			return false
		}
	}
	return len(b) > 0
}

// isFieldValue says that b has no control characters but tabs.
func isFieldValue(b []byte) bool {
	for _, ch := range b {
		if ch < ' ' && ch != '\t' || ch == 0x7f {
			return false
		}
	}
	return true
}
