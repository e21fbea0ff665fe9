#!/bin/sh
# Builds the Kubernetes components that the tests run, once per version, and prints the folder that holds them.
#
#   build.sh      build what is missing, then print the folder
#   build.sh -n   print the folder without building; exit 1 when it is not there yet
#
# The folder is ${XDG_CACHE_HOME:-$HOME/.cache}/bulkhead/kube/KEY. KEY is a digest of everything that decides its content, so
# that a folder is either absent or complete and right: CI may cache it by this path.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
helm=$(dirname "$here")/helm
export GOWORK=off CGO_ENABLED=0 GOFLAGS=-mod=readonly GOOS= GOARCH=

digest() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c1-16; }
key=$({ cat "$here/go.mod" "$here/go.sum" "$helm/go.mod" "$helm/go.sum" "$here/build.sh"; cd "$here" && go version; } | digest)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/bulkhead/kube
dir=$cache/$key

if [ "${1:-}" = -n ]; then
	echo "$dir"
	test -d "$dir"
	exit
fi

mkdir -p "$cache"
# Of several builds at once, one works and the others wait for it. Without flock they all work; the first to finish wins.
if command -v flock >/dev/null; then
	exec 9>"$cache/lock"
	flock 9
fi
if [ -d "$dir" ]; then
	echo "$dir"
	exit
fi

echo "building kube-apiserver, etcd and the other Kubernetes components for the tests: once, about ten minutes on two cores" >&2
work=$(mktemp -d "$cache/building.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

cd "$here"
release=$(go list -m -f '{{.Version}}' k8s.io/kubernetes) # what the components say they are; without it they do not start
# grpcnotrace lets the linker drop unused methods: a quarter of the size. The flags are the same for all, so that packages are
# compiled once.
build() {
	go build -trimpath -tags grpcnotrace,notest -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$release" -o "$work/" "$@" 9>&-
}
build go.etcd.io/etcd/server/v3 \
	k8s.io/kubernetes/cmd/kube-apiserver \
	k8s.io/kubernetes/cmd/kube-controller-manager \
	k8s.io/kubernetes/cmd/kube-scheduler \
	k8s.io/kubernetes/cmd/kubectl \
	sigs.k8s.io/kwok/cmd/kwok
mv "$work/server" "$work/etcd" # the package is the root of its module, which is named so

# The binary of kwok brings no stages of its own.
stages=$(go list -m -f '{{.Dir}}' sigs.k8s.io/kwok)/kustomize/stage
for file in node/fast/node-initialize node/heartbeat/node-heartbeat pod/fast/pod-ready pod/fast/pod-complete pod/fast/pod-delete; do
	cat "$stages/$file.yaml"
	echo ---
done >"$work/kwok-stages.yaml"

cd "$helm"
build helm.sh/helm/v4/cmd/helm

chmod 755 "$work"
test -d "$dir" || mv "$work" "$dir" # a rename: nobody ever sees half a folder
echo "$dir"
