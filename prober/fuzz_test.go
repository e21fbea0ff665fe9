package prober

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

// headOf reads a header from r and returns what is to be compared: the header, how much of the body came along is not.
func headOf(r io.Reader) (head, string) {
	var buf [maxHead]byte
	h, _, err := readHead(r, &buf)
	if err != nil {
		return h, err.Error()
	}
	return h, ""
}

// However a response is cut into segments, it is judged the same; and what is accepted, net/http reads alike.
func FuzzResponseHeader(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404\nX: y\n z\n\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"SSH-2.0-x\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, errText := headOf(bytes.NewReader(b))
		slow, slowText := headOf(iotest.OneByteReader(bytes.NewReader(b)))
		if h != slow || (errText == "") != (slowText == "") {
			t.Fatalf("in one: %+v %q\nin bytes: %+v %q", h, errText, slow, slowText)
		}
		if errText != "" || strings.Contains(string(b), "\r\r") {
			return
		}
		oracle := bufio.NewReader(bytes.NewReader(b))
		for {
			resp, err := http.ReadResponse(oracle, nil)
			if err != nil {
				return // net/http refuses some of what is well-formed, such as a folded or repeated framing field
			}
			resp.Body.Close()
			if resp.StatusCode < 200 && resp.StatusCode != 101 {
				continue
			}
			if resp.StatusCode != h.code {
				t.Fatalf("net/http reads %d, we read %d", resp.StatusCode, h.code)
			}
			return
		}
	})
}

// A search ends without a panic, and says of a plain body what strings.Contains says of its beginning.
func FuzzSearch(f *testing.F) {
	f.Add(false, "", []byte("all is well"), "well", 3)
	f.Add(true, "", []byte("2\r\nwe\r\n2\r\nll\r\n0\r\n\r\n"), "well", 0)
	f.Add(false, "gzip", []byte("\x1f\x8b\x08\x00"), "x", 1)
	f.Add(false, "deflate", []byte("x\x9c\x03\x00"), "x", 0)
	f.Fuzz(func(t *testing.T, chunked bool, coding string, body []byte, want string, along int) {
		if want == "" || len(want) > 255 || along < 0 || along > len(body) {
			return
		}
		h := head{code: 200, length: -1, chunked: chunked, coding: coding}
		err := search(h, body[:along], iotest.HalfReader(bytes.NewReader(body[along:])), want)
		if chunked || (coding != "" && coding != "identity") {
			return
		}
		found := strings.Contains(string(body[:min(len(body), maxSearched)]), want)
		if found != (err == nil) {
			t.Fatalf("found %v, search says %v", found, err)
		}
	})
}
