package zone

import (
	"iter"
	"sync"

	"github.com/tidwall/btree"
)

// Records is the content of one hosted zone in listing order. It is persistent: Copy costs nothing, and a change costs
// in proportion to its path in a B-tree. Different goroutines may use a copy and its origin. Any number of goroutines
// may read and copy one Records at the same time, as long as none writes to it.
type Records struct {
	copying sync.Mutex // held by Copy, which marks the nodes of its origin as shared
	tree    *btree.BTreeG[*ResourceRecordSet]
}

// NewRecords returns an empty content.
func NewRecords() *Records {
	less := func(a, b *ResourceRecordSet) bool { return a.Key().Compare(b.Key()) < 0 }
	return &Records{tree: btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})}
}

// Copy returns a copy of the content. Changes of one do not affect the other.
func (r *Records) Copy() *Records {
	r.copying.Lock()
	defer r.copying.Unlock()
	return &Records{tree: r.tree.Copy()}
}

// Len returns the number of record sets.
func (r *Records) Len() int { return r.tree.Len() }

// Get returns the record set with exactly this key.
func (r *Records) Get(k Key) (*ResourceRecordSet, bool) { return r.tree.Get(k.pivot()) }

// Put inserts a record set, or replaces the one with its key. It does not validate: Apply does.
func (r *Records) Put(s *ResourceRecordSet) { r.tree.Set(s) }

// Delete removes the record set with this key and reports whether there was one. It does not validate: Apply does.
func (r *Records) Delete(k Key) bool {
	_, found := r.tree.Delete(k.pivot())
	return found
}

// From yields the record sets at or after k in listing order. The zero Key starts at the first record set, a Key with
// only a name at the first record set of that name, and a Key with name and type at the first member of that group.
func (r *Records) From(k Key) iter.Seq[*ResourceRecordSet] {
	return func(yield func(*ResourceRecordSet) bool) { r.tree.Ascend(k.pivot(), yield) }
}

// Group returns the members with a name and type, ordered by SetIdentifier, or nil if there is none.
func (r *Records) Group(n Name, t RRType) []*ResourceRecordSet {
	var members []*ResourceRecordSet
	for s := range r.From(Key{Name: n, Type: t}) {
		if s.Name != n || s.Type != t {
			break
		}
		members = append(members, s)
	}
	return members
}

// pivot returns a record set with the key k, for searches.
func (k Key) pivot() *ResourceRecordSet {
	return &ResourceRecordSet{Name: k.Name, Type: k.Type, SetIdentifier: k.SetIdentifier}
}
