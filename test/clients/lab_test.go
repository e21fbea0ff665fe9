package clients_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	ireland   = "127.10.1.1" // eu-west-1's load balancer
	frankfurt = "127.10.2.1" // eu-central-1's
)

// Users are answered with the Region they are near; when app1 is gone in one, only app1's users move, and return with
// it.
func TestDigFollowsAppOneAloneAndBack(t *testing.T) {
	t.Parallel()
	l := startLab(t, t.TempDir(), "--interval", "1")
	near := []string{"+short", "+subnet=10.1.0.0/16"}
	app1 := append([]string{"app1.example.com"}, near...)
	app2 := append([]string{"app2.example.com"}, near...)
	for _, q := range []struct {
		name, subnet, want string
	}{
		{"app1.example.com", "10.1.0.0/16", ireland},
		{"app1.example.com", "10.2.0.0/16", frankfurt},
		{"app2.example.com", "10.1.7.0/24", ireland},
		{"APP2.Example.COM", "10.2.0.0/16", frankfurt},
	} {
		if got := l.dig(t, q.name, "+short", "+subnet="+q.subnet); got != q.want {
			t.Errorf("dig %s from %s = %q, want %q", q.name, q.subnet, got, q.want)
		}
	}
	if got := l.dig(t, "app1.example.com", "+short", "+tcp", "-b", "127.10.2.7"); got != frankfurt {
		t.Errorf("dig over TCP from a source near eu-central-1 = %q, want %q", got, frankfurt)
	}

	l.bulkhead(t, "scale", "app1", "--region", "eu-west-1", "--replicas", "0")
	l.until(t, frankfurt, app1...)
	if got := l.dig(t, app2...); got != ireland {
		t.Errorf("app2 moved with app1: dig answers %q, want %q", got, ireland)
	}
	l.bulkhead(t, "scale", "app1", "--region", "eu-west-1", "--replicas", "2")
	l.until(t, ireland, app1...)
}

// Pods that stay registered and answer 500 are noticed as well.
func TestFailingPodsMoveUsersAndHealedOnesBringThemBack(t *testing.T) {
	t.Parallel()
	l := startLab(t, t.TempDir(), "--interval", "1")
	app2 := []string{"app2.example.com", "+short", "+subnet=10.2.0.0/16"}
	l.bulkhead(t, "fail", "app2", "--region", "eu-central-1")
	l.until(t, ireland, app2...)
	l.eventually(t, "lab status shows unhealthy targets", func() bool {
		return strings.Contains(l.bulkhead(t, "status"),
			"2 unhealthy")
	})
	l.bulkhead(t, "heal", "app2", "--region", "eu-central-1")
	l.until(t, frankfurt, app2...)
}

func TestDigSeesAnAuthoritativeServer(t *testing.T) {
	t.Parallel()
	l := startLab(t, t.TempDir())
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"example.com", "SOA"}, []string{"status: NOERROR", "flags: qr aa", "awsdns-hostmaster.amazon.com."}},
		{[]string{"example.com", "NS"}, []string{"status: NOERROR", "172800"}},
		{[]string{"nothing.example.com", "A"}, []string{"status: NXDOMAIN", "AUTHORITY: 1", "\tSOA\t"}},
		{[]string{"app1.example.com", "AAAA"}, []string{"status: NOERROR", "ANSWER: 0", "AUTHORITY: 1"}},
		{[]string{"example.org", "A"}, []string{"status: REFUSED"}},
		{[]string{"app1.example.com", "A", "+subnet=10.1.0.0/16"},
			[]string{"CLIENT-SUBNET: 10.1.0.0/16/16", "\t60\tIN\tA\t" + ireland}},
	} {
		got := l.dig(t, append(c.args, "+norecurse")...)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("dig %s: no %q in\n%s", strings.Join(c.args, " "), want, got)
			}
		}
	}
}

