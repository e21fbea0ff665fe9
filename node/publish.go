package node

import (
	"sync/atomic"

	"github.com/bulkhead-dns/bulkhead/steer"
)

// published is the pair that DNS answers by, for readers inside the node.
type published struct{ p atomic.Pointer[pair] }

type pair struct {
	view  *steer.View
	table *steer.Table
}

func (p *published) load() (*steer.View, *steer.Table) {
	if now := p.p.Load(); now != nil {
		return now.view, now.table
	}
	return nil, nil
}

func (n *Node) publish(v *steer.View, t *steer.Table) {
	n.published.p.Store(&pair{v, t})
	n.dns.Publish(v, t)
}
