package steer

// A CheckIndex is the place of a verdict in a Table. An index stays with its check for all views derived from one
// NewView. 0 is no check: always healthy.
type CheckIndex uint32

// A Table holds one verdict per CheckIndex. The zero of everything is healthy: Route 53 believes a check healthy until
// it has data (r53: B.4). A nil *Table is all healthy. A Table never changes.
type Table struct {
	pages []*page // missing pages are all healthy
}

// A page has one bit per verdict, set for unhealthy. Its size balances what With copies: one page, and the list of
// pages.
type page [pageBits / 64]uint64

const pageBits = 4096

// With returns a table that differs in one verdict. It costs a copy of 512 bytes and of 8 bytes for every 4,096 checks,
// however many records there are. The verdict of index 0 cannot be changed.
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

// Healthy returns the verdict at i; true for an index that has none.
func (t *Table) Healthy(i CheckIndex) bool {
	at := int(i / pageBits)
	if t == nil || at >= len(t.pages) || t.pages[at] == nil {
		return true
	}
	return t.pages[at][i%pageBits/64]>>(i%64)&1 == 0
}
