// Package kube runs Kubernetes Regions for tests: what is tested against them talks to real API servers.
//
// A Region is etcd and kube-apiserver, and with nodes also kube-controller-manager, kube-scheduler and kwok: Deployments get
// Pods, Pods get addresses and become ready, Services get EndpointSlices, and only containers are missing. All are unmodified
// binaries that bins/build.sh makes from their Go modules; README.md says how long that takes. Regions know nothing of each
// other. Each has a loopback address of its own, so that any number of them, of any number of test processes, run side by side
// without meeting on a port. Linux only: other systems give one address to the loopback interface.
//
// A Region takes seconds to start: start one per package in TestMain, or one per test where tests stop it, and give each test a
// namespace of its own. Deleting a namespace takes about ten seconds and is not worth waiting for.
package kube

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// startLimit is what a Region may take to start. It takes four seconds on two quiet cores.
const startLimit = 3 * time.Minute

// Options say what a Region consists of. Its zero value is an API server with nothing around it.
type Options struct {
	// Nodes is how many nodes there are. Zero leaves out controller manager, scheduler and nodes: objects are stored and
	// validated, but a Deployment gets no Pods, a Service no EndpointSlices, a namespace never goes away, and nothing is
	// collected as garbage.
	Nodes int
	// PodCIDR is where Pods get their addresses from; "" means a range that follows from the Region's name. Nothing listens
	// on the addresses.
	PodCIDR string
	// CRDs are files with CustomResourceDefinitions, and folders of such files.
	CRDs []string
	// APIServerArgs are further flags of kube-apiserver, such as "--v=4".
	APIServerArgs []string
}

// Region is one running Kubernetes cluster. Methods that start and stop its parts must not be called at the same time; all
// others may be called from anywhere.
type Region struct {
	// Name is what Start was given.
	Name string

	options Options
	bins    string  // the folder of the binaries
	folder  *folder // everything that the Region writes
	address string  // its own loopback address
	ports   ports
	ca      *authority

	kubeconfig string // of an administrator
	config     *rest.Config
	client     client.WithWatch

	etcd, apiServer *process
	workers         []*process // controller manager, scheduler, kwok
}

// ports are those that a Region keeps over restarts, so that clients find it again.
type ports struct{ etcd, etcdPeer, apiServer int }

// StartRegion is Start for one test. The test fails if the Region does not start; when it ends, the Region is closed, and if the
// test has failed, the last lines of every component's log are shown.
func StartRegion(t testing.TB, name string, o Options) *Region {
	t.Helper()
	r, err := Start(t.Context(), name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(r.Logs())
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// Start starts a Region and returns when its API server answers, its CRDs are served and its nodes are ready. Close must be
// called in the end. The name is a label: it names the nodes and is in every message. If the binaries have not been built, the error
// gives the command that does so.
func Start(ctx context.Context, name string, o Options) (*Region, error) {
	bins, err := Binaries()
	if err != nil {
		return nil, err
	}
	r := &Region{Name: name, options: o, bins: bins}
	if r.options.PodCIDR == "" {
		r.options.PodCIDR = podCIDR(name)
	}
	if err := r.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start Region %s: %w", name, err), r.Close())
	}
	return r, nil
}

func (r *Region) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	var err error
	if r.folder, err = newFolder(); err != nil {
		return err
	}
	if r.address, r.ports, err = ownAddress(); err != nil {
		return err
	}
	if err := r.writeCertificates(); err != nil {
		return err
	}
	if r.kubeconfig, err = r.Kubeconfig("admin", "system:masters"); err != nil {
		return err
	}
	if r.config, err = restConfig(r.kubeconfig); err != nil {
		return err
	}
	if r.client, err = client.NewWithWatch(r.config, client.Options{Scheme: scheme.Scheme}); err != nil {
		return err
	}
	if err := r.startControlPlane(ctx); err != nil {
		return err
	}
	if err := r.InstallCRDs(r.options.CRDs...); err != nil {
		return err
	}
	if r.options.Nodes > 0 {
		return r.startWorkers(ctx)
	}
	return nil
}

// Stop stops every component in good order and keeps their data for Restart.
func (r *Region) Stop() error {
	var errs []error
	for _, p := range r.workers {
		p.terminate()
	}
	for _, p := range append(slices.Clone(r.workers), r.apiServer, r.etcd) {
		errs = append(errs, p.stop())
	}
	return errors.Join(errs...)
}

// Restart starts a stopped Region again, with the data and at the address it had.
func (r *Region) Restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := r.startControlPlane(ctx); err != nil {
		return fmt.Errorf("restart Region %s: %w", r.Name, err)
	}
	if r.options.Nodes > 0 {
		if err := r.startWorkers(ctx); err != nil {
			return fmt.Errorf("restart Region %s: %w", r.Name, err)
		}
	}
	return nil
}

// KillAPIServer kills the API server without warning, as a crash would, and returns when it is gone. Everything else of the
// Region goes on and finds nobody to talk to.
func (r *Region) KillAPIServer() error { return r.apiServer.kill() }

// StartAPIServer starts the API server after KillAPIServer, at the address it had, and returns when it answers.
func (r *Region) StartAPIServer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	return r.startAPIServer(ctx)
}

// Close ends the Region for good: every process is killed and everything it wrote is removed. A Region may be closed whatever
// state it is in, and more than once.
func (r *Region) Close() error {
	var errs []error
	for _, p := range append(slices.Clone(r.workers), r.apiServer, r.etcd) {
		errs = append(errs, p.kill())
	}
	if r.folder != nil {
		errs = append(errs, r.folder.remove())
	}
	return errors.Join(errs...)
}

// Config is how Go clients reach the Region as an administrator, without a limit on their rate. It is the caller's own copy.
func (r *Region) Config() *rest.Config { return rest.CopyConfig(r.config) }

// Client is an administrator's client for the kinds that Kubernetes itself has. For further kinds make another one from Config.
func (r *Region) Client() client.WithWatch { return r.client }

// Logs returns the last lines that each component has written.
func (r *Region) Logs() string {
	s := "logs of Region " + r.Name + ":\n"
	for _, p := range append([]*process{r.etcd, r.apiServer}, r.workers...) {
		if p != nil {
			s += p.tail()
		}
	}
	return s
}

func (r *Region) file(name string) string { return filepath.Join(r.folder.path, name) }

// ownAddress picks a loopback address that nobody else uses, and free ports of it. Of the eight million addresses in 127.128.0.0/9
// one is chosen by chance, so that no other process takes the ports between this call and their use, nor while the API server is down.
func ownAddress() (string, ports, error) {
	b := make([]byte, 3)
	rand.Read(b) // never fails
	address := net.IPv4(127, 128|b[0], b[1], b[2]).String()
	var free []int
	for range 3 {
		l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
		if err != nil {
			return "", ports{}, fmt.Errorf("a Region needs loopback addresses beyond 127.0.0.1, as Linux has them: %w", err)
		}
		defer l.Close()
		free = append(free, l.Addr().(*net.TCPAddr).Port)
	}
	return address, ports{free[0], free[1], free[2]}, nil
}

// podCIDR is the range of a Region's Pods: 4096 addresses in 10.16.0.0-10.239.255.255, apart from the addresses of Services. The same name
// always has the same range, so that output can be compared; two names share one of the 3584 ranges hardly ever.
func podCIDR(name string) string {
	h := fnv.New32a()
	h.Write([]byte(name))
	n := h.Sum32() % (224 * 16)
	return fmt.Sprintf("10.%d.%d.0/20", 16+n/16, n%16*16)
}
