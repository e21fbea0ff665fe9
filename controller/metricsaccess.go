package controller

import (
	"crypto/tls"
	"net/http"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// Bounds of what those who ask for /metrics can make the controller do, whoever they are.
const (
	maxScrapes        = 8 // at once
	accessReviews     = 5 // a second, of the API server
	accessReviewBurst = 10
)

// metricsServer says how /metrics is served. It has names of policies, so that it is for those whom the API server knows by their token
// and who may get /metrics; without MetricsSecure it is plain HTTP for everybody who reaches the address.
func (o Options) metricsServer() metricsserver.Options {
	s := metricsserver.Options{BindAddress: orNone(o.MetricsAddress)}
	if !o.MetricsSecure {
		return s
	}
	s.SecureServing, s.CertDir = true, o.MetricsCertDir
	s.FilterProvider = metricsReaders
	// HTTP/2 lets one connection ask for as much as many.
	s.TLSOpts = []func(*tls.Config){func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }}
	return s
}

// metricsReaders lets those through whom the API server allows it.
func metricsReaders(config *rest.Config, client *http.Client) (metricsserver.Filter, error) {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = accessReviews, accessReviewBurst
	allowed, err := filters.WithAuthenticationAndAuthorization(config, client)
	if err != nil {
		return nil, err
	}
	return func(log logr.Logger, handler http.Handler) (http.Handler, error) {
		inner, err := allowed(log, handler)
		if err != nil {
			return nil, err
		}
		room := make(chan struct{}, maxScrapes)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case room <- struct{}{}:
				defer func() { <-room }()
				inner.ServeHTTP(w, r)
			default:
				http.Error(w, "too many requests at once", http.StatusServiceUnavailable)
			}
		}), nil
	}, nil
}
