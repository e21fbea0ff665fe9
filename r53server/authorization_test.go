package r53server_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/bulkhead-dns/bulkhead/r53server"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/users"
)

// An action is a line of AWS's Service Authorization Reference, and how the engine is asked for it.
type action struct {
	r53server.Operation
	write bool
	kinds []string // of resources
}

// actions reads AWS's reference, and adds the engine's extension.
func actions(t *testing.T) []action {
	t.Helper()
	text, err := os.ReadFile("testdata/authorization/route53.txt")
	if err != nil {
		t.Fatal(err)
	}
	probe := r53server.Operation{Name: "ProbeHealthCheck", Method: "POST", Path: "/healthcheck/{Id}/probe"}
	all := []action{{probe, true, []string{"healthcheck"}}}
	operations := r53server.Operations()
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		i := slices.IndexFunc(operations, func(o r53server.Operation) bool { return o.Name == fields[0] })
		if i < 0 {
			t.Fatalf("AWS has the action %s, the engine has no such operation", fields[0])
		}
		a := action{Operation: operations[i], write: fields[1] == "Write"}
		if fields[2] != "-" {
			a.kinds = strings.Split(fields[2], ",")
		}
		all = append(all, a)
	}
	if len(all) != len(operations)+1 {
		t.Errorf("AWS has %d actions, the engine has %d operations", len(all)-1, len(operations))
	}
	return all
}

// denied sends the smallest request of an operation about a resource, and returns what the refusal names as the
// resource; "" when the user is not denied.
func (o *office) denied(t *testing.T, user string, a action, kind, id string) string {
	t.Helper()
	path := "/2013-04-01" + strings.NewReplacer("{Id}", id, "{HostedZoneId}", id, "{ResourceId}", id, "{ResourceType}",
		kind,
		"{Type}", "MAX_RRSETS_BY_ZONE", "{Name}", "key", "{Version}", "1").Replace(a.Path)
	query, body := "", ""
	switch a.Name {
	case "ListTrafficPolicyInstancesByHostedZone":
		query = "id=" + id
	case "TestDNSAnswer":
		query = "hostedzoneid=" + id
	case "ListTagsForResources":
		body = "<ListTagsForResourcesRequest><ResourceIds><ResourceId>" + id +
			"</ResourceId></ResourceIds></ListTagsForResourcesRequest>"
	}
	r := o.request(t, a.Method, path+"?"+query, body)
	signed := sigv4.Request{Method: a.Method, Path: path, RawQuery: query, Host: r.Host, Header: r.Header,
		Body: []byte(body)}
	sigv4.Sign(&signed, o.users[user].Credentials, "eu-west-1", "route53", o.clock())
	response, text := o.do(t, r)
	if response.StatusCode != 403 {
		return ""
	}
	message := fmt.Sprintf("<Code>AccessDenied</Code><Message>User: arn:aws:iam::000000000000:user/%s is not "+
		"authorized to "+
		"perform: route53:%s on resource: ", user, a.Name)
	_, rest, ok := strings.Cut(text, message)
	if !ok {
		t.Fatalf("%s %s: %s", user, a.Name, text)
	}
	resource, _, _ := strings.Cut(rest, "</Message>")
	return resource
}

// What AWS calls Write only users with that right may do, and a refusal names the kind of resource that AWS has for the
// action.
func TestPermissionsAreThoseOfIAM(t *testing.T) {
	o := startOffice(t, false,
		users.User{Name: "root", Role: users.RoleAdministrator},
		users.User{Name: "viewer", Role: users.RoleReadOnly},
		users.User{Name: "tenant", Role: users.RoleZones, Zones: []string{"own.example.com."}},
		users.User{Name: "nobody"},
	)
	own := strings.TrimPrefix(*createZone(t, o.as("root"), "own.example.com", "1").HostedZone.Id, "/hostedzone/")
	// What a zones user may change of its own zone (docs/engine.md).
	edits := []string{"ChangeResourceRecordSets", "UpdateHostedZoneComment", "ChangeTagsForResource"}
	// The engine knows no permission for one of these: who may call the operation may do it to all of them.
	unrestricted := []string{"delegationset", "trafficpolicy", "trafficpolicyinstance", "queryloggingconfig"}
	// The zone of these is in the body or an optional parameter. The engine refuses them as a whole, or has nothing to
	// show.
	elsewhere := []string{"CreateKeySigningKey", "CreateQueryLoggingConfig", "CreateTrafficPolicyInstance",
		"ListQueryLoggingConfigs"}
	for _, a := range actions(t) {
		kinds := slices.DeleteFunc(slices.Clone(a.kinds), func(k string) bool { return slices.Contains(unrestricted, k) })
		switch {
		case a.Name == "TestDNSAnswer":
			kinds = []string{"hostedzone"} // the answer shows what is in the zone
		case len(kinds) == 0 || slices.Contains(elsewhere, a.Name):
			kinds = []string{""}
		}
		for _, kind := range kinds {
			resource := "*"
			if kind != "" {
				resource = "arn:aws:route53:::" + kind + "/X1"
			}
			zone := kind == "hostedzone"
			for _, tt := range []struct {
				user   string
				denied bool
			}{{"nobody", true}, {"viewer", a.write}, {"tenant", a.write || zone}, {"root", false}} {
				want := ""
				if tt.denied {
					want = resource
				}
				if got := o.denied(t, tt.user, a, kind, "X1"); got != want {
					t.Errorf("%s of %s by %s is refused for %q, want %q", a.Name, resource, tt.user, got, want)
				}
			}
			if zone {
				want := a.write && !slices.Contains(edits, a.Name)
				if got := o.denied(t, "tenant", a, kind, own) != ""; got != want {
					t.Errorf("%s of its own zone by a zones user: refused is %v, want %v", a.Name, got, want)
				}
			}
		}
	}
}
