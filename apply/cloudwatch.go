package apply

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// A Verdict is the status of a health check as Route 53 itself has it.
type Verdict struct {
	Healthy bool
	// At is the end of the minute that the verdict is of, and no later than now. At AWS it is a minute or more old when it
	// can be read.
	At time.Time
}

// ErrNoCloudWatch says that Options.CloudWatch is missing.
var ErrNoCloudWatch = errors.New("apply: there is no client for CloudWatch")

const (
	// maxMetrics is how many metrics one GetMetricData takes.
	maxMetrics = 500
	// verdictPeriod is how often Route 53 gives CloudWatch a status, and verdictWindow how far back one is looked for:
	// what is older is no verdict any more.
	verdictPeriod = time.Minute
	verdictWindow = 10 * time.Minute
)

// Verdicts reads the statuses of many health checks from CloudWatch, 500 with one call. A check that Route 53 has no
// status of in the last ten minutes is absent: it is new, disabled, or gone. AWS charges for each check of each read
// (0.01 USD a thousand); there is no limit of one a second as there is for GetHealthCheckStatus. What the metric says
// of inverted checks is (unconfirmed).
func (a *Applier) Verdicts(ctx context.Context, ids []string) (map[string]Verdict, error) {
	if a.o.CloudWatch == nil {
		return nil, ErrNoCloudWatch
	}
	verdicts := make(map[string]Verdict, len(ids))
	for len(ids) > 0 {
		n := min(len(ids), maxMetrics)
		if err := a.verdicts(ctx, ids[:n], verdicts); err != nil {
			return nil, fmt.Errorf("read the statuses of %d health checks from CloudWatch: %w", n, err)
		}
		ids = ids[n:]
	}
	return verdicts, nil
}

// verdicts reads as many as one call takes.
func (a *Applier) verdicts(ctx context.Context, ids []string, verdicts map[string]Verdict) error {
	now := time.Now()
	in := &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(now.Add(-verdictWindow).Truncate(verdictPeriod)),
		// exclusive: the minute that is not over is wanted too
		EndTime: aws.Time(now.Truncate(verdictPeriod).Add(verdictPeriod)),
		ScanBy:  types.ScanByTimestampDescending,
	}
	for i, id := range ids {
		in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{
			Id: aws.String("c" + strconv.Itoa(i)),
			MetricStat: &types.MetricStat{
				Metric: &types.Metric{
					Namespace:  aws.String("AWS/Route53"),
					MetricName: aws.String("HealthCheckStatus"),
					Dimensions: []types.Dimension{{Name: aws.String("HealthCheckId"), Value: aws.String(id)}},
				},
				Period: aws.Int32(int32(verdictPeriod / time.Second)),
				Stat:   aws.String("Minimum"),
			},
		})
	}
	for {
		a.count("GetMetricData")
		limited, cancel := context.WithTimeout(ctx, answerTime)
		out, err := a.o.CloudWatch.GetMetricData(limited, in)
		cancel()
		if err != nil {
			return err
		}
		for _, r := range out.MetricDataResults {
			i, err := strconv.Atoi(strings.TrimPrefix(aws.ToString(r.Id), "c"))
			if err != nil || i < 0 || i >= len(ids) {
				return fmt.Errorf("CloudWatch answers for %q, which was not asked for", aws.ToString(r.Id))
			}
			for j := range min(len(r.Timestamps), len(r.Values)) {
				at := r.Timestamps[j].Add(verdictPeriod)
				if at.After(now) {
					at = now
				}
				if before, known := verdicts[ids[i]]; !known || at.After(before.At) {
					verdicts[ids[i]] = Verdict{r.Values[j] >= 1, at}
				}
			}
		}
		if aws.ToString(out.NextToken) == "" {
			return nil
		}
		in.NextToken = out.NextToken
	}
}
