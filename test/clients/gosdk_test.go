package clients_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sdk is the AWS SDK for Go with the Region of its user. r53: H.
func (l *lab) sdk(t *testing.T) *route53.Client {
	t.Helper()
	key := l.key(t)
	return route53.New(route53.Options{
		Region: "eu-west-1", BaseEndpoint: &l.api,
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
	})
}

func createZone(t *testing.T, client *route53.Client, name string) *string {
	t.Helper()
	out, err := client.CreateHostedZone(t.Context(), &route53.CreateHostedZoneInput{Name: &name,
		CallerReference: aws.String("zone " + name)})
	if err != nil {
		t.Fatal(err)
	}
	return out.HostedZone.Id
}

// change sends one batch and waits until every server answers by it.
func change(t *testing.T, client *route53.Client, zone *string, action types.ChangeAction,
	sets ...types.ResourceRecordSet) error {
	t.Helper()
	changes := make([]types.Change, len(sets))
	for i := range sets {
		changes[i] = types.Change{Action: action, ResourceRecordSet: &sets[i]}
	}
	out, err := client.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: zone, ChangeBatch: &types.ChangeBatch{Changes: changes},
	})
	if err != nil {
		return err
	}
	waiter := route53.NewResourceRecordSetsChangedWaiter(client, func(o *route53.ResourceRecordSetsChangedWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
	})
	return waiter.Wait(t.Context(), &route53.GetChangeInput{Id: out.ChangeInfo.Id}, 2*time.Minute)
}

// listRecords follows all pages and leaves out the apex's own sets.
func listRecords(t *testing.T, client *route53.Client, zone *string, maxItems int32) []types.ResourceRecordSet {
	t.Helper()
	var sets []types.ResourceRecordSet
	pages := route53.NewListResourceRecordSetsPaginator(client, &route53.ListResourceRecordSetsInput{HostedZoneId: zone,
		MaxItems: &maxItems})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, page.ResourceRecordSets...)
	}
	return slices.DeleteFunc(sets, func(s types.ResourceRecordSet) bool {
		return s.Type == types.RRTypeNs ||
			s.Type == types.RRTypeSoa
	})
}

func address(name, value string) types.ResourceRecordSet {
	return types.ResourceRecordSet{Name: &name, Type: types.RRTypeA, TTL: aws.Int64(60),
		ResourceRecords: []types.ResourceRecord{{Value: &value}}}
}

// Route 53's quota of a zone, 10,000 record sets, in the largest batches and pages there are. r53: C.6, C.7, C.8.
func TestTenThousandRecordSets(t *testing.T) {
	t.Parallel()
	l := startLab(t, t.TempDir(), "--empty")
	client := l.sdk(t)
	zone := createZone(t, client, "example.com")
	const total, size = 10_000, 1_000
	var sets []types.ResourceRecordSet
	for i := range total {
		sets = append(sets, address(fmt.Sprintf("n%05d.example.com.", i), fmt.Sprintf("10.0.%d.%d", i/250, i%250)))
	}
	count := func() int64 {
		t.Helper()
		out, err := client.GetHostedZone(t.Context(), &route53.GetHostedZoneInput{Id: zone})
		if err != nil {
			t.Fatal(err)
		}
		return *out.HostedZone.ResourceRecordSetCount
	}
	if err := change(t, client, zone, types.ChangeActionCreate, sets[:size+1]...); err == nil ||
		!strings.Contains(err.Error(), "Number of records limit of 1000 exceeded.") {
		t.Errorf("a batch of %d: %v", size+1, err)
	}
	for batch := range slices.Chunk(sets, size) {
		if err := change(t, client, zone, types.ChangeActionCreate, batch...); err != nil {
			t.Fatal(err)
		}
	}
	if got := count(); got != total+2 { // with the apex's NS and SOA
		t.Errorf("ResourceRecordSetCount is %d, want %d", got, total+2)
	}
	for _, i := range []int{0, 4_999, 9_999} {
		if got, want := l.dig(t, *sets[i].Name, "+short"), *sets[i].ResourceRecords[0].Value; got != want {
			t.Errorf("dig %s = %q, want %s", *sets[i].Name, got, want)
		}
	}
	unexported := cmpopts.IgnoreUnexported(types.ResourceRecordSet{}, types.ResourceRecord{})
	if diff := cmp.Diff(sets, listRecords(t, client, zone, 300), unexported); diff != "" {
		t.Errorf("record sets (-made +listed):\n%s", diff)
	}
	for batch := range slices.Chunk(sets, size) {
		if err := change(t, client, zone, types.ChangeActionDelete, batch...); err != nil {
			t.Fatal(err)
		}
	}
	if got := count(); got != 2 {
		t.Errorf("ResourceRecordSetCount is %d after deleting all, want 2", got)
	}
	if got := l.dig(t, "n04999.example.com", "A"); !strings.Contains(got, "status: NXDOMAIN") {
		t.Errorf("a deleted name still answers:\n%s", got)
	}
}
