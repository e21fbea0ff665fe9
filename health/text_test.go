package health

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"testing"
	"unicode/utf8"
)

// A text is one that XML carries when a writer and a reader of XML give back what they got.
func TestIsXMLText(t *testing.T) {
	for r := rune(0); r <= 0x10000; r++ {
		if r == utf8.RuneError { // stands for what is no character, and is one itself
			continue
		}
		text := string(r) // U+FFFD for surrogates
		var b bytes.Buffer
		if err := xml.EscapeText(&b, []byte(text)); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Text string `xml:",chardata"`
		}
		err := xml.Unmarshal(fmt.Appendf(nil, "<a>%s</a>", b.Bytes()), &got)
		if same := err == nil && got.Text == text; IsXMLText(text) != same {
			t.Fatalf("%U: %t, a writer and a reader say %t", r, IsXMLText(text), same)
		}
	}
	for text, want := range map[string]bool{"": true, "a\xff": false, "\xed\xa0\x80": false, "�": true, "a\tb\nc\rd": true, "a\x01": false} {
		if IsXMLText(text) != want {
			t.Errorf("%q: want %t", text, want)
		}
	}
}
