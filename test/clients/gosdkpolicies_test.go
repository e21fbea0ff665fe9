package clients_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Record sets of every routing policy are listed as they were made, answer TestDNSAnswer, and delete as they are
// listed.
func TestGoSDK(t *testing.T) {
	t.Parallel()
	l := startLab(t, t.TempDir(), "--empty")
	client, ctx := l.sdk(t), t.Context()
	zone := createZone(t, client, "example.com")
	check, err := client.CreateHealthCheck(ctx, &route53.CreateHealthCheckInput{CallerReference: aws.String("c"),
		HealthCheckConfig: &types.HealthCheckConfig{
			Type: types.HealthCheckTypeTcp, IPAddress: aws.String("127.0.0.1"), Port: aws.Int32(9),
		}})
	if err != nil {
		t.Fatal(err)
	}
	collection, err := client.CreateCidrCollection(ctx, &route53.CreateCidrCollectionInput{Name: aws.String("offices"),
		CallerReference: aws.String("c")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.ChangeCidrCollection(ctx, &route53.ChangeCidrCollectionInput{Id: collection.Collection.Id,
		Changes: []types.CidrCollectionChange{
			{LocationName: aws.String("berlin"), Action: types.CidrCollectionChangeActionPut, CidrList: []string{"10.2.0.0/16"}},
		}})
	if err != nil {
		t.Fatal(err)
	}

	var sets []types.ResourceRecordSet
	add := func(name, id string, route func(*types.ResourceRecordSet)) {
		s := address(name+".example.com.", fmt.Sprintf("192.0.2.%d", len(sets)+1))
		s.SetIdentifier = &id
		route(&s)
		sets = append(sets, s)
	}
	add("cidr", "any", func(s *types.ResourceRecordSet) {
		s.CidrRoutingConfig = &types.CidrRoutingConfig{CollectionId: collection.Collection.Id, LocationName: aws.String("*")}
	})
	add("cidr", "berlin", func(s *types.ResourceRecordSet) {
		s.CidrRoutingConfig = &types.CidrRoutingConfig{CollectionId: collection.Collection.Id,
			LocationName: aws.String("berlin")}
	})
	add("failover", "1", func(s *types.ResourceRecordSet) {
		s.Failover, s.HealthCheckId = types.ResourceRecordSetFailoverPrimary, check.HealthCheck.Id
	})
	add("failover", "2", func(s *types.ResourceRecordSet) { s.Failover = types.ResourceRecordSetFailoverSecondary })
	add("geo", "any", func(s *types.ResourceRecordSet) {
		s.GeoLocation = &types.GeoLocation{CountryCode: aws.String("*")}
	})
	add("geo", "eu", func(s *types.ResourceRecordSet) {
		s.GeoLocation = &types.GeoLocation{ContinentCode: aws.String("EU")}
	})
	add("latency", "eu", func(s *types.ResourceRecordSet) { s.Region = types.ResourceRecordSetRegionEuWest1 })
	add("multi", "1", func(s *types.ResourceRecordSet) { s.MultiValueAnswer = aws.Bool(true) })
	add("near", "c", func(s *types.ResourceRecordSet) {
		s.GeoProximityLocation = &types.GeoProximityLocation{Coordinates: &types.Coordinates{Latitude: aws.String("49.22"),
			Longitude: aws.String("-74.01")}}
	})
	add("near", "r", func(s *types.ResourceRecordSet) {
		s.GeoProximityLocation = &types.GeoProximityLocation{AWSRegion: aws.String("eu-west-1"), Bias: aws.Int32(-10)}
	})
	add("weighted", "none & <nothing>", func(s *types.ResourceRecordSet) { s.Weight = aws.Int64(0) })
	alias := types.ResourceRecordSet{Name: aws.String("www.example.com."), Type: types.RRTypeA,
		AliasTarget: &types.AliasTarget{
			HostedZoneId: aws.String(bare(*zone)), DNSName: aws.String("weighted.example.com."), EvaluateTargetHealth: true,
		}}
	sets = append(sets, alias)
	if err := change(t, client, zone, types.ChangeActionCreate, sets...); err != nil {
		t.Fatal(err)
	}
	listed := listRecords(t, client, zone, 3)
	unexported := cmpopts.IgnoreUnexported(types.ResourceRecordSet{}, types.ResourceRecord{}, types.AliasTarget{},
		types.GeoLocation{},
		types.GeoProximityLocation{}, types.Coordinates{}, types.CidrRoutingConfig{})
	if diff := cmp.Diff(sets, listed, unexported); diff != "" {
		t.Errorf("record sets (-made +listed):\n%s", diff)
	}

	for _, c := range []struct{ name, client, want string }{
		{"cidr.example.com", "10.2.3.0", "192.0.2.2"},
		{"cidr.example.com", "10.1.3.0", "192.0.2.1"},
		{"latency.example.com", "10.1.3.0", "192.0.2.7"},
		{"www.example.com", "10.1.3.0", "192.0.2.11"},
	} {
		answer, err := client.TestDNSAnswer(ctx, &route53.TestDNSAnswerInput{
			HostedZoneId: zone, RecordName: &c.name, RecordType: types.RRTypeA, EDNS0ClientSubnetIP: &c.client,
			EDNS0ClientSubnetMask: aws.String("24"),
		})
		if err != nil {
			t.Error(err)
			continue
		}
		if *answer.ResponseCode != "NOERROR" || !slices.Equal(answer.RecordData, []string{c.want}) {
			t.Errorf("TestDNSAnswer(%s, from %s) = %s %v, want %s", c.name, c.client, *answer.ResponseCode,
				answer.RecordData, c.want)
		}
		if got := l.dig(t, c.name, "+short", "+subnet="+c.client+"/24"); got != c.want {
			t.Errorf("dig %s from %s = %s, want %s", c.name, c.client, got, c.want)
		}
	}

	err = change(t, client, zone, types.ChangeActionCreate, sets...)
	var batch *types.InvalidChangeBatch
	if !errors.As(err, &batch) || strings.Count(batch.ErrorMessage(), "already exists") != len(sets) {
		t.Errorf("creating %d sets again: %v, want a message for each", len(sets), err)
	}
	if _, err := client.DeleteCidrCollection(ctx,
		&route53.DeleteCidrCollectionInput{Id: collection.Collection.Id}); !errors.As(err,
		new(*types.CidrCollectionInUseException)) {
		t.Errorf("deleting a collection in use: %v", err)
	}
	if err := change(t, client, zone, types.ChangeActionDelete, listed...); err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteHostedZone(ctx, &route53.DeleteHostedZoneInput{Id: zone}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: zone}); !errors.As(err,
		new(*types.NoSuchHostedZone)) {
		t.Errorf("the deleted zone: %v", err)
	}
}
