package etcd_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/etcd"
	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
	"github.com/prometheus/client_golang/prometheus"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// Where etcd gives up, it leaves goroutines behind. Such tests run it in a child, which is this binary started again
// with the name of a scenario and a data directory in the environment.
const (
	childScenario = "BULKHEAD_TEST_SCENARIO"
	childDir      = "BULKHEAD_TEST_DIR"
)

func TestMain(m *testing.M) {
	switch os.Getenv(childScenario) {
	case "full disk":
		os.Exit(runOnFullDisk(os.Getenv(childDir)))
	case "damaged log":
		os.Exit(runOnDamagedLog(os.Getenv(childDir)))
	}
	goleak.VerifyTestMain(m)
}

func dial(t *testing.T, endpoint string) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestWhatWasAcknowledgedIsThereAfterARestart(t *testing.T) {
	dir := etcdtest.Dir(t)
	s := etcdtest.StartIn(t, dir)
	if _, err := dial(t, s.Endpoint()).Put(t.Context(), "k", "v"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = etcdtest.StartIn(t, dir)
	defer s.Close()
	r, err := dial(t, s.Endpoint()).Get(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Kvs) != 1 || string(r.Kvs[0].Value) != "v" {
		t.Errorf("after the restart k is %v, want v", r.Kvs)
	}
	select {
	case err := <-s.Failed():
		t.Errorf("Failed delivered %v", err)
	default:
	}
}

// Every acknowledged write has been synced to the disk: a machine that loses power has it.
func TestAcknowledgedWritesAreSynced(t *testing.T) {
	syncs := func() (n uint64) {
		families, err := prometheus.DefaultGatherer.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "etcd_disk_wal_fsync_duration_seconds" {
				n += f.GetMetric()[0].GetHistogram().GetSampleCount()
			}
		}
		return n
	}
	client := dial(t, etcdtest.Start(t))
	for i := range 5 {
		before := syncs()
		if _, err := client.Put(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		if syncs() == before {
			t.Errorf("write %d was acknowledged before it was synced", i)
		}
	}
}

// etcd forgets old revisions: without that its database would grow with every report.
func TestHistoryIsForgotten(t *testing.T) {
	s, err := etcd.Start(t.Context(), etcd.Options{Dir: etcdtest.Dir(t), FastTicks: true, History: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	client := dial(t, s.Endpoint())
	first, err := client.Put(t.Context(), "k", "old")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !errors.Is(err, rpctypes.ErrCompacted) {
		if _, err := client.Put(ctx, "k", "new"); err != nil {
			t.Fatalf("old revisions are still there: %v", err)
		}
		_, err = client.Get(ctx, "k", clientv3.WithRev(first.Header.Revision))
	}
	if r, err := client.Get(ctx, "k"); err != nil || string(r.Kvs[0].Value) != "new" {
		t.Errorf("after the compaction k is %v, %v; want new", r, err)
	}
}

func TestEveryNewDirectoryIsAClusterOfItsOwn(t *testing.T) {
	a, b := dial(t, etcdtest.Start(t)), dial(t, etcdtest.Start(t))
	ra, err := a.Get(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	rb, err := b.Get(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	if ra.Header.ClusterId == rb.Header.ClusterId {
		t.Errorf("two directories share the cluster id %x", ra.Header.ClusterId)
	}
}

func TestCloseDoesNotWaitForWatches(t *testing.T) {
	dir := etcdtest.Dir(t)
	s := etcdtest.StartIn(t, dir)
	w := dial(t, s.Endpoint()).Watch(t.Context(), "k", clientv3.WithCreatedNotify())
	<-w
	s.Close()
	s.Close()                        // a second time does nothing
	etcdtest.StartIn(t, dir).Close() // a Close that gave up waiting leaves the directory locked
}

func TestALongPathMovesTheSocket(t *testing.T) {
	dir := filepath.Join(etcdtest.Dir(t), strings.Repeat("long/", 30))
	before, err := etcd.Endpoint(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := etcdtest.StartIn(t, dir)
	defer s.Close()
	if s.Endpoint() != before {
		t.Errorf("the endpoint is %s, and was to be %s before the start", s.Endpoint(), before)
	}
	if _, err := dial(t, s.Endpoint()).Put(t.Context(), "k", "v"); err != nil {
		t.Fatal(err)
	}
}

func TestStartSaysWhatIsWrongWithTheDirectory(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, dir string) string // returns the directory to start in
		want    string
	}{
		{"in use", func(t *testing.T, dir string) string {
			t.Cleanup(etcdtest.StartIn(t, dir).Close)
			return dir
		}, "in use by another bulkhead process"},
		{"a file in the way", func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, "file"), "")
			return filepath.Join(dir, "file", "etcd")
		}, "cannot be made: mkdir"},
		{"not writable", func(t *testing.T, dir string) string {
			// Root may write anywhere, so a directory takes the place of the lock file.
			if err := os.Mkdir(filepath.Join(dir, "lock"), 0o700); err != nil {
				t.Fatal(err)
			}
			return dir
		}, "is not writable"},
		{"damaged database", func(t *testing.T, dir string) string {
			etcdtest.StartIn(t, dir).Close()
			write(t, filepath.Join(dir, "member", "snap", "db"), strings.Repeat("x", 20_000))
			return dir
		}, "is damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := c.prepare(t, etcdtest.Dir(t))
			s, err := etcd.Start(t.Context(), etcd.Options{Dir: dir, FastTicks: true, StartTimeout: time.Minute})
			if err == nil {
				s.Close()
				t.Fatal("started")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("error %q, want one with %q and the directory", err, c.want)
			}
			t.Log(err)
		})
	}
}

