// Package awsserver answers the AWS APIs that clients ask beside Route 53: Elastic Load Balancing version 2, EKS and
// STS. They only read. They describe load balancers that run on this machine, the Kubernetes clusters attached to them,
// and the caller.
//
// One address serves all services and Regions. The credential scope of the signature says which one a request is for
// (r53: H).
package awsserver

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/bulkhead-dns/bulkhead/alb"
	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// AccountID is the AWS account that everything belongs to.
const AccountID = "000000000000"

// Service names in credential scopes. r53: E.1, H.
const (
	serviceELB = "elasticloadbalancing"
	serviceSTS = "sts"
	serviceEKS = "eks"
)

// A Lookup finds the key pair of an access key.
type Lookup = func(accessKeyID string) (sigv4.Credentials, bool)

// A Region is what the account has in one Region.
type Region struct {
	Name          string
	LoadBalancers []*alb.LoadBalancer
	Cluster       *Cluster // nil means none
}

// A Cluster is a Kubernetes cluster as EKS describes it.
type Cluster struct {
	Name     string // as EKS allows it: letters, digits, - and _, up to 100
	Endpoint string // "https://…"
	CA       string // PEM in base64; "" when it is not known
}

// Options of Handlers.
type Options struct {
	Regions []Region
	Created time.Time // the creation time that load balancers show
	Lookup  Lookup
	Logger  *slog.Logger
}

// Handlers returns the APIs by the patterns of http.ServeMux that they are served at.
func Handlers(o Options) map[string]http.Handler {
	balancers := &elbv2{regions: o.Regions, created: o.Created}
	clusters := &eks{regions: o.Regions, lookup: o.Lookup, logger: o.Logger}
	return map[string]http.Handler{
		"POST /{$}": &queryAPI{
			services: map[string]queryService{serviceELB: balancers.service(), serviceSTS: stsService()},
			lookup:   o.Lookup,
			logger:   o.Logger,
		},
		"/clusters":  clusters,
		"/clusters/": clusters,
	}
}

// regionNamed returns the Region of a name; a Region that is not there is empty.
func regionNamed(regions []Region, name string) Region {
	for _, r := range regions {
		if r.Name == name {
			return r
		}
	}
	return Region{Name: name}
}
