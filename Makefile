# The developer's manual: `make help` lists the targets.
GO      ?= go
TOOL    := $(GO) tool -modfile=go.tool.mod
FUZZ    ?= 60s
BENCH   ?= .
MINUTES ?= 60

.DEFAULT_GOAL := help
.PHONY: help build test check alloc race later clients components kube chaos fuzz shortfuzz bench demo lab cover clean generate

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## compile everything; binaries go to bin/
	$(GO) build ./...
	$(GO) build -o bin/ ./cmd/...

test: ## everything CI asks for, what fails fast first: checks, all tests with the race detector, ten years ahead, real clients and API servers
	+@scripts/stages "$(MAKE)" check alloc clients race shortfuzz later components kube

alloc: ## the tests that count allocations, which the race detector would add to
	$(GO) test -vet=off -shuffle=on -run 'Alloc' ./dnsserver ./geo ./steer ./wire

# The tests that need Kubernetes' components, which take minutes to build once, are those of make kube.
ROOMS = $$($(GO) list ./... | grep -v /deploy/chart$$)

race: ## all tests with the race detector, but those of Kubernetes
	$(GO) test -vet=off -race -shuffle=on $(ROOMS)

# Not where clients that are not written in Go (the AWS CLI, boto3) or Kubernetes' components take part: they have the real clock, and
# neither AWS's signatures nor certificates are valid ten years apart. TestBankAsFound runs the AWS CLI too. Without the race
# detector, which has seen the same code a moment ago.
LATER_ROOMS = $$($(GO) list ./... | grep -v -e /test/clients$$ -e /deploy/chart$$ -e /bench$$)

later: ## all tests with Go's clock ten years ahead (scripts/later), in another time zone and language
	TZ=Pacific/Apia LC_ALL=tr_TR.UTF-8 scripts/later 10 $(GO) test -vet=off -count=1 -shuffle=on -skip '^TestBankAsFound$$' $(LATER_ROOMS)

check: ## gofmt, vet (64 and 32 bit), staticcheck, tidy modules
	@fmt=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$fmt" || { echo "gofmt would change:"; echo "$$fmt"; exit 1; }
	$(GO) mod tidy -diff
	$(GO) vet ./...
	GOARCH=386 CGO_ENABLED=0 $(GO) vet ./...
	$(TOOL) staticcheck ./...
	$(GO) vet -tags kube ./test/kube
	$(TOOL) staticcheck -tags kube ./test/kube

generate: ## write deep copies, CustomResourceDefinitions and plain manifests anew
	@HELM="$$(test/kube/bins/build.sh)/helm" scripts/generate

clients: ## install what is missing of dig, the AWS CLI, boto3 and the AWS SDK for JavaScript
	@scripts/clients

components: ## build what is missing of Kubernetes' components, for the tests on real API servers; minutes, once
	@test/kube/bins/build.sh

# With FRONT=aws, a front that behaves as AWS is before the engine. What only engines can is left out.
ENGINES = TestEndpointsThatGoAreProbedAtOnce|TestManyPoliciesOfTwoClustersInOneZone

kube: components ## the chart, and the controller in two clusters of real API servers, with a lab between them; minutes
	$(GO) test -vet=off -race -shuffle=on ./deploy/chart
	$(GO) test -vet=off -tags kube -count=1 -timeout 30m -parallel 3 -skip '$(CHAOS)$(if $(FRONT),|$(ENGINES))' ./test/kube

# What takes as long as it is given is run by itself.
CHAOS = ^TestChaosOfTenantsAndOutages$$

chaos: components ## tenants, outages and kills in two clusters for MINUTES (default 60)
	BULKHEAD_CHAOS=$(MINUTES)m $(GO) test -vet=off -tags kube -count=1 -timeout $$(($(MINUTES) + 30))m -run '^TestChaosOfTenantsAndOutages$$' -v ./test/kube

shortfuzz: ## ten seconds of each fuzzer of what strangers send: DNS packets, names, XML bodies, signatures, CBOR bodies
	$(GO) test -run '^$$' -fuzz '^FuzzTurn$$' -fuzztime 10s ./dnsserver
	$(GO) test -run '^$$' -fuzz '^FuzzName$$' -fuzztime 10s ./zone
	$(GO) test -run '^$$' -fuzz '^FuzzDecodeChangeBatch$$' -fuzztime 10s ./r53server
	$(GO) test -run '^$$' -fuzz '^FuzzAuthorization$$' -fuzztime 10s ./sigv4
	$(GO) test -run '^$$' -fuzz '^FuzzRequest$$' -fuzztime 10s ./cwserver

fuzz: ## every fuzzer for FUZZ (default 60s)
	@for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	    echo "== $$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZ) $$p || exit 1; \
	  done; \
	done

bench: ## the benchmarks whose name matches BENCH (default all)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

demo: ## the failover story on this machine
	$(GO) run ./cmd/bulkhead demo

lab: ## two Regions on this machine, kept running
	$(GO) run ./cmd/bulkhead lab

cover: ## statement coverage per room
	$(GO) test -cover ./...

clean: ## remove what the targets made
	rm -rf bin .cache
