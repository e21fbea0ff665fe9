package failover

import (
	"math/rand/v2"
	"testing"

	"github.com/bulkhead-dns/bulkhead/plan"
)

// An empty account can be led to whatever is compiled, and nothing of it is refused.
func TestCompiledStatesCanBePlanned(t *testing.T) {
	for seed := range uint64(20) {
		facts := account(AWS)
		facts.Zones = facts.Zones[:2]
		state, _, err := Compile(randomPolicies(rand.New(rand.NewPCG(seed, 9)), 8), nil, facts)
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.Diff(plan.State{Zones: facts.Zones}, state, plan.Guard{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if p.Empty() {
			t.Errorf("seed %d: nothing is planned for %d checks", seed, len(state.Checks))
		}
	}
}
