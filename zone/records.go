package zone

import "iter"

// Records is the content of one hosted zone in listing order. It is persistent: Copy costs nothing, and a copy and its origin
// may be used from different goroutines as long as neither writes.
type Records struct {
	// a tidwall/btree BTreeG[*ResourceRecordSet] ordered by Key.Compare
}

// NewRecords returns an empty content.
func NewRecords() *Records { panic("contract") }

// Copy returns a content that can be changed without touching r.
func (r *Records) Copy() *Records { panic("contract") }

// Len returns the number of record sets.
func (r *Records) Len() int { panic("contract") }

// Get returns the record set with exactly this key.
func (r *Records) Get(k Key) (*ResourceRecordSet, bool) { panic("contract") }

// Put inserts or replaces; Delete removes and reports whether there was one. Neither validates: Apply does.
func (r *Records) Put(s *ResourceRecordSet) { panic("contract") }
func (r *Records) Delete(k Key) bool        { panic("contract") }

// From yields the record sets at or after k in listing order; the zero Key starts at the first.
func (r *Records) From(k Key) iter.Seq[*ResourceRecordSet] { panic("contract") }

// Group returns the members that share name and type, ordered by SetIdentifier; nil when there is none.
func (r *Records) Group(n Name, t RRType) []*ResourceRecordSet { panic("contract") }
