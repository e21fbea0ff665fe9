package explain

import (
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/whatif"
)

// A world is the input, linked together.
type world struct {
	*whatif.World
	in     Input
	status map[string]Check // by id
	owners *plan.Owners
}

type (
	hosted   = whatif.Zone
	group    = whatif.Group
	member   = whatif.Member
	client   = whatif.Client
	scenario = whatif.Supposition
)

func newWorld(in Input) *world {
	w := &world{in: in, status: map[string]Check{}, owners: plan.NewOwners(in.State), World: whatif.New(whatif.Input{State: in.State, Reports: in.Reports,
		Collections: in.Collections, GeoIP: in.GeoIP})}
	for id := range w.Checks {
		w.status[id] = w.check(id)
	}
	return w
}
