package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/plan"
)

// errLater ends a run that would have to wait.
var errLater = errors.New("later")

// Advance executes as much of a plan as needs no waiting, for callers that have others to look after: it is Apply, but
//
//   - a check that has just been made has no verdict, and the verdicts of others are asked for once. Where they do not
//     do, the error is *VerdictError at once;
//   - it does not wait until name servers answer by a change. Result.Open has the changes that are under way, for
//     InSync;
//   - no health check is deleted while a change of this plan is under way: the steps from there on are left to the next
//     plan, and Result.Steps says how many were executed.
func (a *Applier) Advance(ctx context.Context, p plan.Plan) (Result, error) {
	r := a.newRun(p)
	r.hasty = true
	return r.all(ctx)
}

// haste is how long Advance gives name servers to answer by a change. An engine needs milliseconds, Route 53 up to a
// minute.
func (a *Applier) haste() time.Duration {
	if a.o.Provider == failover.AWS {
		return 0
	}
	return 500 * time.Millisecond
}

// InSync asks whether all name servers answer by a change. One that is not known any more is in sync: either it was,
// long ago, or it was lost, which the next plan finds. r53: D.5.
func (a *Applier) InSync(ctx context.Context, id string) (bool, error) {
	synced, err := a.changeInSync(ctx, id)
	var forgotten *types.NoSuchChange
	if errors.As(err, &forgotten) {
		return true, nil
	}
	return synced, err
}

// changeInSync asks for a change.
func (a *Applier) changeInSync(ctx context.Context, id string) (bool, error) {
	c := call[*route53.GetChangeInput, *route53.GetChangeOutput]{name: "GetChange", do: a.o.Route53.GetChange}
	out, err := c.send(ctx, a, &route53.GetChangeInput{Id: &id})
	if err != nil {
		return false, fmt.Errorf("ask whether the change %s is in sync: %w", id, err)
	}
	return out.ChangeInfo.Status == types.ChangeStatusInsync, nil
}
