package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/node"
)

// Route 53's ceilings: values of a batch, where an UPSERT counts twice, and record sets of a page. r53: C.6, C.7.
const (
	maxCreates = 1000
	maxUpserts = 500
	maxPage    = 300
)

// An api is a node on its embedded etcd, called through the AWS SDK.
type api struct {
	client *route53.Client
	zone   *string
}

// startAPI runs a node with a zone of n record sets.
func startAPI(b *testing.B, n int) *api {
	b.Helper()
	served, err := node.New(node.Options{DataDir: b.TempDir(), HTTPAddr: "127.0.0.1:0", DNSAddr: "127.0.0.1:0"})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- served.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			b.Error(err)
		}
	})
	select {
	case <-served.Ready():
	case err := <-ended:
		b.Fatal(err)
	}
	key := served.Credentials()
	a := &api{client: route53.New(route53.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(fmt.Sprint("http://", served.HTTPAddr())),
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
	})}
	created, err := a.client.CreateHostedZone(b.Context(), &route53.CreateHostedZoneInput{
		Name: aws.String("example.com"), CallerReference: aws.String("bench"),
	})
	if err != nil {
		b.Fatal(err)
	}
	a.zone = created.HostedZone.Id
	for from := 0; from < n; from += maxCreates {
		a.change(b, types.ChangeActionCreate, 0, from, 1, min(maxCreates, n-from))
	}
	return a
}

// recordName numbers names so that they sort by number.
func recordName(i int) *string { return aws.String(fmt.Sprintf("n%07d.example.com", i)) }

// change sends one batch of count sets: every step-th name from one on. The round is in the value.
func (a *api) change(b *testing.B, action types.ChangeAction, round, from, step, count int) {
	b.Helper()
	changes := make([]types.Change, count)
	value := aws.String(fmt.Sprintf("192.0.2.%d", round%250))
	for i := range changes {
		changes[i] = types.Change{Action: action, ResourceRecordSet: &types.ResourceRecordSet{
			Name: recordName(from + i*step), Type: types.RRTypeA, TTL: aws.Int64(60),
			ResourceRecords: []types.ResourceRecord{{Value: value}},
		}}
	}
	_, err := a.client.ChangeResourceRecordSets(b.Context(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: a.zone, ChangeBatch: &types.ChangeBatch{Changes: changes},
	})
	if err != nil {
		b.Fatal(err)
	}
}

// overSizes times one call at three sizes of the zone; x/smallest is its median time over that in the smallest zone.
func overSizes(b *testing.B, call func(b *testing.B, a *api, n, round int)) {
	var smallest time.Duration
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			a := startAPI(b, n)
			var took []time.Duration
			for round := 0; b.Loop(); round++ {
				start := time.Now()
				call(b, a, n, round)
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			median := took[len(took)/2]
			if smallest == 0 {
				smallest = median
			}
			b.ReportMetric(float64(median.Microseconds())/1000, "ms/median")
			b.ReportMetric(float64(median)/float64(smallest), "x/smallest")
		})
	}
}

// BenchmarkAPIBatch is a batch of 500 UPSERTs all over the zone, from the client's request to its reply.
func BenchmarkAPIBatch(b *testing.B) {
	overSizes(b, func(b *testing.B, a *api, n, round int) {
		a.change(b, types.ChangeActionUpsert, round+1, round%(n/maxUpserts), n/maxUpserts, maxUpserts)
	})
}

// BenchmarkAPIPage is a page of 300 record sets from anywhere in the zone.
func BenchmarkAPIPage(b *testing.B) {
	overSizes(b, func(b *testing.B, a *api, n, round int) {
		page, err := a.client.ListResourceRecordSets(b.Context(), &route53.ListResourceRecordSetsInput{
			HostedZoneId: a.zone, MaxItems: aws.Int32(maxPage), StartRecordName: recordName(round * 7919 % (n - maxPage + 1)),
		})
		if err != nil {
			b.Fatal(err)
		}
		if len(page.ResourceRecordSets) != maxPage {
			b.Fatalf("a page of %d record sets, want %d", len(page.ResourceRecordSets), maxPage)
		}
	})
}
