//go:build kube

package kube

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/route53"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/bulkhead-dns/bulkhead/api/v1alpha1"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/lab"
	"github.com/bulkhead-dns/bulkhead/test/awslike"
)

// patience is how long a test waits for what the programs are to bring about. It is no expectation of speed.
const patience = 5 * time.Minute

// A world is a running lab, and in each of its two Regions a cluster. The programs of this repository work in it as built, each a
// process of its own; what they have in common is the lab's Route 53.
type world struct {
	lab           *lab.Lab
	dataDir       string            // of the lab
	front         *awslike.Front    // nil: the engine itself is Route 53
	api           string            // URL of Route 53
	account       *route53.Client   // of an administrator, at the front if there is one
	provider      failover.Provider // what the API behaves as
	program       string            // bulkhead-controller
	environment   []string          // of the program: what leads to the lab
	west, central *site
}

// A site is the cluster of one Region with what belongs to it in the lab.
type site struct {
	*Region
	world        *world
	client       client.Client // also for policies and classes
	route53      *gateway      // what this cluster's controllers have between them and the engine
	address      string        // of the Region's load balancer
	loadBalancer lab.LoadBalancerFacts
	users        string   // the network of users near the Region
	values       []string // what stands in manifests, and what for
}

// startWorld builds the program and starts a lab with nothing but a zone, and the clusters.
func startWorld(t *testing.T, o Options) *world {
	t.Helper()
	return startWorldBehind(t, o, atAWS(), awslike.Options{HealthChecks: 2000})
}

// startWorldBehind is startWorld with a front that behaves as AWS, when it is wanted.
func startWorldBehind(t *testing.T, o Options, wanted bool, front awslike.Options) *world {
	t.Helper()
	w := &world{program: filepath.Join(t.TempDir(), "bulkhead-controller")}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", w.program, "../../cmd/bulkhead-controller")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build bulkhead-controller: %v\n%s", err, out)
	}
	w.startLab(t)
	w.api, w.account, w.provider = "http://"+w.lab.Status().API, w.lab.Route53(), failover.Engine
	if wanted {
		w.openFront(t, front)
	}
	o.CRDs = append(o.CRDs, "../../deploy/crds")
	var cidrs []string // of the lab's load balancers
	for _, s := range w.lab.Status().Regions {
		cidrs = append(cidrs, s.LoadBalancer.Address+"/32")
	}
	var starting sync.WaitGroup
	for i, s := range w.lab.Status().Regions {
		at := &site{world: w, address: s.LoadBalancer.Address, users: w.lab.Definition().Regions[i].Clients.String(), loadBalancer: w.lab.LoadBalancers()[i]}
		at.route53 = newGateway(t, w.api)
		at.values = []string{"$REGION", s.Region, "$ENDPOINT", at.route53.url, "$PORT", fmt.Sprint(at.loadBalancer.Port),
			"$LOADBALANCER", at.loadBalancer.DNSName, "$CIDRS", fmt.Sprintf("[%s]", strings.Join(cidrs, ", "))}
		if i == 0 {
			w.west = at
		} else {
			w.central = at
		}
		starting.Go(func() {
			var err error
			if at.Region, err = Start(t.Context(), s.Region, o); err != nil {
				t.Error(err)
			}
		})
	}
	starting.Wait()
	for _, at := range w.sites() {
		if at.Region == nil {
			continue
		}
		t.Cleanup(func() {
			if err := at.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	if t.Failed() {
		t.FailNow()
	}
	all := runtime.NewScheme()
	if err := errors.Join(scheme.AddToScheme(all), v1alpha1.AddToScheme(all)); err != nil {
		t.Fatal(err)
	}
	for _, at := range w.sites() {
		var err error
		if at.client, err = client.New(at.Config(), client.Options{Scheme: all}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *world) sites() []*site { return []*site{w.west, w.central} }

// startLab starts the lab on networks of its own, so that labs of other tests do not have the port.
func (w *world) startLab(t *testing.T) {
	t.Helper()
	network := 64 + rand.N(64)
	definition, err := lab.ParseDefinition("lab.yaml", fmt.Appendf(nil, `
regions:
  - {name: eu-west-1, address: 127.%d.1.1}
  - {name: eu-central-1, address: 127.%d.2.1}
applications: []
`, network, network))
	if err != nil {
		t.Fatal(err)
	}
	w.dataDir = t.TempDir()
	w.lab, err = lab.New(lab.Options{
		Definition: definition, DataDir: w.dataDir, HTTPAddr: "127.0.0.1:0", DNSAddr: "127.0.0.1:0", ZoneOnly: true, AnyPort: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.lab.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the lab: %v", err)
		}
	})
	select {
	case <-w.lab.Ready():
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	c := w.lab.Node().Credentials()
	w.environment = []string{
		"AWS_ACCESS_KEY_ID=" + c.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + c.SecretAccessKey, "AWS_SESSION_TOKEN=",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"AWS_ENDPOINT_URL=", "AWS_ENDPOINT_URL_ROUTE_53=",
	}
}

// start runs the program in the cluster until the test ends. After a failure the end of its log is shown.
func (s *site) start(t *testing.T, w *world, name string, args ...string) *process {
	t.Helper()
	// env becomes the program; tests at the same time have labs, and credentials, of their own.
	p, err := startProcess("env", s.file(name+".log"), slices.Concat(w.environment, []string{w.program}, args)...)
	if err != nil {
		t.Fatal(err)
	}
	p.name = name + " in " + s.Name
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(p.tail())
		}
		if err := p.kill(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// startIngresses runs the stand-in for the controller that makes load balancers of Ingresses.
func (s *site) startIngresses(t *testing.T, w *world) *process {
	t.Helper()
	return s.start(t, w, "lab-ingress", "lab-ingress", "--kubeconfig="+s.kubeconfig, "--region="+s.Name,
		"--lab-url=http://"+w.lab.Status().API, "--data-dir="+w.dataDir)
}

// A replica is a running controller.
type replica struct {
	*process
	metrics, health string // addresses
}

// startReplica runs a controller as one of those that elect a leader, with short pauses so that tests take less time.
func (s *site) startReplica(t *testing.T, w *world, name string, args ...string) *replica {
	t.Helper()
	r := &replica{metrics: s.free(t), health: s.free(t)}
	r.process = s.start(t, w, name, append([]string{
		"--kubeconfig=" + s.kubeconfig, "--metrics-bind-address=" + r.metrics, "--health-probe-bind-address=" + r.health,
		"--leader-elect", "--leader-election-namespace=default", "--debounce=300ms", "--poll=1s",
	}, args...)...)
	return r
}

// free returns an address of the Region's own with a port that nobody has.
func (s *site) free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(s.Region.address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// apply applies a file of testdata with kubectl, with the site's own values and others in it.
func (s *site) apply(t *testing.T, file string, values ...string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(t.Context(), strings.NewReplacer(append(values, s.values...)...).Replace(s.world.classText(string(content)))); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what the programs are to bring about.
func eventually(t *testing.T, what string, check func(context.Context) error) time.Duration {
	t.Helper()
	began := time.Now()
	if err := Await(t.Context(), what, patience, check); err != nil {
		t.Fatal(err)
	}
	return time.Since(began).Round(10 * time.Millisecond)
}

// dns is where the lab answers.
func (w *world) dns() netip.AddrPort { return w.lab.Node().DNSAddr() }
