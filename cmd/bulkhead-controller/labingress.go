package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	crlog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/lab"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/users"
)

// A lab forgets Ingresses when it starts again, and nobody says so.
const labResync = 5 * time.Second

func newLabIngress() *cobra.Command {
	f := &labIngressFlags{}
	cmd := &cobra.Command{
		Use:   "lab-ingress",
		Short: "Stand in for the AWS Load Balancer Controller, with the load balancers of a running lab",
		Long: `Stand in for the AWS Load Balancer Controller, with the load balancers of a running lab.

It reads the Ingresses of one class, their Services and the Services' ready endpoints. It sends the lab the
rules of the load balancers of its Region, and writes the name of the load balancer into the status of every
Ingress. The answer for a Service without a ready endpoint is 503. An Ingress that the lab refuses keeps its
last rules and gets an event with the reason. Other Ingresses are not affected.

It reads the annotations alb.ingress.kubernetes.io/load-balancer-name, group.name, group.order and
healthcheck-path. All Ingresses of a group share one load balancer. Without a name it is the first one of the
Region.

Run one for each Region, beside 'bulkhead lab'. It is for tests and trials. In AWS, use the AWS Load Balancer
Controller.`,
		Example: `  bulkhead-controller lab-ingress --kubeconfig ~/.kube/west --region eu-west-1
  bulkhead-controller lab-ingress --kubeconfig ~/.kube/central --region eu-central-1 --lab-url http://127.0.0.1:8053
  bulkhead-controller lab-ingress --region eu-west-1 --data-dir ./bulkhead-data --pod-addresses`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.cluster = addCluster(cmd)
	s := cmd.Flags()
	s.StringVar(&f.region, "region", "", "`Region` of this cluster; one of the lab's (required)")
	s.StringVar(&f.url, "lab-url", "http://127.0.0.1:8053", "`URL` of the lab")
	s.StringVar(&f.dataDir, "data-dir", "bulkhead-data", "the lab's `folder`, which has its credentials; without them, "+
		"AWS_ACCESS_KEY_ID and so on")
	s.StringVar(&f.rules.class, "ingress-class", "alb", "`class` of the Ingresses that are for the lab")
	s.BoolVar(&f.rules.podAddresses, "pod-addresses", false, "send requests to the pods themselves; without it the lab "+
		"runs a stand-in for each")
	return cmd
}

type labIngressFlags struct {
	cluster              *cluster
	region, url, dataDir string
	rules                ingressRules
}

func (f *labIngressFlags) run(cmd *cobra.Command) error {
	switch {
	case f.region == "":
		return usageError{errors.New("--region is missing: the lab's Region that this cluster is in, such as eu-west-1")}
	case !apply.IsURL(f.url):
		return usageError{fmt.Errorf("--lab-url %s: use a URL such as http://127.0.0.1:8053", f.url)}
	}
	log, err := f.cluster.logger(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	config, err := f.cluster.config()
	if err != nil {
		return err
	}
	labClient, err := f.client(cmd.Context())
	if err != nil {
		return err
	}
	crlog.SetLogger(logr.FromSlogHandler(log.Handler()))
	klog.SetLogger(logr.FromSlogHandler(log.Handler()))
	m, err := manager.New(config, manager.Options{
		Scheme:  clientgoscheme.Scheme,
		Logger:  logr.FromSlogHandler(log.Handler()),
		Metrics: metricsserver.Options{BindAddress: "0"},
	})
	if err != nil {
		return fmt.Errorf("prepare the controller: %w", err)
	}
	l := &labIngress{
		lab: labClient, region: f.region, rules: f.rules, client: m.GetClient(), log: log,
		said: map[string]string{},
		event: func(in *networkingv1.Ingress, message string) {
			m.GetEventRecorder("bulkhead-lab-ingress").Eventf(in, nil, corev1.EventTypeWarning, "FailedDeployModel", "Deploy",
				"%s", message)
		},
	}
	if err := l.watch(m); err != nil {
		return err
	}
	return m.Start(cmd.Context())
}

// client reaches the lab, which must have the Region. The folder's credentials win: the environment's may be for AWS.
func (f *labIngressFlags) client(ctx context.Context) (*lab.Client, error) {
	c, err := users.ReadAdministrator(f.dataDir)
	if err != nil {
		c = sigv4.Credentials{
			AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		}
		if c.AccessKeyID == "" {
			return nil, fmt.Errorf("%w; is `bulkhead lab` running with another --data-dir?", err)
		}
	}
	labClient := &lab.Client{BaseURL: f.url, Credentials: c}
	status, err := labClient.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("reach the lab at %s: %w", f.url, err)
	}
	var names []string
	for _, r := range status.Regions {
		names = append(names, r.Region)
	}
	if !slices.Contains(names, f.region) {
		return nil, usageError{fmt.Errorf("--region %s: the lab has %s", f.region, strings.Join(names, ", "))}
	}
	return labClient, nil
}

// A labIngress keeps the lab's load balancers of one Region as the cluster wants them.
type labIngress struct {
	lab    *lab.Client
	region string
	rules  ingressRules
	client client.Client
	log    *slog.Logger
	event  func(in *networkingv1.Ingress, message string)

	inForce []lab.Ingress     // what the lab has taken
	said    map[string]string // by Ingress, why it was refused
}

// everything is the only request: rules of all Ingresses are set at once.
type everything struct{}

func (l *labIngress) watch(m manager.Manager) error {
	one := handler.TypedEnqueueRequestsFromMapFunc(func(context.Context,
		client.Object) []everything {
		return []everything{{}}
	})
	b := builder.TypedControllerManagedBy[everything](m).Named("lab-ingress").
		WithLogConstructor(func(*everything) logr.Logger { return logr.FromSlogHandler(l.log.Handler()) })
	for _, object := range []client.Object{&networkingv1.Ingress{}, &corev1.Service{}, &discoveryv1.EndpointSlice{}} {
		b = b.Watches(object, one)
	}
	// A cluster without anything has rules too: none.
	start := source.TypedFunc[everything](func(_ context.Context,
		q workqueue.TypedRateLimitingInterface[everything]) error {
		q.Add(everything{})
		return nil
	})
	return b.WatchesRawSource(start).Complete(l)
}

// Reconcile tells the lab the rules and the Ingresses their load balancer.
func (l *labIngress) Reconcile(ctx context.Context, _ everything) (reconcile.Result, error) {
	var ingresses networkingv1.IngressList
	var services corev1.ServiceList
	var endpoints discoveryv1.EndpointSliceList
	for _, list := range []client.ObjectList{&ingresses, &services, &endpoints} {
		if err := l.client.List(ctx, list); err != nil {
			return reconcile.Result{}, err
		}
	}
	got, refused, err := l.set(ctx, l.rules.of(ingresses.Items, services.Items, endpoints.Items))
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("tell the lab its rules: %w", err)
	}
	for i := range ingresses.Items {
		in := &ingresses.Items[i]
		l.tell(in, refused[titleOf(in.Namespace, in.Name)])
		if err := l.write(ctx, in, got); err != nil {
			return reconcile.Result{}, fmt.Errorf("write the status of Ingress %s: %w", titleOf(in.Namespace, in.Name), err)
		}
	}
	return reconcile.Result{RequeueAfter: labResync}, nil
}

