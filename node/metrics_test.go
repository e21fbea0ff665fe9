package node_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/bulkhead-dns/bulkhead/node"
)

// Clients that read verdicts from CloudWatch read an engine's with the same calls, at the same address.
func TestVerdictsFromCloudWatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	users := filepath.Join(dir, "users.yaml")
	if err := os.WriteFile(users, []byte("users: [{name: viewer, accessKeyId: AKIAVIEWER0000000, secretAccessKey: hush-hush-hush-hush, role: read-only}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := start(t, node.Options{DataDir: filepath.Join(dir, "data"), UsersFile: users})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	metrics := cloudwatch.New(cloudwatch.Options{Region: "us-east-1", BaseEndpoint: aws.String("http://" + e.HTTPAddr().String()), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAVIEWER0000000", "hush-hush-hush-hush", ""), HTTPClient: &http.Client{Transport: transport}})
	read := func(id string) string {
		now := time.Now()
		out, err := metrics.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{StartTime: aws.Time(now.Add(-5 * time.Minute)), EndTime: aws.Time(now.Add(time.Minute)),
			MetricDataQueries: []cwtypes.MetricDataQuery{{Id: aws.String("c"), MetricStat: &cwtypes.MetricStat{Period: aws.Int32(60), Stat: aws.String("Minimum"),
				Metric: &cwtypes.Metric{Namespace: aws.String("AWS/Route53"), MetricName: aws.String("HealthCheckStatus"),
					Dimensions: []cwtypes.Dimension{{Name: aws.String("HealthCheckId"), Value: &id}}}}}}})
		if err != nil || len(out.MetricDataResults) != 1 {
			t.Fatal(out, err)
		}
		return fmt.Sprint(out.MetricDataResults[0].Values)
	}
	url, broken := switchable(t)
	id := e.check(t, "c", url)
	eventually(t, "CloudWatch has the check as healthy", func() bool { return read(id) == "[1]" })
	broken.Store(true)
	eventually(t, "CloudWatch has the check as unhealthy", func() bool { return read(id) == "[0]" })
	if _, err := e.api.UpdateHealthCheck(t.Context(), &route53.UpdateHealthCheckInput{HealthCheckId: &id, Disabled: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a disabled check is healthy", func() bool { return read(id) == "[1]" })
	if got := read("none"); got != "[]" {
		t.Errorf("a check that there is not has %s", got)
	}
}
