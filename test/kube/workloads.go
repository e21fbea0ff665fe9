package kube

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// controllers are those of the controller manager that bring a test's objects to life; all of them would cost time and memory.
var controllers = []string{
	"clusterrole-aggregation-controller",
	"deployment-controller",
	"disruption-controller",
	"endpoints-controller",
	"endpointslice-controller",
	"garbage-collector-controller",
	"job-controller",
	"namespace-controller",
	"node-lifecycle-controller",
	"pod-garbage-collector-controller",
	"replicaset-controller",
	"serviceaccount-controller",
	"validatingadmissionpolicy-status-controller",
}

// startWorkers starts controller manager, scheduler and kwok, and returns when every node takes Pods.
func (r *Region) startWorkers(ctx context.Context) error {
	r.workers = nil
	for _, command := range [][]string{
		{
			"kube-controller-manager", "--kubeconfig=" + r.kubeconfig, "--leader-elect=false", "--secure-port=0",
			"--use-service-account-credentials=false", "--kube-api-qps=200", "--kube-api-burst=400",
			// kwok reports each node every 20 to 45 seconds. A busy machine is no reason to move Pods.
			"--node-monitor-grace-period=10m",
			"--controllers=" + strings.Join(controllers, ","),
		},
		{"kube-scheduler", "--kubeconfig=" + r.kubeconfig, "--leader-elect=false", "--secure-port=0"},
		{
			"kwok", "--kubeconfig=" + r.kubeconfig, "--manage-all-nodes=true", "--cidr=" + r.options.PodCIDR,
			"--config=" + filepath.Join(r.bins, "kwok-stages.yaml"),
		},
	} {
		p, err := r.run(command[0], command[1:]...)
		if err != nil {
			return err
		}
		r.workers = append(r.workers, p)
	}
	for i := range r.options.Nodes {
		err := r.client.Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{
			Name:   fmt.Sprintf("%s-%d", r.Name, i+1),
			Labels: map[string]string{corev1.LabelTopologyRegion: r.Name},
		}})
		if client.IgnoreAlreadyExists(err) != nil { // after a restart they are there
			return err
		}
	}
	return await(ctx, "wait for nodes", func(ctx context.Context) (bool, error) {
		err := r.nodesReady(ctx)
		if err == nil {
			return true, nil
		}
		for _, p := range r.workers {
			if gone := p.failed(); gone != nil {
				return false, gone
			}
		}
		return true, err
	})
}

// nodesReady is an error unless every node is ready and takes any Pod.
func (r *Region) nodesReady(ctx context.Context) error {
	var nodes corev1.NodeList
	if err := r.client.List(ctx, &nodes); err != nil {
		return err
	}
	if len(nodes.Items) < r.options.Nodes {
		return fmt.Errorf("%d nodes of %d", len(nodes.Items), r.options.Nodes)
	}
	for _, n := range nodes.Items {
		ready := slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
		})
		if !ready || len(n.Spec.Taints) > 0 {
			return fmt.Errorf("node %s: ready is %t, taints are %v", n.Name, ready, n.Spec.Taints)
		}
	}
	return nil
}

// ReadyEndpoints returns the addresses of a Service's Pods that are ready for traffic, from its EndpointSlices, in order.
func (r *Region) ReadyEndpoints(ctx context.Context, namespace, service string) ([]string, error) {
	var slicesOf discoveryv1.EndpointSliceList
	err := r.client.List(ctx, &slicesOf, client.InNamespace(namespace), client.MatchingLabels{discoveryv1.LabelServiceName: service})
	if err != nil {
		return nil, err
	}
	var ready []string
	for _, slice := range slicesOf.Items {
		for _, e := range slice.Endpoints {
			if e.Conditions.Ready == nil || *e.Conditions.Ready { // nil is for "unknown", to be taken for ready
				ready = append(ready, e.Addresses...)
			}
		}
	}
	slices.Sort(ready)
	return ready, nil
}

// AwaitReadyEndpoints waits until a Service has exactly so many ready endpoints and returns them.
func (r *Region) AwaitReadyEndpoints(ctx context.Context, namespace, service string, n int) ([]string, error) {
	var ready []string
	what := fmt.Sprintf("%d ready endpoints of Service %s/%s in Region %s", n, namespace, service, r.Name)
	err := Await(ctx, what, startLimit, func(ctx context.Context) (err error) {
		if ready, err = r.ReadyEndpoints(ctx, namespace, service); err != nil {
			return err
		}
		if len(ready) != n {
			return fmt.Errorf("there are %d", len(ready))
		}
		return nil
	})
	return ready, err
}