// set makes these the Ingresses of the lab's Region. Where the lab refuses one of them, those that are in force stay,
// and each of the new ones is taken by itself or left as it was: nothing that serves is taken away for another's
// mistake.
func (l *labIngress) set(ctx context.Context, wanted []lab.Ingress) (got []lab.IngressStatus, refused map[string]string,
	err error) {
	refused = map[string]string{}
	got, err = l.lab.SetIngresses(ctx, l.region, wanted)
	if !isRefusal(err) {
		if err == nil {
			l.inForce = wanted
		}
		return got, refused, err
	}
	// What is in force and still wanted, if not as it is.
	keep := slices.DeleteFunc(slices.Clone(l.inForce), func(g lab.Ingress) bool { return indexOf(wanted, g) < 0 })
	got, err = l.lab.SetIngresses(ctx, l.region, keep)
	for _, w := range wanted {
		if err != nil {
			return nil, nil, err
		}
		next := slices.Clone(keep)
		if i := indexOf(keep, w); i >= 0 {
			next[i] = w
		} else {
			next = append(next, w)
		}
		taken, refusal := l.lab.SetIngresses(ctx, l.region, next)
		switch {
		case refusal == nil:
			keep, got = next, taken
		case isRefusal(refusal):
			refused[titleOf(w.Namespace, w.Name)] = refusal.Error()
		default:
			err = refusal
		}
	}
	l.inForce = keep
	return got, refused, err
}

func isRefusal(err error) bool {
	refusal := &lab.AdminError{}
	return errors.As(err, &refusal) && refusal.Code == "InvalidIngress"
}

func indexOf(list []lab.Ingress, g lab.Ingress) int {
	return slices.IndexFunc(list, func(o lab.Ingress) bool { return o.Namespace == g.Namespace && o.Name == g.Name })
}

// tell says once why an Ingress is refused.
func (l *labIngress) tell(in *networkingv1.Ingress, refusal string) {
	title := titleOf(in.Namespace, in.Name)
	if refusal == "" {
		delete(l.said, title)
		return
	}
	if l.said[title] != refusal {
		l.said[title] = refusal
		l.log.Warn("Ingress refused", "ingress", title, "error", refusal)
		l.event(in, refusal)
	}
}

// write puts the load balancer into the status of an Ingress, if it is not there.
func (l *labIngress) write(ctx context.Context, in *networkingv1.Ingress, got []lab.IngressStatus) error {
	i := slices.IndexFunc(got, func(s lab.IngressStatus) bool { return s.Namespace == in.Namespace && s.Name == in.Name })
	if i < 0 {
		return nil
	}
	now := in.Status.LoadBalancer.Ingress
	if len(now) == 1 && now[0].Hostname == got[i].DNSName {
		return nil
	}
	changed := in.DeepCopy()
	changed.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{Hostname: got[i].DNSName}}
	l.log.Info("load balancer", "ingress", titleOf(in.Namespace, in.Name), "name", got[i].DNSName)
	return client.IgnoreNotFound(l.client.Status().Patch(ctx, changed, client.MergeFrom(in)))
}

func titleOf(namespace, name string) string { return namespace + "/" + name }
