#!/bin/sh
# Writes go.mod and go.sum of this folder anew for one release of Helm 4: regen.sh [HELM]
set -eu
helm=${1:-v4.3.1}

cd "$(dirname "$0")"
rm -f go.mod go.sum
export GOFLAGS=-mod=mod GOWORK=off

go mod init github.com/bulkhead-dns/bulkhead/test/kube/helm
go mod edit -go=1.26.0
go get -tool "helm.sh/helm/v4/cmd/helm@$helm"
