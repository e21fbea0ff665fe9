package kube

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// serviceCIDR is the range of Services' cluster addresses, the same in every Region. podCIDR keeps clear of it.
const serviceCIDR = "10.0.0.0/16"

func (r *Region) startControlPlane(ctx context.Context) error {
	if err := r.startEtcd(ctx); err != nil {
		return err
	}
	return r.startAPIServer(ctx)
}

func (r *Region) startEtcd(ctx context.Context) error {
	peer := r.url("http", r.ports.etcdPeer)
	p, err := r.run("etcd",
		"--data-dir="+r.file("etcd"),
		"--listen-client-urls="+r.url("http", r.ports.etcd),
		"--advertise-client-urls="+r.url("http", r.ports.etcd),
		"--listen-peer-urls="+peer,
		"--initial-advertise-peer-urls="+peer,
		"--initial-cluster=default="+peer,
		"--unsafe-no-fsync", // what was written survives the process, which is all that a test can end
		"--log-level=warn")
	if err != nil {
		return err
	}
	r.etcd = p
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return p.await(ctx, func(ctx context.Context) error {
		return answers(ctx, web, r.url("http", r.ports.etcd)+"/health")
	})
}

func (r *Region) startAPIServer(ctx context.Context) error {
	args := append([]string{
		"--etcd-servers=" + r.url("http", r.ports.etcd),
		"--bind-address=" + r.address,
		"--secure-port=" + strconv.Itoa(r.ports.apiServer),
		// The address in the endpoints of the Service "kubernetes", where no loopback address may stand. Nobody uses it; without it, the
		// server looks for a default route and does not start where there is none.
		"--advertise-address=192.0.2.1",
		"--tls-cert-file=" + r.file("apiserver.crt"),
		"--tls-private-key-file=" + r.file("apiserver.key"),
		"--client-ca-file=" + r.file("ca.crt"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + r.file("tokens.key"),
		"--service-account-signing-key-file=" + r.file("tokens.key"),
		"--service-cluster-ip-range=" + serviceCIDR,
		"--authorization-mode=RBAC",
		// Would refuse Pods until their namespace has a default service account, and mount a token into containers that never run.
		"--disable-admission-plugins=ServiceAccount",
	}, r.options.APIServerArgs...)
	p, err := r.run("kube-apiserver", args...)
	if err != nil {
		return err
	}
	r.apiServer = p
	web, err := rest.HTTPClientFor(r.config)
	if err != nil {
		return err
	}
	defer web.CloseIdleConnections()
	return p.await(ctx, func(ctx context.Context) error {
		if err := answers(ctx, web, r.url("https", r.ports.apiServer)+"/readyz"); err != nil {
			return err
		}
		// A new cluster makes its first namespaces after it is ready.
		return r.client.Get(ctx, client.ObjectKey{Name: "default"}, &corev1.Namespace{})
	})
}

// InstallCRDs installs the CustomResourceDefinitions in files and folders of files, and returns when the API server serves them.
// Such as are there already are brought up to date.
func (r *Region) InstallCRDs(paths ...string) error {
	if len(paths) == 0 {
		return nil
	}
	_, err := envtest.InstallCRDs(r.config, envtest.CRDInstallOptions{
		Paths: paths, ErrorIfPathMissing: true, MaxTime: startLimit, PollInterval: pollInterval,
	})
	if err != nil {
		return fmt.Errorf("install CRDs in Region %s: %w", r.Name, err)
	}
	return nil
}

// run starts one of the binaries as a component of the Region.
func (r *Region) run(binary string, args ...string) (*process, error) {
	return startProcess(filepath.Join(r.bins, binary), r.file(binary+".log"), args...)
}

func (r *Region) url(scheme string, port int) string {
	return scheme + "://" + net.JoinHostPort(r.address, strconv.Itoa(port))
}

// answers is an error unless a URL is answered with 200.
func answers(ctx context.Context, web *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := web.Do(req)
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, res.Status)
	}
	return nil
}
