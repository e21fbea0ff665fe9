package r53server

import (
	"testing"

	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/users"
)

// The zero user and a role that does not exist may do nothing, and an operation without a permission is the
// administrators'.
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
	for role, allowed := range map[users.Role]bool{users.RoleAdministrator: true, users.RoleReadOnly: false,
		users.RoleZones: false} {
		err := authorize(users.User{Name: "x", Role: role}, permissions()["NewOperation"], r, state)
		if (err == nil) != allowed {
			t.Errorf("role %s on an operation without permission: %v", role, err)
		}
	}
}
