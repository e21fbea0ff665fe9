package r53server_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
	"github.com/bulkhead-dns/bulkhead/health"
)

var rewrite = flag.Bool("rewrite", false, "write the replies into testdata")

// Every file of testdata is a conversation with a fresh server: requests as botocore sends them, and the very replies
// but for line breaks between elements. Names made by the server stand as $ZONE1, $CHANGE1, $SET1, $CHECK1, $NS1,
// $REQUEST and $TIME, numbered in order of appearance; requests may use them. $CHECK1 is any UUID, of a CIDR collection
// too. $SYNC is PENDING or INSYNC, whichever the node has got to.
func TestWire(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			n := startNode(t, etcdtest.Start(t), threeCheckers)
			conversation := readConversation(t, path)
			names := &madeNames{}
			for i, turn := range conversation {
				head, body, _ := strings.Cut(names.insert(turn.request), "\n\n")
				method, target, _ := strings.Cut(strings.TrimSpace(head), " ")
				response, reply := n.do(t, n.request(t, method, target, strings.TrimSpace(body)))
				got := names.extract(show(response, reply))
				if diff := cmp.Diff(turn.reply, got); diff != "" && !*rewrite {
					t.Errorf("%s: reply (-want +got):\n%s", turn.title, diff)
				}
				conversation[i].reply = got
			}
			if *rewrite {
				writeConversation(t, path, conversation)
			}
		})
	}
}

// A turn is a request and its reply: "-- title --", the request, "-- reply --", the reply.
type turn struct{ title, request, reply string }

var marker = regexp.MustCompile(`(?m)^-- (.+) --\n`)

func readConversation(t *testing.T, path string) []turn {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	titles, texts := marker.FindAllStringSubmatch(string(data), -1), marker.Split(string(data), -1)[1:]
	var turns []turn
	for i := 0; i+1 < len(titles); i += 2 {
		if titles[i+1][1] != "reply" {
			t.Fatalf("%s: %q is not followed by its reply", path, titles[i][1])
		}
		turns = append(turns, turn{titles[i][1], texts[i], texts[i+1]})
	}
	return turns
}

func writeConversation(t *testing.T, path string, turns []turn) {
	t.Helper()
	var b strings.Builder
	for _, turn := range turns {
		fmt.Fprintf(&b, "-- %s --\n%s-- reply --\n%s", turn.title, turn.request, turn.reply)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// threeCheckers have probed every check: two well, one not; the third has not probed yet.
func threeCheckers(id string) []health.Report {
	at := time.Date(2026, 11, 22, 10, 11, 12, 345678900, time.UTC)
	return []health.Report{
		{Check: id, Checker: "b/us-east-1", Region: "us-east-1", IPAddress: "192.0.2.2",
			Status: "Failure: HTTP Status Code 503, Service Unavailable", CheckedTime: at,
			Failure: "Failure: HTTP Status Code 503, Service Unavailable", FailureTime: at},
		{Check: id, Checker: "a/eu-west-1", Region: "eu-west-1", IPAddress: "192.0.2.1",
			Status: "Success: HTTP Status Code 200, OK", CheckedTime: at},
		{Check: id, Checker: "c/us-west-2", Region: "us-west-2", IPAddress: "2001:db8::1"},
	}
}

func show(response *http.Response, body string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", response.StatusCode)
	for _, name := range []string{"Location", "X-Amzn-Requestid", "Content-Type", "X-Bulkhead-Why"} {
		if value := response.Header.Get(name); value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	fmt.Fprintf(&b, "\n%s\n", strings.ReplaceAll(body, "><", ">\n<"))
	return b.String()
}

// madeNames replaces what a server makes up by numbered names and back.
type madeNames struct {
	made, names []string
	counts      map[string]int
}

var made = regexp.MustCompile(`(?P<ZONE>\bZ[A-Z0-9]{12,31}\b)|(?P<CHANGE>\bC[A-Z0-9]{12,31}\b)|` +
	`(?P<SET>\bN[A-Z0-9]{20}\b)|(?P<CHECK>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)|` +
	`(?P<NS>\bns-[0-9]+\.awsdns-[0-9]+\.(?:com|net|org|co\.uk))|(?P<TIME>` +
	`<SubmittedAt>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z<)`)

var requestID = regexp.MustCompile(`(X-Amzn-Requestid: |<RequestId>)[0-9a-f-]{36}`)

var changeStatus = regexp.MustCompile(`<Status>(PENDING|INSYNC)<`)

func (m *madeNames) extract(s string) string {
	s = requestID.ReplaceAllString(s, "${1}$$REQUEST")
	s = changeStatus.ReplaceAllString(s, "<Status>$$SYNC<")
	if m.counts == nil {
		m.counts = map[string]int{}
	}
	return made.ReplaceAllStringFunc(s, func(value string) string {
		kinds, groups := made.SubexpNames(), made.FindStringSubmatch(value)
		for i, kind := range kinds {
			if kind == "" || groups[i] == "" {
				continue
			}
			if kind == "TIME" {
				return "<SubmittedAt>$TIME<"
			}
			for j, known := range m.made {
				if known == value {
					return m.names[j]
				}
			}
			m.counts[kind]++
			m.made, m.names = append(m.made, value), append(m.names, fmt.Sprintf("$%s%d", kind, m.counts[kind]))
			return m.names[len(m.names)-1]
		}
		return value
	})
}

func (m *madeNames) insert(s string) string {
	for i, name := range m.names {
		s = strings.ReplaceAll(s, name, m.made[i])
	}
	return s
}