// The AWS CLI makes a health check and a record as in Route 53's documentation.
func TestAWSCLIMakesACheckAndARecord(t *testing.T) {
	t.Parallel()
	l := startLab(t, t.TempDir(), "--empty")
	out := l.mustAWS(t, "route53", "create-hosted-zone", "--name", "example.com", "--caller-reference", "first", "--query",
		"HostedZone.Id")
	id := strings.TrimPrefix(out, "/hostedzone/")
	check := l.mustAWS(t, "route53", "create-health-check", "--caller-reference", "web-1", "--query", "HealthCheck.Id",
		"--health-check-config", `{"Type":"HTTP","IPAddress":"127.10.1.1","Port":80,"ResourcePath":"/app1health","RequestInterval":10,"FailureThreshold":3}`)
	if again := l.mustAWS(t, "route53", "create-health-check", "--caller-reference", "web-1", "--query", "HealthCheck.Id",
		"--health-check-config", `{"Type":"HTTP","IPAddress":"127.10.1.1","Port":80,"ResourcePath":"/app1health","RequestInterval":10,"FailureThreshold":3}`); again != check {
		t.Errorf("the same caller reference and settings made another check: %s, then %s", check, again)
	}
	batch := filepath.Join(t.TempDir(), "batch.json")
	write(t, batch, fmt.Sprintf(`{"Comment":"weighted","Changes":[
	  {"Action":"CREATE","ResourceRecordSet":{"Name":"www.example.com","Type":"A","SetIdentifier":"one","Weight":1,"TTL":60,
	   "ResourceRecords":[{"Value":"192.0.2.1"}],"HealthCheckId":%q}}]}`, check))
	change := l.mustAWS(t, "route53", "change-resource-record-sets", "--hosted-zone-id", id, "--change-batch",
		"file://"+batch, "--query", "ChangeInfo.Id")
	l.mustAWS(t, "route53", "wait", "resource-record-sets-changed", "--id", change)
	if got := l.dig(t, "www.example.com", "+short"); got != "192.0.2.1" {
		t.Errorf("dig www.example.com = %q, want 192.0.2.1", got)
	}
	if got := l.mustAWS(t, "route53", "list-health-checks", "--query",
		"HealthChecks[].HealthCheckConfig.ResourcePath"); got != "/app1health" {
		t.Errorf("list-health-checks shows %q", got)
	}
	if got := l.mustAWS(t, "route53", "list-resource-record-sets", "--hosted-zone-id", id, "--query",
		"ResourceRecordSets[?Type=='A'].Name"); got != "www.example.com." {
		t.Errorf("list-resource-record-sets shows %q", got)
	}
	// A second CREATE of the same record is refused, in AWS's words, and changes nothing.
	_, err := l.aws(t, "route53", "change-resource-record-sets", "--hosted-zone-id", id, "--change-batch", "file://"+batch)
	if err == nil || !strings.Contains(err.Error(), "InvalidChangeBatch") ||
		!strings.Contains(err.Error(), "but it already exists") {
		t.Errorf("a second CREATE: %v", err)
	}
}

func TestAWSCLIIsRefusedWithoutTheRightKey(t *testing.T) {
	t.Parallel()
	l := startLab(t, t.TempDir(), "--empty")
	right := l.env
	for _, c := range []struct{ key, value, want string }{
		{"AWS_SECRET_ACCESS_KEY", "not-the-secret", "SignatureDoesNotMatch"},
		{"AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE", "InvalidClientTokenId"},
	} {
		l.env = append(append([]string{}, right...), c.key+"="+c.value)
		if _, err := l.aws(t, "route53", "list-hosted-zones"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("with a wrong %s: %v, want %s", c.key, err, c.want)
		}
	}
}

// What was acknowledged is there after kill -9, at once and every time.
func TestAnAcknowledgedChangeSurvivesKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 3 {
		l := startLab(t, dir)
		id := strings.TrimPrefix(l.mustAWS(t, "route53", "list-hosted-zones", "--query", "HostedZones[0].Id"), "/hostedzone/")
		for old := range i {
			if got, want := l.dig(t, fmt.Sprintf("kept-%d.example.com", old), "TXT", "+short"),
				fmt.Sprintf("%q", fmt.Sprint("round ", old)); got != want {
				t.Fatalf("after kill -9, record of round %d = %s, want %s", old, got, want)
			}
		}
		l.mustAWS(t, "route53", "change-resource-record-sets", "--hosted-zone-id", id, "--change-batch",
			fmt.Sprintf(`{"Changes":[{"Action":"CREATE","ResourceRecordSet":{"Name":"kept-%d.example.com","Type":"TXT","TTL":5,"ResourceRecords":[{"Value":"\"round %d\""}]}}]}`, i, i))
		l.kill()
	}
	l := startLab(t, dir)
	if got := l.dig(t, "kept-2.example.com", "TXT", "+short"); got != `"round 2"` {
		t.Errorf("the last change is lost: %s", got)
	}
}

// The demo's exit status and document say that app1 moved alone.
func TestDemoHoldsItsPromises(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(bulkhead, "demo", "--json")
	var talk strings.Builder
	cmd.Stderr = &talk
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("demo: %v\n%s", err, talk.String())
	}
	var doc struct {
		Held     bool
		Chapters []struct {
			Name  string
			Users []struct {
				Application, Place, MovedTo string
				MovedAfter, ReturnedAfter   *float64
				Requests                    int
				Timeline                    []struct {
					Seconds        float64
					Answer, Region string
				}
			}
		}
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatalf("not a JSON document: %v\n%s", err, out)
	}
	if !doc.Held || len(doc.Chapters) != 2 {
		t.Fatalf("the document says held=%v with %d chapters", doc.Held, len(doc.Chapters))
	}
	for _, c := range doc.Chapters {
		if len(c.Users) != 4 {
			t.Errorf("%s: %d users, want two applications in two places", c.Name, len(c.Users))
		}
		for _, u := range c.Users {
			moves := u.Place == "eu-west-1" && (u.Application == "app1" || c.Name == "all-or-nothing")
			if moved := u.MovedAfter != nil; moved != moves {
				t.Errorf("%s: %s near %s moved=%v, want %v", c.Name, u.Application, u.Place, moved, moves)
			}
			if moves && (u.MovedTo != "eu-central-1" || u.ReturnedAfter == nil || *u.ReturnedAfter <= *u.MovedAfter) {
				t.Errorf("%s: %s near %s: %+v", c.Name, u.Application, u.Place, u)
			}
			if len(u.Timeline) == 0 || u.Requests == 0 {
				t.Errorf("%s: %s near %s has no timeline", c.Name, u.Application, u.Place)
			}
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
