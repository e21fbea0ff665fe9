package conformance

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/bulkhead-dns/bulkhead/r53server"
)

const document = "../../docs/route53-compatibility.md"

var writeDocument = flag.Bool("document", false, "write docs/route53-compatibility.md anew")

// A difference between Route 53 and the engine, and what shows it.
type difference struct {
	Route53 string   `yaml:"route53"`
	Engine  string   `yaml:"engine"`
	Shown   []string `yaml:"shown"`
}

type differences struct {
	Extended  []difference `yaml:"extended"`
	Different []difference `yaml:"different"`
	Missing   []difference `yaml:"missing"`
}

// The published table says what the cases, the API's routes and the list of differences say, and nothing that no test
// shows.
func TestDocumentIsWrittenFromWhatIsTested(t *testing.T) {
	cases, err := Load(os.DirFS("cases"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("differences.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var d differences
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&d); err != nil {
		t.Fatal(err)
	}
	for _, one := range slices.Concat(d.Extended, d.Different, d.Missing) {
		if len(one.Shown) == 0 {
			t.Errorf("%q: nothing shows it", one.Route53)
		}
		for _, proof := range one.Shown {
			if !exists(t, cases, proof) {
				t.Errorf("%q is shown by %s, which does not exist", one.Route53, proof)
			}
		}
	}
	got := compose(cases, d)
	if *writeDocument {
		if err := os.WriteFile(document, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is not what the tests say; write it anew with: go test ./test/conformance -run Document -document\n%s",
			document, diff)
	}
}

// exists finds a test ("directory.TestName") or a case ("case topic/id").
func exists(t *testing.T, cases []Case, proof string) bool {
	t.Helper()
	if name, ok := strings.CutPrefix(proof, "case "); ok {
		return slices.ContainsFunc(cases, func(c Case) bool { return c.Name() == name })
	}
	dir, name, _ := strings.Cut(proof, ".")
	files, err := filepath.Glob(filepath.Join("../..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("\nfunc "+name+"(")) {
			return true
		}
	}
	return false
}

func compose(cases []Case, d differences) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# The engine and Route 53

What is exact, what is extended, what is otherwise, and what is missing. This page is written from the conformance cases, the
API's routes and the list of differences, each entry of which names the test that shows it; a test holds the page to them.

`)
	writeRouting(&b, cases)
	writeOperations(&b)
	for _, section := range []struct {
		title string
		list  []difference
	}{{"Extended", d.Extended}, {"Otherwise", d.Different}, {"Missing", d.Missing}} {
		fmt.Fprintf(&b, "\n## %s\n\n| Route 53 | engine | shown by |\n|---|---|---|\n", section.title)
		for _, one := range section.list {
			fmt.Fprintf(&b, "| %s | %s | `%s` |\n", one.Route53, one.Engine, strings.Join(one.Shown, "`, `"))
		}
	}
	return b.String()
}

// writeRouting sums the cases up by topic and lists the readings of what no document settles.
func writeRouting(b *strings.Builder, cases []Case) {
	fmt.Fprintf(b, "## Answers\n\n%d cases in [test/conformance](../test/conformance/README.md), each from a "+
		"documented sentence or a worked example,\n"+
		"pass by the decision function and over the wire.\n\n| topic | cases |\n|---|---|\n", len(cases))
	count := map[string]int{}
	var topics []string
	for _, c := range cases {
		if count[c.Topic]++; count[c.Topic] == 1 {
			topics = append(topics, c.Topic)
		}
	}
	slices.Sort(topics)
	for _, topic := range topics {
		fmt.Fprintf(b, "| %s | %d |\n", topic, count[topic])
	}
	b.WriteString("\nWhere no document settles a rule, the cautious reading is taken:\n\n| case | rule | reading " +
		"|\n|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`, "\n", " ")
	for _, c := range cases {
		if c.Unconfirmed {
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", c.Name(), cell.Replace(c.Title), cell.Replace(strings.TrimSpace(c.Reading)))
		}
	}
}

// writeOperations lists the API; test/clients holds every operation to AWS's model of it.
func writeOperations(b *strings.Builder) {
	var served, missing []string
	for _, o := range r53server.Operations() {
		if o.Supported {
			served = append(served, o.Name)
		} else {
			missing = append(missing, o.Name)
		}
	}
	fmt.Fprintf(b, "\n## API\n\nEvery reply and error is held against AWS's own model of the API "+
		"(`test/clients.TestRepliesAreWhatTheModelSays`).\n\n"+
		"Served (%d): %s.\n\nOf features that the engine has not (%d): %s.\n", len(served), strings.Join(served, ", "),
		len(missing), strings.Join(missing, ", "))
}
