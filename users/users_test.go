package users

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/sigv4"
)

const oneUser = `users:
  - {name: ci, accessKeyId: AKIACIEXAMPLE00000000, secretAccessKey: hush-hush-hush-hush, role: administrator}
`

// The example of the documentation is a file of users that the engine takes.
func TestDocumentedUsers(t *testing.T) {
	page, err := os.ReadFile("../docs/engine.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```yaml users.yaml\n(.*?)```").FindSubmatch(page)
	if example == nil {
		t.Fatal("docs/engine.md has no example of users.yaml")
	}
	got, err := parse(example[1])
	if err != nil {
		t.Fatal(err)
	}
	want := []User{
		{Name: "ci", Role: RoleAdministrator, Credentials: sigv4.Credentials{
			AccessKeyID: "AKIACIEXAMPLE00000000", SecretAccessKey: "choose-a-long-random-secret-for-ci"}},
		{Name: "dashboard", Role: RoleReadOnly, Credentials: sigv4.Credentials{
			AccessKeyID: "AKIADASHEXAMPLE00000", SecretAccessKey: "choose-a-long-random-secret-for-dash"}},
		{Name: "team-a", Role: RoleZones, Zones: []string{"team-a.example.com.", "Z0123456789ABCDEFGHIJ"}, Credentials: sigv4.Credentials{
			AccessKeyID: "ASIATEAMAEXAMPLE0000", SecretAccessKey: "choose-a-long-random-secret-for-team",
			SessionToken: "a-token-of-temporary-credentials", Expires: time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
}

// What is wrong with a file is said with its line and field, and never with a secret.
func TestUsersFileIsReadStrictly(t *testing.T) {
	const user = "users:\n- name: a\n  accessKeyId: AKIAAAAAAAAAAAAAA\n  secretAccessKey: hush-hush-hush-hush\n"
	for _, tt := range []struct{ name, file, want string }{
		{"empty", "", ""},
		{"comment only", "# nobody\n", ""},
		{"nobody", "users: []", ""},
		{"zone id with prefix", user + "  role: zones\n  zones: [/hostedzone/Z1]\n", ""},
		{"unknown field", user + "  rol: administrator\n", `line 5: unknown field "rol"; a user may have name, accessKeyId,`},
		{"unknown field of the file", "user: []", `line 1: unknown field "user"; the file may have users`},
		{"field twice", user + "  name: b\n", `line 5: field "name" is listed twice`},
		{"not a list", "users: hush", "line 1: users must be a list"},
		{"not a mapping", "users:\n- hush\n", "line 2: a user must be a mapping of name, accessKeyId"},
		{"a text at top", "hush", "line 1: the file must be a mapping of users"},
		{"not YAML", "users: [\n  hush: [", "not valid YAML"},
		{"two documents", "users: []\n---\nusers: []\n", "more than one YAML document"},
		{"no name", "users:\n- role: administrator\n", "line 2: name must be 1 to 64 letters, digits and _+=,.@-"},
		{"odd name", "users:\n- name: a/b\n", "line 2: name must be"},
		{"no key", "users:\n- name: a\n", "line 2: accessKeyId of user a must be 16 to 128 letters"},
		{"no secret", "users:\n- name: a\n  accessKeyId: AKIAAAAAAAAAAAAAA\n", "line 2: secretAccessKey of user a must have 16 characters or more"},
		{"short secret", "users:\n- name: a\n  accessKeyId: AKIAAAAAAAAAAAAAA\n  secretAccessKey: hush\n", "must have 16 characters or more"},
		{"secret is a list", "users:\n- name: a\n  secretAccessKey: [hush]\n", "line 3: secretAccessKey must be a text that is not empty"},
		{"empty token", user + "  sessionToken: ''\n  role: administrator\n", "line 5: sessionToken must be a text that is not empty"},
		{"odd time", user + "  expires: hush\n  role: administrator\n", "line 5: expires of user a must be a time such as 2026-12-31T23:59:59Z"},
		{"no role", user, "line 2: role of user a must be administrator, read-only or zones"},
		{"other role", user + "  role: admin\n", "must be administrator, read-only or zones"},
		{"zones without zones", user + "  role: zones\n", "line 2: zones of user a must be a list of names or ids"},
		{"empty zones", user + "  role: zones\n  zones: []\n", "must be a list of names or ids"},
		{"zones of another role", user + "  role: read-only\n  zones: [example.com]\n", "line 6: zones of user a: only the role zones has them, not read-only"},
		{"odd zone", user + "  role: zones\n  zones:\n  - example.com\n  - a..example.com\n", "line 8: zones of user a: "},
		{"wildcard zone", user + "  role: zones\n  zones: ['*.example.com']\n", "line 6: zones of user a: "},
		{"administrator's name", strings.Replace(user, "name: a", "name: administrator", 1) + "  role: read-only\n", `line 2: the name "administrator" is already in use`},
		{"key twice", user + "  role: read-only\n" + strings.Replace(strings.TrimPrefix(user, "users:\n"), "name: a", "name: b", 1) + "  role: read-only\n",
			"line 6: user b has the accessKeyId of another user"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse([]byte(tt.file))
			got := ""
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if strings.Contains(got, "hush") {
				t.Errorf("the error tells what may be a secret: %s", got)
			}
		})
	}
}

// Whatever a file holds, it is refused or every user in it has a name, a key, a secret and a role.
func FuzzUsersFile(f *testing.F) {
	f.Add([]byte(oneUser))
	f.Add([]byte("users: [{name: a, zones: [x.y, Z1], role: zones, expires: 2026-01-01T00:00:00Z}]"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		users, err := parse(data)
		if err != nil && len(users) > 0 {
			t.Errorf("%d users beside the error %v", len(users), err)
		}
		for _, u := range users {
			if u.Name == "" || u.AccessKeyID == "" || len(u.SecretAccessKey) < minSecretLen || u.Role == "" || (u.Role == RoleZones) != (len(u.Zones) > 0) {
				t.Errorf("user %+v", u)
			}
		}
	})
}

// A change of the file is noticed a second later at most; a file that is not valid, or gone, changes nobody. No secret
// is logged.
func TestUsersFollowTheirFile(t *testing.T) { synctest.Test(t, testUsersFollowTheirFile) }

func testUsersFollowTheirFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	administrator := sigv4.Credentials{AccessKeyID: "AKIAADMINISTRATOR", SecretAccessKey: "hush of the administrator"}
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if _, err := Open(path, administrator, logger); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a file that is not there: %v", err)
	}
	write(oneUser)
	u, err := Open(path, administrator, logger)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name   string
		do     func()
		later  time.Duration
		ci, cd bool   // who is known
		log    string // a part of what is logged
	}{
		{"as it was", func() {}, time.Minute, true, false, ""},
		{"another user, not looked at yet", func() { write(strings.ReplaceAll(strings.ReplaceAll(oneUser, "ci", "cd"), "AKIACI", "AKIACD")) }, 999 * time.Millisecond, true, false, ""},
		{"a second after the last look", func() {}, time.Millisecond, false, true, "users read"},
		{"not valid", func() { write("users: [hush]") }, time.Second, false, true, "line 1: a user must be a mapping"},
		{"still not valid: said once", func() {}, time.Second, false, true, ""},
		{"valid again", func() { write(oneUser) }, time.Second, true, false, "users read"},
		{"the administrator's key", func() { write(strings.ReplaceAll(oneUser, "AKIACIEXAMPLE00000000", "AKIAADMINISTRATOR")) }, time.Second, true, false, "has the access key of the administrator"},
		{"gone", func() { os.Remove(path) }, time.Second, true, false, "no such file"},
		{"still gone: said once", func() {}, time.Second, true, false, ""},
		{"nobody", func() { write("users: []") }, time.Second, false, false, "users read"},
	} {
		log.Reset()
		step.do()
		time.Sleep(step.later)
		_, ci := u.Lookup("AKIACIEXAMPLE00000000")
		_, cd := u.Lookup("AKIACDEXAMPLE00000000")
		if ci != step.ci || cd != step.cd {
			t.Errorf("%s: ci %v, cd %v; want %v, %v", step.name, ci, cd, step.ci, step.cd)
		}
		if got := log.String(); !strings.Contains(got, step.log) || step.log == "" && got != "" {
			t.Errorf("%s: logged %q, want %q", step.name, got, step.log)
		}
		if strings.Contains(log.String(), "hush") {
			t.Errorf("%s: a secret is logged: %s", step.name, log.String())
		}
		if got, ok := u.Lookup("AKIAADMINISTRATOR"); !ok || got.Role != RoleAdministrator || got.SecretAccessKey != administrator.SecretAccessKey {
			t.Errorf("%s: the administrator is %+v", step.name, got)
		}
	}
	// Asked for, it is read at once, however short ago it was looked at.
	write(oneUser)
	if err := u.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, ok := u.Lookup("AKIACIEXAMPLE00000000"); !ok {
		t.Error("reload did not read the file")
	}
	log.Reset()
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := u.Reload(); err != nil || !strings.Contains(log.String(), "can be read by others") {
		t.Errorf("a file that others can read: %v, logged %q", err, log.String())
	}
}
