// Package clients_test drives the built program with the clients that people have: dig, Debian's AWS CLI and boto3, the
// AWS SDKs for Go and JavaScript, and a shell. What they are sent back is held to AWS's own model of the API besides.
// `make clients` installs them where they are missing.
package clients_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// bulkhead is the program under test.
var bulkhead string

// Tests wait for probes and for other programs most of the time: more of them run at once than there are processors.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "bulkhead-clients-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		bulkhead = filepath.Join(dir, "bulkhead")
		if err := readSources("../../"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		// without debug information it links faster
		build := exec.Command("go", "build", "-ldflags=-s -w", "-o", bulkhead, "../../cmd/bulkhead")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build bulkhead: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// readSources opens every Go file of the program, so that the go command runs these tests again when one has changed:
// it keeps results by the files that a test opens, and the program is built by another process.
func readSources(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == ".git"):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			_, err = os.ReadFile(path)
		}
		return err
	})
}

// tool finds a client; the distribution's own comes first.
func tool(t *testing.T, name string) string {
	t.Helper()
	if path := "/usr/bin/" + name; isFile(path) {
		return path
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed: `make clients` installs it", name)
	}
	return path
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// A lab is a running `bulkhead lab`.
type lab struct {
	dir string // data directory
	api string // "http://127.0.0.1:…"
	dns netip.AddrPort
	env []string
	cmd *exec.Cmd
}

// startLab runs `bulkhead lab` on free ports and waits until it has introduced itself.
func startLab(t *testing.T, dir string, args ...string) *lab {
	t.Helper()
	l := &lab{dir: dir}
	l.cmd = exec.Command(bulkhead, append([]string{"lab", "--any-port", "--http", "127.0.0.1:0", "--dns", "127.0.0.1:0",
		"--data-dir", dir,
		"--probe-allow", "127.0.0.0/8"}, args...)...)
	var talk bytes.Buffer
	l.cmd.Stderr = &talk
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.stop)
	// A lab that never speaks is ended, so that reading ends.
	hung := time.AfterFunc(3*time.Minute, l.kill)
	defer hung.Stop()
	var lines []string
	for s := bufio.NewScanner(out); s.Scan(); {
		line := s.Text()
		lines = append(lines, line)
		if strings.HasPrefix(line, "export ") {
			l.env = append(l.env, strings.TrimPrefix(line, "export "))
		}
		if m := regexp.MustCompile(`Route 53 API\s+(http://\S+)`).FindStringSubmatch(line); m != nil {
			l.api = m[1]
		}
		if m := regexp.MustCompile(`DNS\s+(127\S+)`).FindStringSubmatch(line); m != nil {
			l.dns = netip.MustParseAddrPort(m[1])
		}
		if strings.HasPrefix(line, "Ctrl-C") {
			go func() { // keep the pipe empty
				for s.Scan() {
				}
			}()
			return l
		}
	}
	t.Fatalf("the lab did not start:\n%s\n%s", strings.Join(lines, "\n"), talk.String())
	return nil
}

// kill is kill -9.
func (l *lab) kill() {
	_ = l.cmd.Process.Kill()
	_ = l.cmd.Wait()
}

// stop is Ctrl-C.
func (l *lab) stop() {
	if l.cmd.ProcessState != nil {
		return
	}
	_ = l.cmd.Process.Signal(syscall.SIGINT)
	force := time.AfterFunc(time.Minute, func() { _ = l.cmd.Process.Kill() })
	defer force.Stop()
	_ = l.cmd.Wait()
}

// run executes a client and returns what it printed.
func run(t *testing.T, env []string, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err,
			stderr.String())
	}
	return strings.TrimSpace(stdout.String()), nil
}

// aws runs the AWS CLI against the lab.
func (l *lab) aws(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return run(t, append(l.env, "AWS_PAGER=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null"),
		tool(t, "aws"), append([]string{"--endpoint-url", l.api, "--output", "text"}, args...)...)
}

func (l *lab) mustAWS(t *testing.T, args ...string) string {
	t.Helper()
	out, err := l.aws(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// dig asks the lab's DNS.
func (l *lab) dig(t *testing.T, args ...string) string {
	t.Helper()
	server := []string{"@" + l.dns.Addr().String(), "-p", fmt.Sprint(l.dns.Port()), "+tries=1", "+time=2"}
	out, err := run(t, nil, tool(t, "dig"), append(server, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// bulkhead runs `bulkhead lab …` against the lab.
func (l *lab) bulkhead(t *testing.T, args ...string) string {
	t.Helper()
	out, err := run(t, nil, bulkhead,
		append(append([]string{"lab"}, args...), "--data-dir", l.dir, "--endpoint-url", l.api)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// until asks dig again until it answers want.
func (l *lab) until(t *testing.T, want string, args ...string) {
	t.Helper()
	what := fmt.Sprintf("dig %s answers %q", strings.Join(args, " "), want)
	l.eventually(t, what, func() bool { return l.dig(t, args...) == want })
}

// eventually retries until something holds. It pauses between two tries, because each runs a program and takes a
// processor from the other tests.
func (l *lab) eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(3 * time.Minute)
	defer deadline.Stop()
	rest := time.NewTicker(200 * time.Millisecond)
	defer rest.Stop()
	for !holds() {
		select {
		case <-rest.C:
		case <-deadline.C:
			t.Fatalf("%s: not within three minutes", what)
		}
	}
}

// key is what the lab prints for AWS's clients.
func (l *lab) key(t *testing.T) sigv4.Credentials {
	t.Helper()
	value := func(name string) string {
		for _, line := range l.env {
			if v, ok := strings.CutPrefix(line, name+"="); ok {
				return v
			}
		}
		t.Fatalf("the lab printed no %s", name)
		return ""
	}
	return sigv4.Credentials{AccessKeyID: value("AWS_ACCESS_KEY_ID"), SecretAccessKey: value("AWS_SECRET_ACCESS_KEY")}
}

// bare is an id without "/hostedzone/" and the like before it, as SDKs send it. r53: C.1.
func bare(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }
