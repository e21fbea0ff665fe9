package controller

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/bulkhead-dns/bulkhead/apply"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/test/awslike"
)

// With deploy/iam/controller.json a policy is programmed, changed and deleted at AWS, and nothing is refused. Without any one of its
// actions that is not possible, and the action is named; but for the quotas, which are taken for those of a new account, and CloudWatch,
// which polls ask and rounds do not.
func TestRightsAreSufficientAndMinimal(t *testing.T) {
	e := startEngine(t)
	if e.provider != failover.AWS {
		e.openFront(t)
	}
	data, err := os.ReadFile("../deploy/iam/controller.json")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := awslike.ParsePolicy([]byte(strings.ReplaceAll(string(data), "Z0EXAMPLE", e.zones[0].ID)))
	if err != nil {
		t.Fatal(err)
	}
	unneeded := []string{"", "cloudwatch:GetMetricData", "route53:GetAccountLimit", "route53:GetHostedZoneLimit"}
	for _, lacking := range append(policy.Actions(), "") {
		t.Run("without "+lacking, func(t *testing.T) {
			t.Parallel()
			missing, denied := e.live(t, policy, lacking)
			switch optional := slices.Contains(unneeded, lacking); {
			case optional && (missing != "" || lacking == "" && len(denied) > 0):
				t.Errorf("%s is missing, denied are %v", missing, denied)
			case !optional && missing != lacking:
				t.Errorf("%q is told to be missing", missing)
			}
		})
	}
}

// live programs a policy, changes its threshold and its path, and deletes it, by a controller without the right to an action. It returns
// the action that the controller says is missing, and everything that was denied.
func (e *engine) live(t *testing.T, policy awslike.Policy, lacking string) (missing string, denied []awslike.Access) {
	front := awslike.New(awslike.Options{Engine: "http://" + e.HTTPAddr().String(), Credentials: e.Credentials(), Speed: 10,
		Endpoints: map[string]string{endpoint: "127.0.0.1"}})
	server := httptest.NewServer(front)
	t.Cleanup(func() {
		server.Close()
		front.Close()
	})
	key := sigv4.Credentials{AccessKeyID: "AKIACONTROLLER", SecretAccessKey: "secret"}
	front.SetUser("controller", key, policy.Without(lacking))
	connection := &wire{}
	w := e.worker(t, west, connection)
	client := route53.New(route53.Options{BaseEndpoint: &server.URL, Region: "us-east-1", HTTPClient: &http.Client{Transport: connection},
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, "")})
	var err error
	if w.applier, err = apply.New(apply.Options{Route53: client, Provider: failover.AWS, Attempts: 3}); err != nil {
		t.Fatal(err)
	}
	name := strings.ToLower(strings.NewReplacer(":", "-", "route53", "r53").Replace("app" + lacking))
	c, now := e.candidate(t, name, west), time.Now()
	for _, step := range []func(){
		func() {},
		func() { c.policy.Spec.HealthCheck.FailureThreshold = new(2) },
		func() { c.policy.Spec.HealthCheck.Path += "more" },
		func() { c = deleted(c, now) },
	} {
		step()
		for range 3 { // what is deleted goes after its grace period, and its check when name servers have forgotten it
			_, err := w.applier.Zones(t.Context())
			if err == nil {
				_, err = e.rounds(t.Context(), w, e.tasks([]candidate{c}, west, now), nil, now)
			}
			if fault := w.applier.Fault(); fault != nil && fault.Denied {
				return fault.Action(), front.Denied(key.AccessKeyID)
			}
			if err != nil {
				t.Fatal(err)
			}
			now = now.Add(5 * time.Minute)
		}
	}
	return "", front.Denied(key.AccessKeyID)
}
