package steer

// A CheckIndex is the index of a verdict in a Table. A check keeps its index in all views that are derived from one
// NewView. Index 0 means no check: it is always healthy.
type CheckIndex uint32

// A Table holds one verdict for each CheckIndex. A check without a verdict is healthy, because Route 53 considers a
// check healthy until it has data (r53: B.4). In a nil *Table every check is healthy. A Table never changes.
type Table struct {
	pages []*page // on a missing page every check is healthy
}

// A page has one bit for each verdict; the bit is set if the check is unhealthy. With copies one page and the list of
// pages: the size of a page balances the two.
type page [pageBits / 64]uint64

const pageBits = 4096

// With returns a table that differs in one verdict. It copies 512 bytes, and 8 bytes for every 4,096 checks. The number
// of records does not matter. The verdict of index 0 cannot be changed.
func (t *Table) With(i CheckIndex, healthy bool) *Table {
	if i == 0 || t.Healthy(i) == healthy {
		return t
	}
	at, word, bit := i/pageBits, i%pageBits/64, uint64(1)<<(i%64)
	var old []*page
	if t != nil {
		old = t.pages
	}
	pages := make([]*page, max(len(old), int(at)+1))
	copy(pages, old)
	changed := page{}
	if pages[at] != nil {
		changed = *pages[at]
	}
	changed[word] ^= bit
	pages[at] = &changed
	return &Table{pages}
}

// Healthy returns the verdict at i. It is true for an index without a verdict.
func (t *Table) Healthy(i CheckIndex) bool {
	at := int(i / pageBits)
	if t == nil || at >= len(t.pages) || t.pages[at] == nil {
		return true
	}
	return t.pages[at][i%pageBits/64]>>(i%64)&1 == 0
}
