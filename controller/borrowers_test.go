package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/plan"
)

// A record set made by hand that cites a policy's check survives the resync and the deletion of the policy, and so does the check.
func TestRecordsThatCiteOurChecksAreLeftAlone(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	w, list := e.worker(t, west, &wire{}), e.candidates(t, west, 1)
	e.mustPass(t, w, list, now)
	id := w.state.Checks[0].ID
	if _, err := e.client(t, &wire{}).ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{HostedZoneId: &e.zones[0].ID,
		ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionCreate, ResourceRecordSet: &types.ResourceRecordSet{
			Name: aws.String("db.example.com"), Type: types.RRTypeA, SetIdentifier: aws.String(west), Region: west, TTL: aws.Int64(60),
			HealthCheckId: &id, ResourceRecords: []types.ResourceRecord{{Value: aws.String("192.0.2.1")}}}}}}}); err != nil {
		t.Fatal(err)
	}
	e.mustPass(t, w, list, now.Add(2*time.Hour))
	texts := borrowersOf(board{state: w.state})["team-a/app01"]
	if len(texts) != 1 || !strings.HasPrefix(texts[0], "db.example.com A eu-west-1 cites health check "+id) {
		t.Errorf("told is %q", texts)
	}
	now = e.remove(t, w, list, nil, now.Add(4*time.Hour))
	e.mustPass(t, w, nil, now.Add(4*time.Hour))
	state, err := w.applier.Read(t.Context(), e.zones)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, r := range state.Records {
		if r.Set.HealthCheckID != "" {
			left = append(left, string(r.Set.Name))
		}
	}
	wantEqual(t, "left", []string{"db.example.com."}, left)
	if len(state.Checks) != 1 || state.Checks[0].ID != id || plan.PolicyOf(state.Checks[0].Key) != "team-a/app01" {
		t.Errorf("checks %+v, want %s alone", state.Checks, id)
	}
}
