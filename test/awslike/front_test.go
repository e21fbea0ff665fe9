package awslike_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"

	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/test/awslike"
)

// A transport is a client's own, so that its connections end with the test.
type transport struct{ http.Transport }

func (h *transport) client() *http.Client { return &http.Client{Transport: &h.Transport} }

// A change is PENDING for 30 to 60 s, and what it did is listed at once. r53: C.6.
func TestChangesArePending(t *testing.T) {
	a := open(t, awslike.Options{Speed: 20})
	c := a.admin(t)
	began := time.Now()
	info, err := a.change(t, c, "a.example.com", types.ChangeActionCreate)
	if err != nil || info.Status != types.ChangeStatusPending {
		t.Fatalf("the change is %+v, %v: want PENDING", info, err)
	}
	list, err := c.ListResourceRecordSets(t.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: &a.zoneID})
	if err != nil || !slices.ContainsFunc(list.ResourceRecordSets,
		func(s types.ResourceRecordSet) bool { return *s.Name == "a.example.com." }) {
		t.Errorf("the record set is not listed at once: %v", err)
	}
	within(t, 10*time.Second, "the change is PENDING", func() bool {
		out, err := c.GetChange(t.Context(), &route53.GetChangeInput{Id: info.Id})
		if err != nil {
			t.Fatal(err)
		}
		return out.ChangeInfo.Status == types.ChangeStatusInsync
	})
	if took := time.Since(began) * 20; took < 30*time.Second {
		t.Errorf("the change was PENDING for %v, want 30 to 60 s", took)
	}
}

// Of batches of one zone at once, one is done and the others are refused. r53: C.6.
func TestBatchesOfAZoneThatOverlapAreRefused(t *testing.T) {
	a := open(t, awslike.Options{Speed: 1})
	c := a.admin(t)
	var batches sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		batches.Go(func() { _, errs[i] = a.change(t, c, fmt.Sprintf("a%d.example.com", i), types.ChangeActionCreate) })
	}
	batches.Wait()
	done, refused := 0, 0
	for _, err := range errs {
		switch {
		case err == nil:
			done++
		case code(err) == "PriorRequestNotComplete":
			refused++
		default:
			t.Error(err)
		}
	}
	if done == 0 || refused == 0 {
		t.Errorf("%d batches were done and %d refused: want some of both", done, refused)
	}
}

