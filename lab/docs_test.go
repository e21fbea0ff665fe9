package lab

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"
)

// Every definition in the documentation is one, and so is the body of the request.
func TestTheDocumentedFormatsAreAccepted(t *testing.T) {
	text, err := os.ReadFile("../docs/lab.md")
	if err != nil {
		t.Fatal(err)
	}
	definitions := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1)
	if len(definitions) != 2 {
		t.Errorf("%d definitions, want 2", len(definitions))
	}
	for i, d := range definitions {
		if _, err := ParseDefinition("docs/lab.md", d[1]); err != nil {
			t.Errorf("definition %d: %v", i+1, err)
		}
	}
	body := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(text)
	var wanted ingressBody
	if err := decodeStrictly(body[1], &wanted); err != nil {
		t.Fatal(err)
	}
	if got, err := trafficOf(wanted.Ingresses); err != nil || len(got.config.Rules) != 2 || len(got.groups) != 1 {
		again, _ := json.Marshal(wanted)
		t.Errorf("%s\nmakes %+v, %v; want two rules and one target group", again, got, err)
	}
}
