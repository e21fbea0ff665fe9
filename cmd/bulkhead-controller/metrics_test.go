package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bulkhead-dns/bulkhead/controller"
)

// Names of policies are served in the open on a loopback address only.
func TestMetricsAreSecureUnlessOnALoopbackAddress(t *testing.T) {
	for _, c := range []struct {
		address      string
		secure, said bool
		want         bool
		refused      string
	}{
		{":8443", true, false, true, ""},
		{"0.0.0.0:8443", true, true, true, ""},
		{"127.0.0.1:8080", true, false, false, ""},
		{"[::1]:8080", true, false, false, ""},
		{"localhost:8080", true, false, false, ""},
		{"127.0.0.1:8443", true, true, true, ""},
		{"127.0.0.1:8080", false, true, false, ""},
		{"", false, true, false, ""},
		{":8080", false, true, false, "give --metrics-bind-address a loopback address"},
		{"10.0.0.1:8080", false, true, false, "give --metrics-bind-address a loopback address"},
		{"8080", true, false, false, "use an address such as :8443"},
	} {
		f := controllerFlags{o: controller.Options{MetricsAddress: c.address, MetricsSecure: c.secure}}
		err := f.secureMetrics(c.said)
		if (err != nil) != (c.refused != "") || err != nil && !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%+v: error %v", c, err)
		}
		if err == nil && c.address != "" && f.o.MetricsSecure != c.want {
			t.Errorf("%+v: secure is %t", c, f.o.MetricsSecure)
		}
	}
	var out, errors bytes.Buffer
	if code := run([]string{"--metrics-secure=false"}, &out, &errors); code != exitUsage ||
		!strings.Contains(errors.String(), "--metrics-secure=false") {
		t.Errorf("exit code %d, %s", code, errors.String())
	}
}
