#!/bin/sh
# Writes go.mod and go.sum of this folder anew for one Kubernetes release: regen.sh [KUBERNETES [KWOK]]
set -eu
kubernetes=${1:-v1.37.2}
kwok=${2:-v0.8.0}
staging=v0.${kubernetes#v1.}

cd "$(dirname "$0")"
rm -f go.mod go.sum
export GOFLAGS=-mod=mod GOWORK=off

go mod init github.com/bulkhead-dns/bulkhead/test/kube/bins
go mod edit -go=1.26.0 -require="k8s.io/kubernetes@$kubernetes"

# k8s.io/kubernetes requires its staging modules at v0.0.0 and replaces them by folders of its own repository. A replace of
# a dependency is ignored, so each one is replaced here, by the version published with the same release.
upstream=$(go mod download -json "k8s.io/kubernetes@$kubernetes" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
for module in $(sed -n 's,^[[:space:]]*\(k8s\.io/[a-z-]*\) => \./staging/.*,\1,p' "$upstream"); do
	go mod edit -replace="$module=$module@$staging"
done

# The etcd that this release is tested with. Every path carries its version: without one, `go get -tool` raises it and what
# it depends on.
etcd=$(sed -n 's,^[[:space:]]*go\.etcd\.io/etcd/client/v3 \(v[^ ]*\).*,\1,p' "$upstream")
go get -tool \
	"k8s.io/kubernetes/cmd/kube-apiserver@$kubernetes" \
	"k8s.io/kubernetes/cmd/kube-controller-manager@$kubernetes" \
	"k8s.io/kubernetes/cmd/kube-scheduler@$kubernetes" \
	"k8s.io/kubernetes/cmd/kubectl@$kubernetes" \
	"go.etcd.io/etcd/server/v3@$etcd" \
	"sigs.k8s.io/kwok/cmd/kwok@$kwok"
