package r53server_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/users"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Accelerated recovery as Terraform's provider uses it: switch, wait for the status that every zone has, switch it off
// before the zone is deleted. One zone at a time. r53: C.2, D.5.
func TestSDKAcceleratedRecovery(t *testing.T) {
	o := startOffice(t, false, users.User{Name: "root", Role: users.RoleAdministrator},
		users.User{Name: "tenant", Role: users.RoleZones, Zones: []string{"example.com."}})
	ctx, client := t.Context(), o.as("root", once)
	created := createZone(t, client, "example.com", "1").HostedZone
	first, second := created.Id, createZone(t, client, "example.org", "2").HostedZone.Id
	update := func(c *route53.Client, id *string, on bool) string {
		t.Helper()
		_, err := c.UpdateHostedZoneFeatures(ctx, &route53.UpdateHostedZoneFeaturesInput{HostedZoneId: id,
			EnableAcceleratedRecovery: &on})
		return refusal(t, err)
	}
	remove := func() string {
		t.Helper()
		_, err := client.DeleteHostedZone(ctx, &route53.DeleteHostedZoneInput{Id: first})
		return refusal(t, err)
	}
	status := func(want types.AcceleratedRecoveryStatus) {
		t.Helper()
		got, err := client.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: first})
		if err != nil || got.HostedZone.Features == nil || got.HostedZone.Features.AcceleratedRecoveryStatus != want {
			t.Errorf("GetHostedZone: %+v, %v, want %s", got, err, want)
		}
		list, err := client.ListHostedZones(ctx, &route53.ListHostedZonesInput{})
		if err != nil {
			t.Fatal(err)
		}
		for _, z := range list.HostedZones {
			if *z.Id == *first && z.Features.AcceleratedRecoveryStatus != want ||
				*z.Id == *second && z.Features.AcceleratedRecoveryStatus != "DISABLED" {
				t.Errorf("ListHostedZones: %s is %s", *z.Name, z.Features.AcceleratedRecoveryStatus)
			}
		}
	}
	equal := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	if created.Features == nil || created.Features.AcceleratedRecoveryStatus != "DISABLED" {
		t.Errorf("a new zone has features %+v, want DISABLED", created.Features)
	}
	const (
		locked     = "400 InvalidInput: Cannot delete a hosted zone with accelerated recovery enabled. Please disable first."
		oneAtATime = "400 LimitsExceeded: Accelerated recovery can only be updated for 1 hosted zone at a time"
	)
	equal("a tenant", strings.SplitN(update(o.as("tenant", once), first, true), ":", 2)[0], "403 AccessDenied")
	equal("on", update(client, first, true), "")
	status("ENABLING")
	equal("on again", update(client, first, true), "")
	equal("off too early", strings.SplitN(update(client, first, false), ":", 2)[0], "400 PriorRequestNotComplete")
	equal("a second zone too early", update(client, second, true), oneAtATime)
	equal("delete while it is on its way", remove(), locked)
	// Changes of records are not refused meanwhile.
	if _, err := change(client, first, types.Change{Action: types.ChangeActionCreate,
		ResourceRecordSet: address("a.example.com", "192.0.2.1")},
		types.Change{Action: types.ChangeActionCreate, ResourceRecordSet: address("b.example.com",
			"192.0.2.1")}); err != nil {
		t.Error(err)
	}
	o.advance(zone.RecoveryTransition)
	status("ENABLED")
	if _, err := client.UpdateHostedZoneComment(ctx, &route53.UpdateHostedZoneCommentInput{Id: first,
		Comment: aws.String("new")}); err != nil {
		t.Error(err)
	}
	status("ENABLED")
	equal("delete", remove(), locked)
	equal("a zone that does not exist", update(client, aws.String("Z0NONE"), true),
		"404 NoSuchHostedZone: No hosted zone found with ID: Z0NONE")
	equal("off", update(client, first, false), "")
	status("DISABLING")
	equal("a second zone while the first is on its way off", update(client, second, true), oneAtATime)
	o.advance(zone.RecoveryTransition)
	status("DISABLED")
	if _, err := change(client, first, types.Change{Action: types.ChangeActionDelete,
		ResourceRecordSet: address("a.example.com", "192.0.2.1")},
		types.Change{Action: types.ChangeActionDelete, ResourceRecordSet: address("b.example.com",
			"192.0.2.1")}); err != nil {
		t.Error(err)
	}
	equal("delete when it is off", remove(), "")
}
