package kube

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig writes a kubeconfig file for a user in groups and returns its path. The user may do what RBAC allows; one in the group
// "system:masters" may do everything. The file lasts as long as the Region.
func (r *Region) Kubeconfig(user string, groups ...string) (string, error) {
	cert, key, err := r.ca.user(user, groups)
	if err != nil {
		return "", err
	}
	return r.writeKubeconfig(user, &api.AuthInfo{ClientCertificateData: cert, ClientKeyData: key})
}

// ServiceAccountKubeconfig is Kubeconfig for a service account that exists, with a token as a Pod would get it, good for one hour.
func (r *Region) ServiceAccountKubeconfig(ctx context.Context, namespace, name string) (string, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	var token authenticationv1.TokenRequest
	if err := r.client.SubResource("token").Create(ctx, account, &token); err != nil {
		return "", fmt.Errorf("token of service account %s/%s in Region %s: %w", namespace, name, r.Name, err)
	}
	return r.writeKubeconfig(namespace+"-"+name, &api.AuthInfo{Token: token.Status.Token})
}

func (r *Region) writeKubeconfig(user string, auth *api.AuthInfo) (string, error) {
	c := api.NewConfig()
	c.Clusters[r.Name] = &api.Cluster{Server: r.url("https", r.ports.apiServer), CertificateAuthorityData: r.ca.pem()}
	c.AuthInfos[user] = auth
	c.Contexts[r.Name] = &api.Context{Cluster: r.Name, AuthInfo: user}
	c.CurrentContext = r.Name
	content, err := clientcmd.Write(*c)
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(r.folder.path, strings.NewReplacer("/", "-", ":", "-").Replace(user)+"-*.kubeconfig")
	if err != nil {
		return "", err
	}
	defer f.Close()
	_, err = f.Write(content)
	return f.Name(), err
}

// restConfig reads a kubeconfig for Go clients that are not to be slowed down.
func restConfig(kubeconfig string) (*rest.Config, error) {
	c, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	c.QPS = -1
	return c, nil
}

// Kubectl runs kubectl as an administrator and returns what it writes to standard output. Its error has what kubectl writes to
// standard error.
func (r *Region) Kubectl(ctx context.Context, args ...string) (string, error) {
	return r.tool(ctx, "", "kubectl", args...)
}

// Apply applies manifests, as `kubectl apply -f` does.
func (r *Region) Apply(ctx context.Context, manifests string) error {
	_, err := r.tool(ctx, manifests, "kubectl", "apply", "-f", "-")
	return err
}

// Helm runs helm as an administrator and returns what it writes to standard output. Its error has what helm writes to standard
// error.
func (r *Region) Helm(ctx context.Context, args ...string) (string, error) {
	return r.tool(ctx, "", "helm", args...)
}

// tool runs one of the command-line tools against the Region. Whatever they keep between calls they keep in its folder.
func (r *Region) tool(ctx context.Context, stdin, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(r.bins, name), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+r.kubeconfig, "HOME="+r.folder.path, "XDG_CACHE_HOME=", "XDG_CONFIG_HOME=", "XDG_DATA_HOME=")
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s %s in Region %s: %w: %s", name, strings.Join(args, " "), r.Name, err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// Namespace makes a namespace for one test, with a name that begins with prefix and labels for selectors, and returns its name. It is
// left to the end of the Region.
func (r *Region) Namespace(t testing.TB, prefix string, labels map[string]string) string {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: prefix + "-", Labels: labels}}
	if err := r.client.Create(t.Context(), ns); err != nil {
		t.Fatalf("namespace %s in Region %s: %v", ns.GenerateName, r.Name, err)
	}
	return ns.Name
}
