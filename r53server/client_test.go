package r53server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sync/errgroup"

	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
	"github.com/bulkhead-dns/bulkhead/store"
)

func createZone(t *testing.T, client *route53.Client, name, reference string) *route53.CreateHostedZoneOutput {
	t.Helper()
	out, err := client.CreateHostedZone(t.Context(), &route53.CreateHostedZoneInput{Name: &name,
		CallerReference: &reference})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func change(client *route53.Client, zone *string, changes ...types.Change) (*route53.ChangeResourceRecordSetsOutput,
	error) {
	return client.ChangeResourceRecordSets(context.Background(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: zone, ChangeBatch: &types.ChangeBatch{Changes: changes},
	})
}

func address(name, ip string) *types.ResourceRecordSet {
	return &types.ResourceRecordSet{
		Name: &name, Type: types.RRTypeA, TTL: aws.Int64(60), ResourceRecords: []types.ResourceRecord{{Value: &ip}},
	}
}

// Two Regions of one application behind latency records with health checks, by the AWS SDK from beginning to end.
func TestSDKFailoverSetup(t *testing.T) {
	ctx := t.Context()
	client := startNode(t, etcdtest.Start(t), nil).client()
	zone := createZone(t, client, "example.com", "ref")
	if got := *zone.HostedZone.Name; got != "example.com." {
		t.Errorf("zone name is %q", got)
	}
	if got := *zone.Location; !strings.HasSuffix(got, "/2013-04-01"+*zone.HostedZone.Id) {
		t.Errorf("Location is %q, zone id %q", got, *zone.HostedZone.Id)
	}
	if n := len(zone.DelegationSet.NameServers); n != 4 || strings.HasSuffix(zone.DelegationSet.NameServers[0], ".") {
		t.Errorf("name servers are %v, want four without trailing dots", zone.DelegationSet.NameServers) // r53: A.13
	}

	var changes []types.Change
	var want []types.ResourceRecordSet
	for i, region := range []types.ResourceRecordSetRegion{"eu-central-1", "eu-west-1"} {
		check, err := client.CreateHealthCheck(ctx, &route53.CreateHealthCheckInput{
			CallerReference: aws.String(string(region)),
			HealthCheckConfig: &types.HealthCheckConfig{
				Type: types.HealthCheckTypeHttp, FullyQualifiedDomainName: aws.String("lb." + string(region) + ".example.com"),
				ResourcePath:    aws.String("/app1health"),
				RequestInterval: aws.Int32(10), FailureThreshold: aws.Int32(2),
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		set := address("app1.example.com", fmt.Sprintf("192.0.2.%d", i+1))
		set.SetIdentifier, set.Region, set.HealthCheckId = aws.String(string(region)), region, check.HealthCheck.Id
		changes = append(changes, types.Change{Action: types.ChangeActionUpsert, ResourceRecordSet: set})
		listed := *set
		listed.Name = aws.String("app1.example.com.")
		want = append(want, listed)
	}
	out, err := change(client, zone.HostedZone.Id, changes...)
	if err != nil {
		t.Fatal(err)
	}
	waiter := route53.NewResourceRecordSetsChangedWaiter(client, func(o *route53.ResourceRecordSetsChangedWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 50*time.Millisecond
	})
	if err := waiter.Wait(ctx, &route53.GetChangeInput{Id: out.ChangeInfo.Id}, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	listed, err := client.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{
		HostedZoneId: zone.HostedZone.Id, StartRecordName: aws.String("app1.example.com"), StartRecordType: types.RRTypeA,
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, listed.ResourceRecordSets, cmpopts.IgnoreUnexported(types.ResourceRecordSet{},
		types.ResourceRecord{})); diff != "" {
		t.Errorf("record sets (-want +got):\n%s", diff)
	}

	// Exactly what was listed deletes again; then the zone goes. r53: C.6.
	changes = nil
	for _, set := range listed.ResourceRecordSets {
		changes = append(changes, types.Change{Action: types.ChangeActionDelete, ResourceRecordSet: &set})
	}
	if _, err := change(client, zone.HostedZone.Id, changes...); err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteHostedZone(ctx, &route53.DeleteHostedZoneInput{Id: zone.HostedZone.Id}); err != nil {
		t.Fatal(err)
	}
}

// Errors reach the SDK's user as the types that programs look for. r53: C.5.
func TestSDKErrorTypes(t *testing.T) {
	ctx := t.Context()
	client := startNode(t, etcdtest.Start(t), nil).client()
	zone := createZone(t, client, "example.com", "ref").HostedZone.Id

	check := func(name string, err error, target any, code string, status int) {
		t.Helper()
		var api smithy.APIError
		var response *smithyhttp.ResponseError
		if !errors.As(err, &api) || !errors.As(err, &response) {
			t.Errorf("%s: %v is no error of the API", name, err)
			return
		}
		if !errors.As(err, target) || api.ErrorCode() != code || response.HTTPStatusCode() != status {
			t.Errorf("%s: %v, want %d %s", name, err, status, code)
		}
	}
	_, err := client.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: aws.String("Z0")})
	check("unknown zone", err, new(*types.NoSuchHostedZone), "NoSuchHostedZone", http.StatusNotFound)
	_, err = client.GetHealthCheck(ctx, &route53.GetHealthCheckInput{HealthCheckId: aws.String("nope")})
	check("unknown check", err, new(*types.NoSuchHealthCheck), "NoSuchHealthCheck", http.StatusNotFound)
	_, err = client.GetChange(ctx, &route53.GetChangeInput{Id: aws.String("C0")})
	check("unknown change", err, new(*types.NoSuchChange), "NoSuchChange", http.StatusNotFound)
	_, err = client.CreateHostedZone(ctx, &route53.CreateHostedZoneInput{Name: aws.String("example.org"),
		CallerReference: aws.String("ref")})
	check("zone reference taken", err, new(*types.HostedZoneAlreadyExists), "HostedZoneAlreadyExists", http.StatusConflict)
	_, err = client.CreateHostedZone(ctx, &route53.CreateHostedZoneInput{Name: aws.String("org"),
		CallerReference: aws.String("ref2")})
	check("single label", err, new(*types.InvalidDomainName), "InvalidDomainName", http.StatusBadRequest)
	_, err = change(client, zone, types.Change{Action: types.ChangeActionCreate,
		ResourceRecordSet: &types.ResourceRecordSet{
			Name: aws.String("a.example.com"), Type: types.RRTypeA, SetIdentifier: aws.String("de"), TTL: aws.Int64(1),
			GeoLocation:     &types.GeoLocation{CountryCode: aws.String("DE")},
			ResourceRecords: []types.ResourceRecord{{Value: aws.String("192.0.2.1")}},
		}})
	if err != nil {
		t.Errorf("a geolocation record is refused: %v", err)
	}

	_, err = change(client, zone,
		types.Change{Action: types.ChangeActionDelete, ResourceRecordSet: address("c.example.com", "192.0.2.1")},
		types.Change{Action: types.ChangeActionDelete, ResourceRecordSet: address("b.example.com", "192.0.2.1")})
	var batch *types.InvalidChangeBatch
	check("two faults", err, &batch, "InvalidChangeBatch", http.StatusBadRequest)
	const want = "[Tried to delete resource record set [name='c.example.com.', type='A'] but it was not found, " +
		"Tried to delete resource record set [name='b.example.com.', type='A'] but it was not found]"
	if batch == nil || aws.ToString(batch.Message) != want || len(batch.Messages) != 0 {
		t.Errorf("two faults: %+v, want the message %q", batch, want)
	}
	// Bare ids only. r53: C.1, G.1 rule 16.
	_, err = client.ListTagsForResource(ctx, &route53.ListTagsForResourceInput{ResourceId: zone,
		ResourceType: types.TagResourceTypeHostedzone})
	check("tags of a prefixed id", err, new(*types.InvalidInput), "InvalidInput", http.StatusBadRequest)
}

// 350 record sets and the apex two come whole and in order, in pages of every size that clients ask for. r53: C.7, H.
func TestSDKPagesOfRecords(t *testing.T) {
	client := startNode(t, etcdtest.Start(t), nil).client()
	zone := createZone(t, client, "example.com", "ref").HostedZone.Id
	var changes []types.Change
	want := []string{"example.com. NS ", "example.com. SOA "}
	for i := range 350 {
		name := fmt.Sprintf("n%03d.example.com.", i/7) // groups of seven, so that pages end within them
		set := address(name, "192.0.2.1")
		set.SetIdentifier, set.Weight = aws.String(fmt.Sprintf("member-%d", i%7)), aws.Int64(1)
		changes = append(changes, types.Change{Action: types.ChangeActionCreate, ResourceRecordSet: set})
		want = append(want, name+" A "+*set.SetIdentifier)
	}
	if _, err := change(client, zone, changes...); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		maxItems      *int32
		pages, echoed int
	}{{nil, 4, 100}, {aws.Int32(100), 4, 100}, {aws.Int32(300), 2, 300}, {aws.Int32(1000), 2, 300},
		{aws.Int32(11), 32, 11}} {
		pages := route53.NewListResourceRecordSetsPaginator(client,
			&route53.ListResourceRecordSetsInput{HostedZoneId: zone, MaxItems: tt.maxItems})
		var got []string
		count := 0
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if int(*page.MaxItems) != tt.echoed {
				t.Errorf("MaxItems is %d, want %d", *page.MaxItems, tt.echoed)
			}
			for _, set := range page.ResourceRecordSets {
				got = append(got, *set.Name+" "+string(set.Type)+" "+aws.ToString(set.SetIdentifier))
			}
			count++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("maxitems %d (-want +got):\n%s", aws.ToInt32(tt.maxItems), diff)
		}
		if count != tt.pages {
			t.Errorf("maxitems %d: %d pages, want %d", aws.ToInt32(tt.maxItems), count, tt.pages)
		}
	}
}

// 250 checks come each once, in pages of 100 unless more are asked for, and a page begins after a marker that is gone.
// r53: C.7.
func TestSDKPagesOfHealthChecks(t *testing.T) {
	ctx := t.Context()
	client := startNode(t, etcdtest.Start(t), nil).client()
	ids := make([]string, 250)
	var group errgroup.Group
	group.SetLimit(16)
	for i := range ids {
		group.Go(func() error {
			out, err := client.CreateHealthCheck(ctx, &route53.CreateHealthCheckInput{
				CallerReference: aws.String(fmt.Sprint("ref", i)),
				HealthCheckConfig: &types.HealthCheckConfig{Type: types.HealthCheckTypeTcp, IPAddress: aws.String("8.8.8.8"),
					Port: aws.Int32(53)},
			})
			if err == nil {
				ids[i] = *out.HealthCheck.Id
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	list := func(maxItems *int32) (got []string, pages int) {
		paginator := route53.NewListHealthChecksPaginator(client, &route53.ListHealthChecksInput{MaxItems: maxItems})
		for paginator.HasMorePages() {
			page, err := paginator.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, check := range page.HealthChecks {
				got = append(got, *check.Id)
			}
			pages++
		}
		return got, pages
	}
	for _, tt := range []struct {
		maxItems *int32
		pages    int
	}{{nil, 3}, {aws.Int32(1000), 1}, {aws.Int32(77), 4}} {
		got, pages := list(tt.maxItems)
		if diff := cmp.Diff(ids, got); diff != "" || pages != tt.pages {
			t.Errorf("maxitems %d: %d pages, want %d (-want +got):\n%s", aws.ToInt32(tt.maxItems), pages, tt.pages, diff)
		}
	}

	first, err := client.ListHealthChecks(ctx, &route53.ListHealthChecksInput{MaxItems: aws.Int32(10)})
	if err != nil {
		t.Fatal(err)
	}
	if *first.NextMarker != ids[10] {
		t.Errorf("NextMarker is %s, want the first of the next page %s", *first.NextMarker, ids[10])
	}
	if _, err := client.DeleteHealthCheck(ctx,
		&route53.DeleteHealthCheckInput{HealthCheckId: first.NextMarker}); err != nil {
		t.Fatal(err)
	}
	second, err := client.ListHealthChecks(ctx, &route53.ListHealthChecksInput{Marker: first.NextMarker,
		MaxItems: aws.Int32(1)})
	if err != nil {
		t.Fatal(err)
	}
	if got := *second.HealthChecks[0].Id; got != ids[11] {
		t.Errorf("after a marker that is gone comes %s, want %s", got, ids[11])
	}
	count, err := client.GetHealthCheckCount(ctx, &route53.GetHealthCheckCountInput{})
	if err != nil || *count.HealthCheckCount != 249 {
		t.Errorf("count is %v, %v, want 249", count, err)
	}
}

func TestSDKPagesOfZones(t *testing.T) {
	ctx := t.Context()
	client := startNode(t, etcdtest.Start(t), nil).client()
	var want []string
	for i := range 7 {
		name := fmt.Sprintf("z%d.example.com.", i)
		createZone(t, client, name, name)
		want = append(want, name)
	}
	pages := route53.NewListHostedZonesPaginator(client, &route53.ListHostedZonesInput{MaxItems: aws.Int32(3)})
	var got []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, z := range page.HostedZones {
			got = append(got, *z.Name)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ListHostedZones (-want +got):\n%s", diff)
	}

	// ListHostedZonesByName has no paginator: clients follow NextDNSName and NextHostedZoneId themselves.
	got = nil
	in := &route53.ListHostedZonesByNameInput{MaxItems: aws.Int32(2), DNSName: aws.String("z2.example.com")}
	for {
		page, err := client.ListHostedZonesByName(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, z := range page.HostedZones {
			got = append(got, *z.Name)
		}
		if !page.IsTruncated {
			break
		}
		in.DNSName, in.HostedZoneId = page.NextDNSName, page.NextHostedZoneId
	}
	if diff := cmp.Diff(want[2:], got); diff != "" {
		t.Errorf("ListHostedZonesByName (-want +got):\n%s", diff)
	}
}

// A change is PENDING until every live node has applied it: nothing is pretended.
func TestSDKChangeIsPendingUntilAllNodesHaveIt(t *testing.T) {
	endpoint := etcdtest.Start(t)
	client := startNode(t, endpoint, nil).client()
	zone := createZone(t, client, "example.com", "ref").HostedZone.Id

	release := make(chan struct{})
	startStore(t, endpoint, "node2", func(_ *store.State, c store.Change) {
		if !c.Full {
			<-release // a node that is slow to compile what it read
		}
	})
	out, err := change(client, zone, types.Change{Action: types.ChangeActionCreate,
		ResourceRecordSet: address("a.example.com", "192.0.2.1")})
	if err != nil {
		close(release)
		t.Fatal(err)
	}
	status := func() types.ChangeStatus {
		info, err := client.GetChange(t.Context(), &route53.GetChangeInput{Id: out.ChangeInfo.Id})
		if err != nil {
			t.Error(err)
			return ""
		}
		return info.ChangeInfo.Status
	}
	if got := status(); got != types.ChangeStatusPending {
		t.Errorf("status is %q while a node has not applied the change", got)
	}
	close(release)
	waiter := route53.NewResourceRecordSetsChangedWaiter(client, func(o *route53.ResourceRecordSetsChangedWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 50*time.Millisecond
	})
	if err := waiter.Wait(t.Context(), &route53.GetChangeInput{Id: out.ChangeInfo.Id}, 10*time.Second); err != nil {
		t.Errorf("not INSYNC after the node went on: %v", err)
	}
}
