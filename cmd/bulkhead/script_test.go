package main

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bulkhead-dns/bulkhead/lab"
)

// A testLab is a lab without zones of its own, on free ports, in the process of the test.
type testLab struct {
	*lab.Lab
	url    string
	client *route53.Client
	zone   string // id of example.com
	stop   func() error
}

func startTestLab(dir string) (*testLab, error) {
	t, err := runTestLab(lab.Options{DataDir: dir, Empty: true, Interval: 1, Threshold: 1})
	if err != nil {
		return nil, err
	}
	t.zone, err = t.createZone("example.com")
	return t, err
}

// runTestLab runs a lab on free ports.
func runTestLab(o lab.Options) (*testLab, error) {
	o.HTTPAddr, o.DNSAddr, o.AnyPort = "127.0.0.1:0", "127.0.0.1:0", true
	o.ProbeAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("192.0.2.0/24")}
	l, err := lab.New(o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	t := &testLab{Lab: l, url: "http://" + l.Node().HTTPAddr().String()}
	transport := &http.Transport{}
	t.stop = func() error {
		cancel()
		transport.CloseIdleConnections()
		return <-ended
	}
	select {
	case <-l.Ready():
	case <-time.After(time.Minute):
		return nil, fmt.Errorf("the lab is not ready after a minute: %v", t.stop())
	}
	c := l.Node().Credentials()
	t.client = route53.New(route53.Options{
		BaseEndpoint: &t.url, Region: "us-east-1", HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, ""),
	})
	return t, nil
}

func (t *testLab) createZone(name string) (string, error) {
	out, err := t.client.CreateHostedZone(context.Background(), &route53.CreateHostedZoneInput{Name: &name, CallerReference: &name})
	if err != nil {
		return "", err
	}
	return strings.TrimPrefix(*out.HostedZone.Id, "/hostedzone/"), nil
}

// env is what reaches the lab.
func (t *testLab) env() []string {
	c := t.Node().Credentials()
	return []string{"AWS_ACCESS_KEY_ID=" + c.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + c.SecretAccessKey, "AWS_SESSION_TOKEN=",
		"AWS_ENDPOINT_URL_ROUTE_53=" + t.url, "AWS_REGION=us-east-1", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true", "PORT=" + t.port()}
}

// port is that of the load balancers.
func (t *testLab) port() string { return fmt.Sprint(t.Status().Regions[0].LoadBalancer.Port) }

// put makes a record set as a person would.
func (t *testLab) put(zoneID, name, recordType string, values ...string) error {
	set := &types.ResourceRecordSet{Name: &name, Type: types.RRType(recordType), TTL: aws.Int64(60)}
	for _, v := range values {
		set.ResourceRecords = append(set.ResourceRecords, types.ResourceRecord{Value: aws.String(v)})
	}
	_, err := t.client.ChangeResourceRecordSets(context.Background(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: &zoneID,
		ChangeBatch:  &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionUpsert, ResourceRecordSet: set}}},
	})
	return err
}

const labKey = "lab"

// scriptLab is `lab`: it starts a lab with a zone example.com, which the script's environment then leads to. PORT is
// the port of its load balancers.
func scriptLab(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: lab")
	}
	l, err := startTestLab(ts.MkAbs("lab"))
	ts.Check(err)
	ts.Defer(func() { ts.Check(l.stop()) })
	for _, variable := range l.env() {
		key, value, _ := strings.Cut(variable, "=")
		ts.Setenv(key, value)
	}
	labs := ts.Value(labKey).(*[]*testLab)
	*labs = append(*labs, l)
}

// scriptRecord is `record NAME TYPE VALUE...`: it makes a record set by hand in example.com.
func scriptRecord(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: record NAME TYPE VALUE...")
	}
	labs := *ts.Value(labKey).(*[]*testLab)
	l := labs[len(labs)-1]
	ts.Check(l.put(l.zone, args[0], args[1], args[2:]...))
}

// scriptForceOut is `forceout REGION`: it takes a Region out by its health check, as an operator would. r53: B.6.
func scriptForceOut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: forceout REGION")
	}
	labs := *ts.Value(labKey).(*[]*testLab)
	l := labs[len(labs)-1]
	checks, err := l.client.ListHealthChecks(context.Background(), &route53.ListHealthChecksInput{})
	ts.Check(err)
	for _, c := range checks.HealthChecks {
		if strings.Contains(*c.CallerReference, "/"+args[0]+"/") {
			_, err := l.client.UpdateHealthCheck(context.Background(), &route53.UpdateHealthCheckInput{HealthCheckId: c.Id,
				Disabled: aws.Bool(true), Inverted: aws.Bool(true)})
			ts.Check(err)
		}
	}
}

// scriptFill is `fill FILE...`: it replaces $PORT in files.
func scriptFill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: fill FILE...")
	}
	for _, file := range args {
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(strings.ReplaceAll(ts.ReadFile(file), "$PORT", ts.Getenv("PORT"))), 0o600))
	}
}

// unstable is what differs from run to run, and what stands for it.
var unstable = []struct {
	pattern *regexp.Regexp
	stable  string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "CHECK-ID"},
	{regexp.MustCompile(`\b[0-9a-f]{8}…`), "CHECK-ID…"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "HASH"},
	{regexp.MustCompile(`(Plan |undo-|rollback-)[0-9a-f]{12}\b`), "${1}HASH"},
	{regexp.MustCompile(`\bZ[0-9A-Z]{12,}\b`), "ZONE-ID"},
	{regexp.MustCompile(`\bC[0-9A-Z]{12,}\b`), "CHANGE-ID"},
	{regexp.MustCompile(`demoalb-[0-9]+\.`), "demoalb."},
	{regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+`), "ENDPOINT"},
	{regexp.MustCompile(`amazonaws\.com:[0-9]+`), "amazonaws.com:PORT"},
	{regexp.MustCompile(`,\s+[0-9]+ (GetHealthCheckStatus|GetChange)`), ""}, // asked as often as it takes
	{regexp.MustCompile(`\bport: [0-9]+`), "port: PORT"},
	{regexp.MustCompile(`"time":"[^"]+"`), `"time":"TIME"`},
}

// scriptStable is `stable stdout|stderr|FILE`: it makes the text the standard output for commands that follow, with
// words in the place of ids, hashes and addresses.
func scriptStable(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: stable stdout|stderr|FILE")
	}
	text := ts.ReadFile(args[0])
	for _, u := range unstable {
		text = u.pattern.ReplaceAllString(text, u.stable)
	}
	ts.Check(os.WriteFile(ts.MkAbs("stable"), []byte(text), 0o600))
	ts.Check(ts.Exec("cat", "stable"))
}

// scriptFits is `fits stdout|stderr|FILE COLUMNS`: no line is longer.
func scriptFits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fits stdout|stderr|FILE COLUMNS")
	}
	columns, err := strconv.Atoi(args[1])
	ts.Check(err)
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > columns {
			ts.Fatalf("a line of %d columns: %s", n, line)
		}
	}
}
