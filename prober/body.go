package prober

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http/httputil"
)

// maxSearched is how much of the decoded body the search string must be in, wholly. r53: B.1.
const maxSearched = 5120

// search looks for want in the body, whose beginning is rest. It returns nil as soon as it is found, a failure when it
// cannot be any more, or the error of the connection.
func search(h head, rest []byte, conn io.Reader, want string) error {
	if h.code == 204 || h.code == 304 { // these have no body (RFC 7230 3.3.3)
		return failure(stringNotFound)
	}
	raw := &source{r: io.MultiReader(bytes.NewReader(rest), conn)}
	body, err := decode(h.coding, frame(h, raw))
	if err != nil {
		return raw.explain(err)
	}
	seen := make([]byte, maxSearched)
	for have := 0; have < len(seen); {
		n, err := body.Read(seen[have:])
		from := max(0, have-len(want)+1)
		have += n
		switch {
		case bytes.Contains(seen[from:have], []byte(want)):
			return nil
		case err == io.EOF:
			return failure(stringNotFound)
		case err != nil:
			return raw.explain(err)
		}
	}
	return failure(stringNotFound)
}

// A source remembers how the connection ended, which decoders report in words of their own.
type source struct {
	r   io.Reader
	err error
}

// Read reads from the connection.
func (s *source) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	if err != nil {
		s.err = err
	}
	return n, err
}

// explain says whether the connection failed or what came over it was wrong.
func (s *source) explain(err error) error {
	switch {
	case s.err != nil && s.err != io.EOF:
		return s.err
	case errors.As(err, new(failure)):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF) && s.err == io.EOF:
		return failure(connectClosed)
	}
	return failure("The body is malformed: " + err.Error() + ".")
}

// frame ends the body where the header says. RFC 7230 3.3.3.
func frame(h head, r io.Reader) io.Reader {
	switch {
	case h.chunked:
		return httputil.NewChunkedReader(r)
	case h.length >= 0:
		return &exactly{r, h.length}
	}
	return r // until the connection is closed
}

// exactly reads n bytes; an earlier end is unexpected.
type exactly struct {
	r io.Reader
	n int64
}

// Read reads what is left of the body.
func (e *exactly) Read(b []byte) (int, error) {
	if e.n == 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(b[:min(int64(len(b)), e.n)])
	e.n -= int64(n)
	if err == io.EOF && e.n > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// decode undoes gzip and deflate; any other coding makes the match fail. r53: B.3.
func decode(coding string, r io.Reader) (io.Reader, error) {
	switch coding {
	case "", "identity":
		return r, nil
	case "gzip", "x-gzip":
		return gzip.NewReader(r)
	case "deflate":
		// The coding is the zlib format (RFC 7230 4.2.2), but some servers send the bare deflate stream.
		b := bufio.NewReader(r)
		start, err := b.Peek(2)
		if err == nil && start[0]&0x0f == 8 && (int(start[0])<<8|int(start[1]))%31 == 0 {
			return zlib.NewReader(b)
		}
		return flate.NewReader(b), nil
	}
	return nil, failure(fmt.Sprintf("The content coding %+.40q is not supported: only gzip and deflate are decoded.",
		coding))
}
