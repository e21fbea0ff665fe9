package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Ctrl-C while the account is read is said in one word, and that nothing was written where something might have been.
func TestInterruptedWhileReading(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "app.yaml")
	const policy = `apiVersion: bulkhead.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: app, namespace: team}
spec:
  hostname: app.example.com
  regions: [{name: eu-west-1, addresses: [192.0.2.1]}, {name: us-east-1, addresses: [192.0.2.2]}]
`
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"status"}, "bulkhead: interrupted\n"},
		{[]string{"explain", "app.example.com"}, "bulkhead: interrupted\n"},
		{[]string{"audit", "--all-zones"}, "bulkhead: interrupted\n"},
		{[]string{"plan", "-f", file}, "bulkhead: interrupted, nothing was written\n"},
		{[]string{"apply", "-f", file, "--yes"}, "bulkhead: interrupted, nothing was written\n"},
	} {
		t.Run(c.args[0], func(t *testing.T) {
			t.Parallel()
			asked := make(chan struct{}, 10)
			silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				asked <- struct{}{}
				<-r.Context().Done()
			}))
			defer silent.Close()
			cmd := exec.Command("bulkhead", c.args...)
			cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_ENDPOINT_URL_ROUTE_53="+silent.URL,
				"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
			cmd.Dir = t.TempDir()
			var said bytes.Buffer
			cmd.Stderr = &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-asked
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			cmd.Wait()
			// On a slow machine it has been said that the account is read.
			if code := cmd.ProcessState.ExitCode(); code != exitFailure || !bytes.HasSuffix(said.Bytes(), []byte(c.want)) {
				t.Errorf("exit code %d:\n%s", code, &said)
			}
		})
	}
}
