package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// While Route 53 makes no health checks, a round changes the records of policies that have theirs; one that is new waits. A change
// that was accepted and forgotten is put back by a later round.
func TestPassesOutliveAFailoverOfTheControlPlane(t *testing.T) {
	e := startEngine(t)
	now := time.Now()
	wire := &wire{}
	w, list := e.worker(t, west, wire), e.candidates(t, west, 2)
	e.mustPass(t, w, list, now)

	e.dropRecord(t, "app01.example.com.")
	wire.impair(true, false)
	more := e.candidates(t, west, 3)
	e.mustPass(t, w, more, now.Add(time.Hour))
	if o := w.outcomes()["team-a/app03"]; o.done || !strings.Contains(o.message, "ServiceUnavailable") {
		t.Errorf("a check was wanted and none could be made: %+v", o)
	}
	wantEqual(t, "programmed while no checks can be made", names(list, west), e.have(t))

	wire.impair(false, true)
	e.dropRecord(t, "app02.example.com.")
	later := now.Add(2 * time.Hour)
	for range 5 { // a round that finds a change forgotten leaves its policy for later, and the next one reads anew
		e.mustPass(t, w, more, later)
		later = later.Add(time.Hour)
	}
	wantEqual(t, "programmed in the end", names(more, west), e.have(t))
}

// dropRecord deletes a record set by hand.
func (e *engine) dropRecord(t *testing.T, name string) {
	t.Helper()
	client := e.client(t, &wire{})
	out, err := client.ListResourceRecordSets(t.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: &e.zones[0].ID})
	if err != nil {
		t.Fatal(err)
	}
	for i := range out.ResourceRecordSets {
		if set := &out.ResourceRecordSets[i]; aws.ToString(set.Name) == name {
			if _, err := client.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{HostedZoneId: &e.zones[0].ID,
				ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionDelete, ResourceRecordSet: set}}}}); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("there is no %s", name)
}
