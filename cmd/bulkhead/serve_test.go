package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/smithy-go"

	"github.com/bulkhead-dns/bulkhead/node"
	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// lines is a log that can be waited on.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// The users and rates of the engine's file reach its API, and SIGHUP reads the users again, all by the AWS SDK.
func TestUsersAndThrottleOfARunningEngine(t *testing.T) {
	dir := t.TempDir()
	users := filepath.Join(dir, "users.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(users, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`users: [{name: viewer, accessKeyId: AKIAVIEWER0000000, secretAccessKey: hush-hush-hush-hush, role: read-only}]`)
	c, err := parseConfig([]byte("http: 127.0.0.1:0\ndns: 127.0.0.1:0\nthrottle: true\ndataDir: " + dir + "\nusers: " + users + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	o, err := c.options()
	if err != nil {
		t.Fatal(err)
	}
	log := make(lines, 1000)
	o.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	n, err := node.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer reloadOnHangup(n, o.Logger)()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	select {
	case <-n.Ready():
	case <-time.After(2 * time.Minute):
		t.Fatal("the node is not ready after two minutes")
	}

	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	as := func(c sigv4.Credentials) *route53.Client {
		return route53.New(route53.Options{
			BaseEndpoint: aws.String("http://" + n.HTTPAddr().String()), Region: "us-east-1", RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, ""), HTTPClient: &http.Client{Transport: transport},
		})
	}
	code := func(err error) string {
		if api := smithy.APIError(nil); errors.As(err, &api) {
			return api.ErrorCode()
		}
		return ""
	}
	viewer := as(sigv4.Credentials{AccessKeyID: "AKIAVIEWER0000000", SecretAccessKey: "hush-hush-hush-hush"})
	if _, err := viewer.ListHostedZones(ctx, &route53.ListHostedZonesInput{}); err != nil {
		t.Error(err)
	}
	zone := &route53.CreateHostedZoneInput{Name: aws.String("example.com"), CallerReference: aws.String("1")}
	if _, err := viewer.CreateHostedZone(ctx, zone); code(err) != "AccessDenied" {
		t.Errorf("a read-only user creates a zone: %v", err)
	}
	if _, err := as(n.Credentials()).CreateHostedZone(ctx, zone); err != nil {
		t.Errorf("the administrator creates a zone: %v", err)
	}
	throttled := 0
	for range 10 {
		_, err := viewer.GetHealthCheckStatus(ctx, &route53.GetHealthCheckStatusInput{HealthCheckId: aws.String("none")})
		if code(err) == "Throttling" {
			throttled++
		}
	}
	if throttled == 0 {
		t.Error("ten requests of GetHealthCheckStatus at once are not throttled")
	}

	// Nobody asks the API meanwhile, so only the signal can be why the file is read.
	write(`users: [{name: viewer, secretAccesKey: hush-hush-hush-hush}]`)
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.After(2 * time.Minute); ; {
		select {
		case line := <-log:
			if strings.Contains(line, "hush") {
				t.Errorf("a secret is logged: %s", line)
			}
			if strings.Contains(line, "users stay as they were") && strings.Contains(line, `line 1: unknown field \"secretAccesKey\"`) {
				return
			}
		case <-deadline:
			t.Fatal("SIGHUP has not read the users in two minutes")
		}
	}
}
