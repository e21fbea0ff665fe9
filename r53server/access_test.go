package r53server

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/users"
)

// Every operation of the route table has a permission and nothing else has. What is called Get, List or Test changes
// nothing; all else does.
func TestEveryOperationHasAPermission(t *testing.T) {
	table := permissions()
	var routed []string
	for _, r := range routes() {
		routed = append(routed, r.operation)
		reads := strings.HasPrefix(r.operation, "Get") || strings.HasPrefix(r.operation, "List") || strings.HasPrefix(r.operation, "Test")
		if got := table[r.operation].level == read; got != reads {
			t.Errorf("%s: read is %v", r.operation, got)
		}
	}
	slices.Sort(routed)
	if diff := cmp.Diff(routed, slices.Sorted(maps.Keys(table))); diff != "" {
		t.Errorf("operations (-routes +permissions):\n%s", diff)
	}
}

// An operation whose path names a zone, a check, a change or a CIDR collection is about that one.
func TestPermissionsAreAboutWhatThePathNames(t *testing.T) {
	for _, r := range routes() {
		var want []resource
		for _, p := range []struct{ pattern, kind string }{
			{"/hostedzone/{Id}", kindZone}, {"/hostedzonelimit/{Id}", kindZone}, {"/keysigningkey/{HostedZoneId}", kindZone},
			{"/healthcheck/{Id}", kindCheck}, {"/change/{Id}", kindChange}, {"/cidrcollection/{Id}", kindCIDR},
			{"/tags/{ResourceType}/{ResourceId}", kindZone},
		} {
			if strings.HasPrefix(r.pattern, p.pattern) {
				want = []resource{{p.kind, "X1"}}
			}
		}
		if want == nil {
			continue
		}
		on := permissions()[r.operation].on
		if on == nil {
			t.Errorf("%s is about nothing in particular", r.operation)
			continue
		}
		got := on(&request{path: map[string]string{"Id": "X1", "HostedZoneId": "X1", "ResourceId": "X1", "ResourceType": "hostedzone"}})
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(resource{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.operation, diff)
		}
	}
}

// The zero user and a role that does not exist may do nothing, and an operation without a permission is the administrators'.
func TestNothingIsAllowedByOmission(t *testing.T) {
	state := &store.State{}
	for _, role := range []users.Role{"", "root", "Administrator"} {
		for operation, p := range permissions() {
			r := &request{operation: operation, body: []byte("<a/>")}
			if err := authorize(users.User{Name: "x", Role: role}, permission{level: p.level}, r, state); err == nil {
				t.Errorf("role %q may %s", role, operation)
			}
		}
	}
	r := &request{operation: "NewOperation"}
	for role, allowed := range map[users.Role]bool{users.RoleAdministrator: true, users.RoleReadOnly: false, users.RoleZones: false} {
		err := authorize(users.User{Name: "x", Role: role}, permissions()["NewOperation"], r, state)
		if (err == nil) != allowed {
			t.Errorf("role %s on an operation without permission: %v", role, err)
		}
	}
}
