package controller

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// An API server that has some kinds, refuses some and fails at one: what cannot be read is said, and the others are read.
func TestKindsThatAreRead(t *testing.T) {
	answers := map[string]int{"ingresses": 200, "services": 200, "gateways": 200, "httproutes": http.StatusForbidden,
		"grpcroutes": http.StatusNotFound, "tlsroutes": http.StatusInternalServerError} // and no listenersets at all
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code := answers[path.Base(r.URL.Path)]
		reason := map[int]string{403: "Forbidden", 404: "NotFound", 500: "InternalError"}[code]
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		if reason != "" {
			fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"message":"no","code":%d}`, reason, code)
			return
		}
		fmt.Fprint(w, `{"metadata":{},"items":[]}`)
	}))
	defer server.Close()
	scheme, mapper := runtime.NewScheme(), meta.NewDefaultRESTMapper(nil)
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), gatewayv1.Install(scheme)); err != nil {
		t.Fatal(err)
	}
	mapper.Add(schema.GroupVersionKind{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"}, meta.RESTScopeNamespace)
	mapper.Add(schema.GroupVersionKind{Version: "v1", Kind: "Service"}, meta.RESTScopeNamespace)
	for kind, resource := range map[string]string{"Gateway": "gateways", "HTTPRoute": "httproutes", "GRPCRoute": "grpcroutes", "TLSRoute": "tlsroutes"} {
		at := schema.GroupVersion{Group: gatewayv1.GroupName, Version: "v1"}
		mapper.AddSpecific(at.WithKind(kind), at.WithResource(resource), at.WithResource(resource), meta.RESTScopeNamespace)
	}
	reader, err := client.New(&rest.Config{Host: server.URL}, client.Options{Scheme: scheme, Mapper: mapper})
	if err != nil {
		t.Fatal(err)
	}
	c := &Controller{reader: reader, o: Options{Sources: []Source{IngressSource, GatewaySource}}}
	got := map[string]string{}
	for _, k := range sourceKinds() {
		why, err := c.readable(t.Context(), k)
		if err != nil {
			why = "unknown: " + err.Error()
		}
		got[k.name] = why
	}
	if diff := cmp.Diff(map[string]string{
		"Ingress":     "",
		"Service":     "the controller runs without --sources=service",
		"Gateway":     "",
		"ListenerSet": "this cluster has no ListenerSet of gateway.networking.k8s.io/v1: the Gateway API is to be installed, v1.5 or later",
		"HTTPRoute":   "the controller has no right to list them",
		"GRPCRoute":   "this cluster has no GRPCRoute of gateway.networking.k8s.io/v1: the Gateway API is to be installed, v1.1 or later",
		"TLSRoute":    "unknown: list TLSRoute objects: no",
	}, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}