func TestAContextThatEndsEndsTheWaiting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, err := etcd.Start(ctx, etcd.Options{Dir: etcdtest.Dir(t), FastTicks: true})
	if err == nil {
		s.Close()
		t.Fatal("started with an ended context")
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context canceled", err)
	}
}

func TestAFullDatabaseTakesWritesAgainAfterARestart(t *testing.T) {
	dir := etcdtest.Dir(t)
	start := func(quota int64) (*etcd.Server, *clientv3.Client) {
		s, err := etcd.Start(t.Context(), etcd.Options{Dir: dir, FastTicks: true, QuotaBytes: quota})
		if err != nil {
			t.Fatal(err)
		}
		return s, dial(t, s.Endpoint())
	}
	s, c := start(1 << 20)
	value := strings.Repeat("x", 300_000)
	var err error
	for i := 0; i < 500 && err == nil; i++ {
		_, err = c.Put(t.Context(), fmt.Sprint(i), value)
	}
	if err == nil {
		t.Fatal("a database over its quota took every write")
	}
	s.Close()
	s, c = start(1 << 30)
	defer s.Close()
	if _, err := c.Put(t.Context(), "k", "v"); err != nil {
		t.Errorf("write after the quota was raised: %v", err)
	}
}

// etcd ends its process when it cannot write its log; here it must only stop, and say why.
func TestAFullDiskStopsEtcdNotTheProcess(t *testing.T) {
	runChild(t, "full disk", etcdtest.Dir(t), "alive: etcd in ")
}

func TestADamagedLogIsAnErrorNotAPanic(t *testing.T) {
	dir := etcdtest.Dir(t)
	etcdtest.StartIn(t, dir).Close()
	logs, err := filepath.Glob(filepath.Join(dir, "member", "wal", "*.wal"))
	if err != nil || len(logs) == 0 {
		t.Fatal("no write-ahead log", err)
	}
	write(t, logs[0], strings.Repeat("x", 20_000))
	runChild(t, "damaged log", dir, "alive: start etcd in "+dir+": its files are damaged")
}

// runChild runs a scenario in a child and expects it to end well, saying want.
func runChild(t *testing.T, scenario, dir, want string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childScenario+"="+scenario, childDir+"="+dir)
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("child: %v; it said: %s", err, out)
	}
	if !strings.Contains(string(out), want) {
		t.Errorf("child said %q, want %q", out, want)
	}
}

func runOnDamagedLog(dir string) int {
	if _, err := etcd.Start(context.Background(), etcd.Options{Dir: dir, FastTicks: true}); err != nil {
		fmt.Println("alive:", err)
		return 0
	}
	fmt.Println("started")
	return 1
}

// runOnFullDisk stands in for a full disk with a limit on the size of files, which needs no privilege.
func runOnFullDisk(dir string) int {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	s, err := etcd.Start(ctx, etcd.Options{Dir: dir, FastTicks: true, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		fmt.Fprintln(out, "start:", err)
		return 1
	}
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{s.Endpoint()}, Logger: zap.NewNop()})
	if err != nil {
		fmt.Fprintln(out, "dial:", err)
		return 1
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 4096, Max: 4096}); err != nil {
		fmt.Fprintln(out, "setrlimit:", err)
		return 1
	}
	put, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	if _, err := c.Put(put, "k", strings.Repeat("v", 8192)); err == nil {
		fmt.Fprintln(out, "a write on a full disk was acknowledged")
		return 1
	}
	select {
	case err := <-s.Failed():
		s.Close()
		fmt.Fprintln(out, "alive:", err)
		return 0
	case <-ctx.Done():
		fmt.Fprintln(out, "no failure reported")
		return 1
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
