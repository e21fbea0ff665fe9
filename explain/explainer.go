package explain

import (
	"github.com/bulkhead-dns/bulkhead/plan"
	"github.com/bulkhead-dns/bulkhead/whatif"
)

// An explainer is the input, linked as a Graph.
type explainer struct {
	*whatif.Graph
	in     Input
	status map[string]Check // by id
	owners *plan.Owners
}

type (
	hostedZone = whatif.Zone
	group      = whatif.Group
	member     = whatif.Member
	client     = whatif.Client
	scenario   = whatif.Supposition
)

func newExplainer(in Input) *explainer {
	x := &explainer{in: in, status: map[string]Check{}, owners: plan.NewOwners(in.State),
		Graph: whatif.New(whatif.Input{State: in.State, Reports: in.Reports,
			Collections: in.Collections, GeoIP: in.GeoIP})}
	for id := range x.Checks {
		x.status[id] = x.check(id)
	}
	return x
}
