package store_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/bulkhead-dns/bulkhead/etcd"
	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/store"
)

// A node that dies is this binary started again with a scenario in its environment, and killed.
const (
	childScenario = "BULKHEAD_TEST_SCENARIO" // "write" or "report"
	childEtcd     = "BULKHEAD_TEST_ETCD"     // "write": data directory; "report": endpoint
	childObject   = "BULKHEAD_TEST_OBJECT"   // zone or health check id
	childRound    = "BULKHEAD_TEST_ROUND"
)

type child struct {
	cmd    *exec.Cmd
	stdout *bufio.Scanner
}

func spawn(t *testing.T, scenario, etcdAt, object string, round int) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childScenario+"="+scenario, childEtcd+"="+etcdAt, childObject+"="+object,
		childRound+"="+strconv.Itoa(round))
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &child{cmd, bufio.NewScanner(out)}
}

func startChild(t *testing.T, endpoint, checkID string) *child {
	return spawn(t, "report", endpoint, checkID, 0)
}

func (c *child) kill(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.cmd.Wait() // says that it was killed
}

// runChild is the child's main. It ends when it is killed.
func runChild() int {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	endpoint, object := os.Getenv(childEtcd), os.Getenv(childObject)
	var err error
	switch os.Getenv(childScenario) {
	case "write":
		var server *etcd.Server
		if server, err = etcd.Start(ctx, etcd.Options{Dir: endpoint, FastTicks: true}); err == nil {
			err = childRun(ctx, server.Endpoint(), func(s *store.Store) error { return writeWithoutEnd(ctx, s, object) })
		}
	case "report":
		err = childRun(ctx, endpoint, func(s *store.Store) error {
			return s.PutReport(ctx, health.Report{Check: object, Checker: "child/local"})
		})
	}
	fmt.Fprintln(os.Stderr, "child was not killed:", err)
	return 1
}

func childRun(ctx context.Context, endpoint string, act func(*store.Store) error) error {
	s, err := store.New(store.Options{Endpoints: []string{endpoint}, Node: "child", LeaseTTL: time.Second})
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- s.Run(ctx) }()
	select {
	case <-s.Ready():
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := act(s); err != nil {
		return err
	}
	return <-failed
}

func pair(round, i int) (a, b string) {
	return fmt.Sprintf("a-%d-%d.example.com.", round, i), fmt.Sprintf("b-%d-%d.example.com.", round, i)
}

// writeWithoutEnd makes batches of two record sets and prints the number of each that is acknowledged.
func writeWithoutEnd(ctx context.Context, s *store.Store, zoneID string) error {
	round, err := strconv.Atoi(os.Getenv(childRound))
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		a, b := pair(round, i)
		if _, err := s.ChangeRecords(ctx, zoneID, "", create(record(a, "192.0.2.1"), record(b, "192.0.2.2"))); err != nil {
			if i == 0 { // not connected yet
				i--
				continue
			}
			return err
		}
		fmt.Println(i)
	}
}

// kill -9 at any instant: every acknowledged change is there after the restart, and nothing is half applied.
func TestAcknowledgedChangesSurviveAKill(t *testing.T) {
	t.Parallel()
	dir := etcdtest.Dir(t)
	server := etcdtest.StartIn(t, dir)
	s, stop := run(t, store.Options{Endpoints: []string{server.Endpoint()}, Node: "parent"})
	connected(t, s)
	z := createZone(t, s, "example.com", "r1")
	stop()
	server.Close()

	const rounds = 4
	acknowledged := make([]int, rounds) // how many
	for round := range rounds {
		c := spawn(t, "write", dir, z.ID, round)
		for enough := 1 + rand.IntN(40); acknowledged[round] < enough && c.stdout.Scan(); {
			acknowledged[round]++
		}
		spin := time.NewTimer(time.Duration(rand.IntN(3000)) * time.Microsecond) // into the middle of a write
		<-spin.C
		if err := c.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for c.stdout.Scan() { // acknowledged before it died
			acknowledged[round]++
		}
		c.cmd.Wait() // says that it was killed
	}
	t.Logf("acknowledged per round: %v", acknowledged)

	server = etcdtest.StartIn(t, dir)
	t.Cleanup(server.Close)
	s = start(t, server.Endpoint(), "parent")
	there := map[string]bool{}
	for _, set := range contents(s.State(), z.ID) {
		there[string(set.Name)] = true
	}
	for round, n := range acknowledged {
		if n == 0 {
			t.Errorf("round %d acknowledged nothing", round)
		}
		for i := range n + 1 {
			a, b := pair(round, i)
			if there[a] != there[b] {
				t.Errorf("batch %d of round %d is half applied", i, round)
			}
			if i < n && !there[a] {
				t.Errorf("batch %d of round %d was acknowledged and is lost", i, round)
			}
		}
	}
	if extra := len(there) - 1; extra > 2*(sum(acknowledged)+rounds) {
		t.Errorf("%d names are there, more than were asked for", extra)
	}
}

func sum(ns []int) (total int) {
	for _, n := range ns {
		total += n
	}
	return total
}
