package node_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/geo"
	"github.com/bulkhead-dns/bulkhead/node"
)

// Latency records take the Regions of AWS and those of the engine's file. A misspelt one is refused in AWS's words: it
// would be the farthest from everybody, and send Europe elsewhere without a word.
func TestLatencyRecordsTakeRegionsOfTheEngine(t *testing.T) {
	t.Parallel()
	e := start(t, node.Options{DataDir: t.TempDir(),
		Regions: []geo.Region{{Name: "dc-1", Coordinates: geo.Coordinates{Latitude: 52.37, Longitude: 4.9}}},
		Places:  []geo.Place{{Name: "rack", Region: "rack-7", Coordinates: &geo.Coordinates{Latitude: 50, Longitude: 8}}},
	})
	zoneID := e.createZone(t)
	for region, known := range map[string]bool{"eu-west-1": true, "dc-1": true, "rack-7": true, "eu-wset-1": false, "dc-2": false} {
		_, err := e.api.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{HostedZoneId: &zoneID,
			ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionCreate, ResourceRecordSet: &types.ResourceRecordSet{
				Name: aws.String("app.example.com"), Type: types.RRTypeA, SetIdentifier: &region, Region: types.ResourceRecordSetRegion(region),
				TTL: aws.Int64(60), ResourceRecords: []types.ResourceRecord{{Value: aws.String("192.0.2.1")}},
			}}}}})
		var refused *types.InvalidChangeBatch
		switch {
		case known && err != nil:
			t.Errorf("%s: %v", region, err)
		case !known && (!errors.As(err, &refused) || !strings.Contains(refused.ErrorMessage(), "Cannot find region '"+region+"'. No changes made.")):
			t.Errorf("%s: %v, want it refused", region, err)
		}
	}
}