// A new check and its tags are not in every list at once, a deleted one is for a while, and no answer is right for
// ever. (unconfirmed)
func TestListsLag(t *testing.T) {
	a := open(t, awslike.Options{Speed: 5})
	c := a.admin(t)
	id, err := a.createCheck(t, c, "one", public, 10)
	if err != nil {
		t.Fatal(err)
	}
	within(t, 5*time.Second, "the check cannot be tagged", func() bool {
		_, err := c.ChangeTagsForResource(t.Context(),
			&route53.ChangeTagsForResourceInput{ResourceType: types.TagResourceTypeHealthcheck,
				ResourceId: &id, AddTags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
		return err == nil
	})
	listed := func() bool {
		out, err := c.ListHealthChecks(t.Context(), &route53.ListHealthChecksInput{})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range out.HealthChecks {
			if got := aws.ToInt32(h.HealthCheckConfig.RequestInterval); got != 10 ||
				aws.ToString(h.HealthCheckConfig.IPAddress) != public {
				t.Errorf("the list has a check of %s every %d s", *h.HealthCheckConfig.IPAddress, got)
			}
		}
		return len(out.HealthChecks) == 1
	}
	tagged := func() bool {
		out, err := c.ListTagsForResources(t.Context(),
			&route53.ListTagsForResourcesInput{ResourceType: types.TagResourceTypeHealthcheck, ResourceIds: []string{id}})
		if code(err) == "NoSuchHealthCheck" {
			return false
		}
		if err != nil {
			t.Fatal(err)
		}
		return len(out.ResourceTagSets) == 1 && len(out.ResourceTagSets[0].Tags) == 1
	}
	settled := func(what string, right func() bool) {
		t.Helper()
		wrong := 0
		for began := time.Now(); time.Since(began) < 2*time.Second; time.Sleep(100 * time.Millisecond) { // 10 s at AWS
			if !right() {
				wrong++
			}
		}
		if wrong == 0 {
			t.Errorf("%s: no answer was old", what)
		}
		for range 5 {
			if !right() {
				t.Errorf("%s: answers are old after the lag", what)
			}
		}
	}
	settled("a new check", listed)
	if !tagged() {
		t.Error("tags are missing after the lag")
	}
	if _, err := c.GetHealthCheck(t.Context(), &route53.GetHealthCheckInput{HealthCheckId: &id}); err != nil {
		t.Error(err)
	}
	if _, err := c.DeleteHealthCheck(t.Context(), &route53.DeleteHealthCheckInput{HealthCheckId: &id}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetHealthCheck(t.Context(), &route53.GetHealthCheckInput{HealthCheckId: &id})
	if code(err) != "NoSuchHealthCheck" {
		t.Errorf("a deleted check is answered with %v", err)
	}
	settled("a deleted check", func() bool { return !listed() })
}

// What an engine accepts and AWS does not. r53: B.2, B.5, B.8, C.8.
func TestWhatAWSRefuses(t *testing.T) {
	a := open(t, awslike.Options{HealthChecks: 2})
	c := a.admin(t)
	for _, tt := range []struct {
		reference, address string
		interval           int32
		want, text         string
	}{
		{"fast", public, 1, "InvalidInput", "enumeration '[10, 30]'"},
		{"private", "10.0.0.10", 10, "InvalidInput", "IPv4 address 10.0.0.10 is forbidden."},
		{"one", public, 10, "", ""},
		{"two", public, 30, "", ""},
		{"three", public, 30, "TooManyHealthChecks", ""},
		{"two", public, 30, "", ""}, // which exists
	} {
		_, err := a.createCheck(t, c, tt.reference, tt.address, tt.interval)
		if code(err) != tt.want || err != nil && !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v, want %q", tt.reference, err, tt.want)
		}
	}
	limit, err := c.GetAccountLimit(t.Context(),
		&route53.GetAccountLimitInput{Type: types.AccountLimitTypeMaxHealthChecksByOwner})
	if err != nil || *limit.Limit.Value != 2 || limit.Count != 2 {
		t.Errorf("the quota is %+v, %v: want 2 of 2", limit, err)
	}
}

// GetHealthCheckStatus has a bucket of 4, all calls together one of 50. r53: C.8.
func TestRates(t *testing.T) {
	a := open(t, awslike.Options{})
	c := a.admin(t)
	id, err := a.createCheck(t, c, "one", public, 10)
	if err != nil {
		t.Fatal(err)
	}
	passed := 0
	for range 10 {
		_, err := c.GetHealthCheckStatus(t.Context(), &route53.GetHealthCheckStatusInput{HealthCheckId: &id})
		if err == nil {
			passed++
		} else if code(err) != "Throttling" || !strings.Contains(err.Error(), "Rate exceeded") {
			t.Fatal(err)
		}
	}
	if passed < 4 || passed > 6 { // one comes back each second
		t.Errorf("%d of 10 statuses were answered at once, want 4", passed)
	}
	throttled := 0
	for range 70 {
		if _, err := c.ListHostedZones(t.Context(), &route53.ListHostedZonesInput{}); code(err) == "Throttling" {
			throttled++
		}
	}
	if throttled == 0 {
		t.Error("70 calls at once are not throttled")
	}
}

// Faults are of the kinds that AWS has. A reply that is lost comes after the request had its effect. The seed decides.
func TestFaults(t *testing.T) {
	a := open(t, awslike.Options{Faults: 60, Seed: 3, Speed: 20})
	c := a.admin(t)
	seen := make(map[string]bool)
	effects := 0
	for i := range 40 {
		name := fmt.Sprintf("a%d.example.com", i)
		_, err := a.change(t, c, name, types.ChangeActionCreate)
		var api smithy.APIError
		switch {
		case err == nil:
			seen["done"] = true
		case errors.As(err, &api):
			seen[api.ErrorCode()] = true
		default:
			direct := client(t, "http://"+a.engine.HTTPAddr().String(), a.engine.Credentials())
			if _, err := a.change(t, direct, name, types.ChangeActionDelete); err == nil {
				effects++
			}
			seen["lost"] = true
		}
	}
	for _, kind := range []string{"done", "InternalFailure", "ServiceUnavailable", "Throttling", "lost"} {
		if !seen[kind] {
			t.Errorf("none of 40 calls ended with %s: %v", kind, a.Faults())
		}
	}
	want := 0
	for _, f := range a.Faults() {
		if strings.HasPrefix(f, "lost after") {
			want++
		}
	}
	if effects != want || want == 0 {
		t.Errorf("%d calls without a reply had an effect, want %d", effects, want)
	}
}

// A user is refused what its policy does not allow, in AWS's words, and who signs wrongly is refused everything.
func TestUsersAndTheirPolicies(t *testing.T) {
	a := open(t, awslike.Options{})
	policy, err := awslike.ParsePolicy(fmt.Appendf(nil, `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": "route53:ListHealthChecks", "Resource": "*"},
		{"Effect": "Allow", "Action": ["route53:ChangeResourceRecordSets"], "Resource": "arn:aws:route53:::hostedzone/%s",
			"Condition": {
			"ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsActions": ["CREATE"]},
			"ForAllValues:StringLike": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": ["*.example.com"]}}}]}`,
		a.zoneID))
	if err != nil {
		t.Fatal(err)
	}
	team := sigv4.Credentials{AccessKeyID: "AKIATEAM", SecretAccessKey: "secret"}
	a.SetUser("team", team, policy)
	c := client(t, a.url, team)
	if _, err := c.ListHealthChecks(t.Context(), &route53.ListHealthChecksInput{}); err != nil {
		t.Error(err)
	}
	if _, err := a.change(t, c, "a.example.com", types.ChangeActionCreate); err != nil {
		t.Error(err)
	}
	for what, tt := range map[string]struct {
		call func() error
		want string
	}{
		"a list": {func() error {
			_, err := c.ListHostedZones(t.Context(), &route53.ListHostedZonesInput{})
			return err
		}, "User: arn:aws:iam::000000000000:user/team is not authorized to perform: route53:ListHostedZones " +
			"because no identity-based policy allows the route53:ListHostedZones action"},
		"a batch": {func() error {
			_, err := a.change(t, c, "a.example.com", types.ChangeActionDelete)
			return err
		}, "User: arn:aws:iam::000000000000:user/team is not authorized to perform: route53:ChangeResourceRecordSets on " +
			"resource: " +
			"arn:aws:route53:::hostedzone/" + a.zoneID +
			" because no identity-based policy allows the route53:ChangeResourceRecordSets action"},
	} {
		if err := tt.call(); code(err) != "AccessDenied" || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v\nwant %s", what, err, tt.want)
		}
	}
	if got, want := fmt.Sprint(a.Used("AKIATEAM")),
		"[route53:ChangeResourceRecordSets route53:ListHealthChecks]"; got != want {
		t.Errorf("used %s, want %s", got, want)
	}
	if got := a.Denied("AKIATEAM"); len(got) != 2 {
		t.Errorf("denied %v, want 2", got)
	}
	for want, other := range map[string]sigv4.Credentials{
		"SignatureDoesNotMatch": {AccessKeyID: "AKIATEAM", SecretAccessKey: "another"},
		"InvalidClientTokenId":  {AccessKeyID: "AKIANOBODY", SecretAccessKey: "secret"},
	} {
		if _, err := client(t, a.url, other).ListHealthChecks(t.Context(),
			&route53.ListHealthChecksInput{}); code(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Checks of 10 s are probed faster, and what they see comes to GetHealthCheckStatus after a while.
func TestTimePassesFaster(t *testing.T) {
	a := open(t, awslike.Options{Speed: 10})
	c := a.admin(t)
	id, err := a.createCheck(t, c, "one", public, 10)
	if err != nil {
		t.Fatal(err)
	}
	status := func() int {
		out, err := c.GetHealthCheckStatus(t.Context(), &route53.GetHealthCheckStatusInput{HealthCheckId: &id})
		if code(err) == "Throttling" {
			return 0
		}
		if err != nil {
			t.Fatal(err)
		}
		return len(out.HealthCheckObservations)
	}
	if n := status(); n != 0 {
		t.Errorf("a new check has %d observations at once", n)
	}
	within(t, 10*time.Second, "there is no observation", func() bool { return status() > 0 })
}
