package clients_test

import (
	"testing"
)

// boto3 and the JavaScript SDK read replies in their own ways; their tours say "ok" when every value came as they were
// promised.

func TestBoto3(t *testing.T) {
	t.Parallel()
	l := startLab(t, t.TempDir(), "--empty")
	if _, err := run(t, nil, tool(t, "python3"), "-c", "import boto3"); err != nil {
		t.Fatalf("boto3 is not installed: `make clients` installs it (%v)", err)
	}
	l.tour(t, tool(t, "python3"), "boto3_client.py")
}

func TestJavaScriptSDK(t *testing.T) {
	t.Parallel()
	l := startLab(t, t.TempDir(), "--empty")
	if !isFile("js/node_modules/@aws-sdk/client-route-53/package.json") {
		t.Fatal("the AWS SDK for JavaScript is not installed: `make clients` installs it")
	}
	l.tour(t, tool(t, "node"), "js/client.mjs")
}

// tour runs a client's program, which prints "ok" when it saw what it wanted.
func (l *lab) tour(t *testing.T, command string, args ...string) {
	t.Helper()
	env := append(l.env, "ENDPOINT="+l.api, "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_MAX_ATTEMPTS=1")
	out, err := run(t, env, command, args...)
	if err != nil {
		t.Fatal(err)
	}
	if out != "ok" {
		t.Errorf("%s printed %q, want ok", args[len(args)-1], out)
	}
}
