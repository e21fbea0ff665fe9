//go:build kube

package kube

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// exists says whether a process runs. One that has ended and waits for its new parent to notice does not.
func exists(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

func TestClosedRegionLeavesNothing(t *testing.T) {
	r, err := Start(t.Context(), "eu-west-1", Options{Nodes: 1})
	if err != nil {
		t.Fatal(err)
	}
	pids := []int{r.etcd.cmd.Process.Pid, r.apiServer.cmd.Process.Pid}
	for _, w := range r.workers {
		pids = append(pids, w.cmd.Process.Pid)
	}
	if len(pids) != 5 {
		t.Errorf("a Region with nodes has %d processes, want 5", len(pids))
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, pid := range pids {
		if exists(pid) {
			t.Errorf("process %d is left", pid)
		}
	}
	if _, err := os.Stat(r.folder.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("folder %s is left: %v", r.folder.path, err)
	}
}

// A test binary that is killed, by its time limit or by a person, cannot clean up.
func TestRegionDiesWithItsTest(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	test := exec.Command(os.Args[0])
	test.Env = append(os.Environ(), abandoned+"=1")
	stdout, err := test.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := test.Start(); err != nil {
		t.Fatal(err)
	}
	defer test.Wait()
	defer test.Process.Kill()
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	var dir string
	var etcd, apiServer int
	if _, err := fmt.Sscan(line, &dir, &etcd, &apiServer); err != nil {
		t.Fatalf("the test said %q: %v", line, err)
	}
	if !exists(etcd) || !exists(apiServer) {
		t.Fatal("the Region does not run")
	}
	other, err := newFolder()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the folder of a Region that runs: %v", err)
	}

	test.Process.Kill()
	test.Wait()
	err = Await(t.Context(), "the Region's processes end", time.Minute, func(context.Context) error {
		if exists(etcd) || exists(apiServer) {
			return errors.New("they run")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	next, err := newFolder()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of the killed test is left: %v", err)
	}
	for _, f := range []*folder{other, next} {
		if _, err := os.Stat(f.path); err != nil {
			t.Errorf("a folder in use: %v", err)
		}
		if err := f.remove(); err != nil {
			t.Error(err)
		}
	}
}

func TestRegionThatCannotStartSaysWhy(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	_, err := Start(t.Context(), "eu-west-1", Options{APIServerArgs: []string{"--no-such-flag"}})
	if err == nil {
		t.Fatal("kube-apiserver has started with a flag that it does not have")
	}
	for _, want := range []string{"start Region eu-west-1", "kube-apiserver has ended", "unknown flag: --no-such-flag"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("it has left %v (%v)", left, err)
	}
}

func TestMissingBinariesNameTheCommand(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	_, err := Start(t.Context(), "eu-west-1", Options{})
	if err == nil || !strings.Contains(err.Error(), "make components") {
		t.Errorf("without binaries: got error %v, want one with the command that builds them", err)
	}
}
