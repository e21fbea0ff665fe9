package cwserver

import (
	"regexp"
	"slices"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Limits of GetMetricData.
const (
	maxQueries    = 500
	maxDatapoints = 100_800
)

var queryID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]{0,254}$`)

// The encoding of the protocol: times are epoch seconds with a tag. Decoding limits what a client can make the server
// hold.
var (
	encoding = must(cbor.EncOptions{Time: cbor.TimeUnixMicro, TimeTag: cbor.EncTagRequired}.EncMode())
	decoding = must(cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, MaxNestedLevels: 16,
		MaxArrayElements: 2 * maxQueries, MaxMapPairs: 64}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// The shapes of the API, as far as they are read.
type (
	metricDataInput struct {
		StartTime, EndTime time.Time
		MetricDataQueries  []metricDataQuery
		MaxDatapoints      *int
		NextToken          string
	}
	metricDataQuery struct {
		ID         string `cbor:"Id"`
		MetricStat *metricStat
		Expression string
		Label      string
		ReturnData *bool
	}
	metricStat struct {
		Metric metric
		Period int
		Stat   string
		Unit   string
	}
	metric struct {
		Namespace, MetricName string
		Dimensions            []dimension
	}
	dimension struct{ Name, Value string }

	metricDataOutput struct {
		Messages          []struct{}
		MetricDataResults []metricDataResult
	}
	metricDataResult struct {
		ID         string `cbor:"Id"`
		Label      string
		StatusCode string
		Timestamps []time.Time
		Values     []float64
	}
	errorReply struct {
		Type    string `cbor:"__type"`
		Message string `cbor:"message"`
	}
)

func (s *Server) getMetricData(body []byte) (any, error) {
	var in metricDataInput
	if err := decoding.Unmarshal(body, &in); err != nil {
		return nil, notSerializable("The request body is not a GetMetricDataInput in CBOR.")
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	now := s.o.Now()
	out := metricDataOutput{Messages: []struct{}{}, MetricDataResults: []metricDataResult{}}
	for _, q := range in.MetricDataQueries {
		if q.ReturnData != nil && !*q.ReturnData {
			continue
		}
		result := metricDataResult{ID: q.ID, Label: q.Label, StatusCode: "Complete", Timestamps: []time.Time{},
			Values: []float64{}}
		if result.Label == "" {
			result.Label = q.MetricStat.Metric.MetricName
		}
		at := now.UTC().Truncate(time.Duration(q.MetricStat.Period) * time.Second)
		if value, known := s.value(q.MetricStat); known && !at.Before(in.StartTime) && at.Before(in.EndTime) {
			result.Timestamps, result.Values = append(result.Timestamps, at), append(result.Values, value)
		}
		out.MetricDataResults = append(out.MetricDataResults, result)
	}
	return out, nil
}

// check refuses what is not valid, and what an engine does not have.
func (in *metricDataInput) check() error {
	switch n := len(in.MetricDataQueries); {
	case n == 0:
		return invalid("The parameter MetricDataQueries is required.")
	case n > maxQueries:
		return invalid("The collection MetricDataQueries must not have a size greater than %d.", maxQueries)
	case in.StartTime.IsZero() || in.EndTime.IsZero():
		return invalid("The parameters StartTime and EndTime are required.")
	case !in.StartTime.Before(in.EndTime):
		return invalid("The parameter StartTime must be less than the parameter EndTime.")
	case in.MaxDatapoints != nil && (*in.MaxDatapoints < 1 || *in.MaxDatapoints > maxDatapoints):
		return invalid("The parameter MaxDatapoints must be between 1 and %d.", maxDatapoints)
	case in.NextToken != "":
		return invalidNextToken()
	}
	seen := map[string]bool{}
	for _, q := range in.MetricDataQueries {
		switch {
		case !queryID.MatchString(q.ID):
			return invalid("The value %.64q for parameter Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.", q.ID)
		case seen[q.ID]:
			return invalid("The values for parameter id in MetricDataQueries are not unique: %s.", q.ID)
		case q.Expression != "":
			return invalid("The query %s has an expression: an engine takes MetricStat only.", q.ID)
		case q.MetricStat == nil:
			return invalid("The query %s has no MetricStat.", q.ID)
		}
		seen[q.ID] = true
		p := q.MetricStat.Period
		if !slices.Contains([]int{1, 5, 10, 20, 30}, p) && (p < 60 || p%60 != 0 || p > 86400) {
			return invalid("The Period %d of query %s must be 1, 5, 10, 20, 30 or a multiple of 60, at most 86400.", p, q.ID)
		}
		if _, ok := statistic(q.MetricStat.Stat, 0); !ok {
			return invalid("The Stat %.64q of query %s must be Minimum, Maximum, Average, Sum or SampleCount.",
				q.MetricStat.Stat, q.ID)
		}
	}
	return nil
}

// value is the current value of a metric. An unknown metric has no data, which is not an error.
func (s *Server) value(m *metricStat) (float64, bool) {
	d := m.Metric.Dimensions
	if m.Metric.Namespace != "AWS/Route53" || m.Metric.MetricName != "HealthCheckStatus" ||
		len(d) != 1 || d[0].Name != "HealthCheckId" || m.Unit != "" && m.Unit != "None" {
		return 0, false
	}
	healthy, known := s.o.Verdict(d[0].Value)
	if !known {
		return 0, false
	}
	sample := 0.0
	if healthy {
		sample = 1
	}
	return statistic(m.Stat, sample)
}

// statistic is the value of a statistic over one sample.
func statistic(name string, sample float64) (float64, bool) {
	switch name {
	case "Minimum", "Maximum", "Average", "Sum":
		return sample, true
	case "SampleCount":
		return 1, true
	}
	return 0, false
}
