package r53server_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
)

// CIDR collections from beginning to end, with pages that begin where the last one ended. r53: A.8, C.3, C.7.
func TestSDKCIDRCollections(t *testing.T) {
	ctx := t.Context()
	client := startNode(t, etcdtest.Start(t), nil).client()
	created, err := client.CreateCidrCollection(ctx, &route53.CreateCidrCollectionInput{Name: aws.String("offices"),
		CallerReference: aws.String("1")})
	if err != nil {
		t.Fatal(err)
	}
	id := created.Collection.Id
	var changes []types.CidrCollectionChange
	var want []string
	for i := range 25 {
		location, block := fmt.Sprintf("l%02d", i/5), fmt.Sprintf("10.%d.0.0/16", i)
		changes = append(changes, types.CidrCollectionChange{Action: types.CidrCollectionChangeActionPut,
			LocationName: &location, CidrList: []string{block}})
		want = append(want, location+" "+block)
	}
	if _, err := client.ChangeCidrCollection(ctx, &route53.ChangeCidrCollectionInput{Id: id,
		CollectionVersion: aws.Int64(1), Changes: changes}); err != nil {
		t.Fatal(err)
	}
	var blocks []string
	pages := route53.NewListCidrBlocksPaginator(client, &route53.ListCidrBlocksInput{CollectionId: id,
		MaxResults: aws.Int32(7)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page.CidrBlocks {
			blocks = append(blocks, *b.LocationName+" "+*b.CidrBlock)
		}
	}
	if diff := cmp.Diff(want, blocks); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
	var locations []string
	for p := route53.NewListCidrLocationsPaginator(client, &route53.ListCidrLocationsInput{CollectionId: id,
		MaxResults: aws.Int32(2)}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range page.CidrLocations {
			locations = append(locations, *l.LocationName)
		}
	}
	if diff := cmp.Diff([]string{"l00", "l01", "l02", "l03", "l04"}, locations); diff != "" {
		t.Errorf("locations (-want +got):\n%s", diff)
	}
	list, err := client.ListCidrCollections(ctx, &route53.ListCidrCollectionsInput{})
	if err != nil || len(list.CidrCollections) != 1 || *list.CidrCollections[0].Version != 2 {
		t.Errorf("collections %+v, %v: want one of version 2", list, err)
	}
	_, err = client.DeleteCidrCollection(ctx, &route53.DeleteCidrCollectionInput{Id: id})
	wantCode(t, err, new(*types.CidrCollectionInUseException))
	_, err = client.ChangeCidrCollection(ctx, &route53.ChangeCidrCollectionInput{Id: id, CollectionVersion: aws.Int64(1),
		Changes: changes})
	wantCode(t, err, new(*types.CidrCollectionVersionMismatchException))
	_, err = client.ListCidrBlocks(ctx, &route53.ListCidrBlocksInput{CollectionId: id,
		LocationName: aws.String("nowhere")})
	wantCode(t, err, new(*types.NoSuchCidrLocationException))
	_, err = client.ListCidrLocations(ctx, &route53.ListCidrLocationsInput{CollectionId: aws.String("nope")})
	wantCode(t, err, new(*types.NoSuchCidrCollectionException))
}

// wantCode wants an error that the SDK knows as the type of target.
func wantCode(t *testing.T, err error, target any) {
	t.Helper()
	if !errors.As(err, target) {
		t.Errorf("error %v, want %T", err, target)
	}
}

func TestSDKTags(t *testing.T) { // r53: C.3
	ctx := t.Context()
	client := startNode(t, etcdtest.Start(t), nil).client()
	zone := strings.TrimPrefix(*createZone(t, client, "example.com", "ref").HostedZone.Id, "/hostedzone/")
	_, err := client.ChangeTagsForResource(ctx, &route53.ChangeTagsForResourceInput{
		ResourceId: &zone, ResourceType: types.TagResourceTypeHostedzone,
		AddTags: []types.Tag{{Key: aws.String("team"), Value: aws.String("a")},
			{Key: aws.String("Name"), Value: aws.String("z")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	sets, err := client.ListTagsForResources(ctx, &route53.ListTagsForResourcesInput{ResourceIds: []string{zone},
		ResourceType: types.TagResourceTypeHostedzone})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, tag := range sets.ResourceTagSets[0].Tags {
		got = append(got, *tag.Key+"="+*tag.Value)
	}
	if diff := cmp.Diff([]string{"Name=z", "team=a"}, got); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	_, err = client.ListTagsForResource(ctx, &route53.ListTagsForResourceInput{ResourceId: aws.String("none"),
		ResourceType: types.TagResourceTypeHealthcheck})
	wantCode(t, err, new(*types.NoSuchHealthCheck))
}

// All locations come each once, in pages of 100 at most. r53: C.7.
func TestSDKGeoLocations(t *testing.T) {
	client := startNode(t, etcdtest.Start(t), nil).client()
	seen := map[string]int{}
	in := &route53.ListGeoLocationsInput{MaxItems: aws.Int32(1000)}
	for {
		page, err := client.ListGeoLocations(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if *page.MaxItems != 100 || len(page.GeoLocationDetailsList) > 100 {
			t.Errorf("a page of %d with MaxItems %d", len(page.GeoLocationDetailsList), *page.MaxItems)
		}
		for _, l := range page.GeoLocationDetailsList {
			seen[aws.ToString(l.ContinentCode)+"/"+aws.ToString(l.CountryCode)+"/"+aws.ToString(l.SubdivisionCode)]++
		}
		if !page.IsTruncated {
			break
		}
		in.StartContinentCode, in.StartCountryCode, in.StartSubdivisionCode = page.NextContinentCode, page.NextCountryCode,
			page.NextSubdivisionCode
	}
	for _, l := range []string{"/*/", "/DE/", "/US/", "/US/VA", "EU//"} {
		if seen[l] != 1 {
			t.Errorf("%s is listed %d times", l, seen[l])
		}
	}
	if len(seen) < 300 {
		t.Errorf("%d locations are listed", len(seen))
	}
	_, err := client.GetGeoLocation(t.Context(), &route53.GetGeoLocationInput{CountryCode: aws.String("XX")})
	wantCode(t, err, new(*types.NoSuchGeoLocation))
}

func TestSDKDelegationSetOfAZone(t *testing.T) { // r53: C.4
	ctx := t.Context()
	client := startNode(t, etcdtest.Start(t), nil).client()
	zone := createZone(t, client, "example.com", "ref")
	set, err := client.CreateReusableDelegationSet(ctx,
		&route53.CreateReusableDelegationSetInput{CallerReference: aws.String("1"), HostedZoneId: zone.HostedZone.Id})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(set.DelegationSet.NameServers, zone.DelegationSet.NameServers) {
		t.Errorf("name servers %v, want the zone's %v", set.DelegationSet.NameServers, zone.DelegationSet.NameServers)
	}
	other, err := client.CreateHostedZone(ctx, &route53.CreateHostedZoneInput{
		Name: aws.String("example.org"), CallerReference: aws.String("ref2"), DelegationSetId: set.DelegationSet.Id,
	})
	if err != nil || !slices.Equal(other.DelegationSet.NameServers, zone.DelegationSet.NameServers) {
		t.Errorf("a zone on the set has %+v, %v", other, err)
	}
	limit, err := client.GetReusableDelegationSetLimit(ctx, &route53.GetReusableDelegationSetLimitInput{
		DelegationSetId: set.DelegationSet.Id, Type: types.ReusableDelegationSetLimitTypeMaxZonesByReusableDelegationSet,
	})
	if err != nil || limit.Count != 2 {
		t.Errorf("zones on the set: %+v, %v, want 2", limit, err)
	}
	_, err = client.DeleteReusableDelegationSet(ctx, &route53.DeleteReusableDelegationSetInput{Id: set.DelegationSet.Id})
	wantCode(t, err, new(*types.DelegationSetInUse))
}

// One bad change of a hundred is named, and nothing is changed. r53: C.6 "Atomic".
func TestSDKOneBadChangeOfAHundred(t *testing.T) {
	client := startNode(t, etcdtest.Start(t), nil).client()
	zone := createZone(t, client, "example.com", "ref").HostedZone.Id
	changes := make([]types.Change, 100)
	for i := range changes {
		changes[i] = types.Change{Action: types.ChangeActionCreate,
			ResourceRecordSet: address(fmt.Sprintf("n%d.example.com", i), "192.0.2.1")}
	}
	changes[57].ResourceRecordSet.ResourceRecords[0].Value = aws.String("192.0.2.256")
	_, err := change(client, zone, changes...)
	var refused *types.InvalidChangeBatch
	if !errors.As(err, &refused) || !strings.Contains(*refused.Message, "192.0.2.256") ||
		strings.Contains(*refused.Message, ", ") {
		t.Errorf("error %v, want one message about 192.0.2.256", err)
	}
	got, err := client.GetHostedZone(t.Context(), &route53.GetHostedZoneInput{Id: zone})
	if err != nil || *got.HostedZone.ResourceRecordSetCount != 2 {
		t.Errorf("the zone has %+v, %v: want 2 record sets", got, err)
	}
}

// What the engine has not is refused as the SDK knows it, or listed as empty; nothing is accepted and ignored. r53:
// C.4.
func TestSDKUnavailable(t *testing.T) {
	ctx := t.Context()
	client := startNode(t, etcdtest.Start(t), nil).client()
	zone := createZone(t, client, "example.com", "ref").HostedZone.Id
	vpc := &types.VPC{VPCId: aws.String("vpc-1"), VPCRegion: types.VPCRegionEuWest1}
	one, name := aws.Int32(1), aws.String("n")
	for operation, call := range map[string]func() (any, error){
		"PublicZoneVPCAssociation": func() (any, error) {
			return client.AssociateVPCWithHostedZone(ctx, &route53.AssociateVPCWithHostedZoneInput{HostedZoneId: zone, VPC: vpc})
		},
		"VPCAssociationNotFound": func() (any, error) {
			return client.DisassociateVPCFromHostedZone(ctx, &route53.DisassociateVPCFromHostedZoneInput{HostedZoneId: zone,
				VPC: vpc})
		},
		"VPCAssociationAuthorizationNotFound": func() (any, error) {
			return client.DeleteVPCAssociationAuthorization(ctx,
				&route53.DeleteVPCAssociationAuthorizationInput{HostedZoneId: zone, VPC: vpc})
		},
		"KeySigningKeyWithActiveStatusNotFound": func() (any, error) {
			return client.EnableHostedZoneDNSSEC(ctx, &route53.EnableHostedZoneDNSSECInput{HostedZoneId: zone})
		},
		"DNSSECNotFound": func() (any, error) {
			return client.DisableHostedZoneDNSSEC(ctx, &route53.DisableHostedZoneDNSSECInput{HostedZoneId: zone})
		},
		"NoSuchKeySigningKey": func() (any, error) {
			return client.DeleteKeySigningKey(ctx, &route53.DeleteKeySigningKeyInput{HostedZoneId: zone, Name: name})
		},
		"NoSuchCloudWatchLogsLogGroup": func() (any, error) {
			return client.CreateQueryLoggingConfig(ctx, &route53.CreateQueryLoggingConfigInput{HostedZoneId: zone,
				CloudWatchLogsLogGroupArn: name})
		},
		"NoSuchQueryLoggingConfig": func() (any, error) {
			return client.GetQueryLoggingConfig(ctx, &route53.GetQueryLoggingConfigInput{Id: name})
		},
		"InvalidInput": func() (any, error) {
			return client.CreateTrafficPolicy(ctx, &route53.CreateTrafficPolicyInput{Name: name, Document: aws.String("{}")})
		},
		"NoSuchTrafficPolicy": func() (any, error) {
			return client.GetTrafficPolicy(ctx, &route53.GetTrafficPolicyInput{Id: name, Version: one})
		},
		"NoSuchTrafficPolicyInstance": func() (any, error) {
			return client.GetTrafficPolicyInstance(ctx, &route53.GetTrafficPolicyInstanceInput{Id: name})
		},
		"HostedZoneNotPrivate": func() (any, error) {
			return client.GetHostedZoneLimit(ctx, &route53.GetHostedZoneLimitInput{HostedZoneId: zone,
				Type: types.HostedZoneLimitTypeMaxVpcsAssociatedByZone})
		},
	} {
		_, err := call()
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != operation {
			t.Errorf("error %v, want %s", err, operation)
		} else if operation != "HostedZoneNotPrivate" && !strings.Contains(api.ErrorMessage(),
			"not available on this engine") {
			t.Errorf("%s says %q", operation, api.ErrorMessage())
		}
	}
	dnssec, err := client.GetDNSSEC(ctx, &route53.GetDNSSECInput{HostedZoneId: zone})
	if err != nil || *dnssec.Status.ServeSignature != "NOT_SIGNING" || len(dnssec.KeySigningKeys) != 0 {
		t.Errorf("GetDNSSEC: %+v, %v", dnssec, err)
	}
	if out, err := client.ListTrafficPolicies(ctx, &route53.ListTrafficPoliciesInput{}); err != nil ||
		len(out.TrafficPolicySummaries) != 0 {
		t.Errorf("ListTrafficPolicies: %+v, %v", out, err)
	}
	if out, err := client.GetTrafficPolicyInstanceCount(ctx, &route53.GetTrafficPolicyInstanceCountInput{}); err != nil ||
		*out.TrafficPolicyInstanceCount != 0 {
		t.Errorf("GetTrafficPolicyInstanceCount: %+v, %v", out, err)
	}
}
