package steer

import (
	"math/bits"
	"slices"
)

// A trie is a persistent map from byte strings to values: a hash array mapped trie. A copy of a trie never changes: set
// and remove replace the path to one entry and share the rest. The caller computes the hashes, always with the same
// function. Different keys with the same hash end in a list, so a key that was crafted to collide costs time, but never
// gives a wrong answer.
type trie[V any] struct {
	root *branch[V]
	size int
}

// fanBits of the hash choose the slot at each level. Beyond maxShift no bits of the hash are left, and a branch is a
// plain list of entries.
const (
	fanBits  = 5
	maxShift = 60
)

// A branch holds, for each of its 32 slots, nothing, an entry, or a branch with the entries that share the hash so far.
// The slices contain only the slots in use. The maps have one bit for each slot in use.
type branch[V any] struct {
	token              *editToken
	entryMap, childMap uint32
	entries            []entry[V]
	children           []*branch[V]
}

type entry[V any] struct {
	hash uint64
	key  string
	val  V
}

// An editToken marks the branches that one Edit has created. The Edit may change them in place, because no View has
// them yet.
type editToken struct{ _ byte } // not empty, so that two tokens have two addresses

func slot(hash uint64, shift uint) uint32 { return 1 << (hash >> shift & (1<<fanBits - 1)) }

// index returns the position of a slot among the slots in use.
func index(taken, slot uint32) int { return bits.OnesCount32(taken & (slot - 1)) }

// get returns the value of a key. It allocates nothing.
func (t *trie[V]) get(hash uint64, key []byte) (val V, ok bool) {
	for b, shift := t.root, uint(0); b != nil; shift += fanBits {
		if shift > maxShift {
			for i := range b.entries {
				if e := &b.entries[i]; e.hash == hash && e.key == string(key) {
					return e.val, true
				}
			}
			return val, false
		}
		s := slot(hash, shift)
		if b.entryMap&s != 0 {
			e := &b.entries[index(b.entryMap, s)]
			if e.hash == hash && e.key == string(key) {
				return e.val, true
			}
			return val, false
		}
		if b.childMap&s == 0 {
			return val, false
		}
		b = b.children[index(b.childMap, s)]
	}
	return val, false
}

// set adds or replaces an entry.
func (t *trie[V]) set(by *editToken, hash uint64, key string, val V) {
	root, added := t.root.with(by, 0, entry[V]{hash, key, val})
	t.root = root
	if added {
		t.size++
	}
}

// remove deletes an entry. A key that is not in the trie changes nothing.
func (t *trie[V]) remove(by *editToken, hash uint64, key string) {
	if _, ok := t.get(hash, []byte(key)); !ok {
		return
	}
	t.root = t.root.without(by, 0, hash, key)
	t.size--
	if t.size == 0 {
		t.root = nil
	}
}

// find returns the position of a key in a plain list of entries, or -1.
func (b *branch[V]) find(hash uint64, key string) int {
	return slices.IndexFunc(b.entries, func(e entry[V]) bool { return e.hash == hash && e.key == key })
}

// writable returns b itself if it has the token by, else a copy with that token.
func (b *branch[V]) writable(by *editToken) *branch[V] {
	if b == nil {
		return &branch[V]{token: by}
	}
	if b.token == by {
		return b
	}
	c := *b
	c.token, c.entries, c.children = by, slices.Clone(b.entries), slices.Clone(b.children)
	return &c
}

func (b *branch[V]) with(by *editToken, shift uint, e entry[V]) (_ *branch[V], added bool) {
	b = b.writable(by)
	if shift > maxShift {
		if i := b.find(e.hash, e.key); i >= 0 {
			b.entries[i] = e
			return b, false
		}
		b.entries = inserted(b.entries, len(b.entries), e)
		return b, true
	}
	s := slot(e.hash, shift)
	at, below := index(b.entryMap, s), index(b.childMap, s)
	switch {
	case b.childMap&s != 0:
		b.children[below], added = b.children[below].with(by, shift+fanBits, e)
		return b, added
	case b.entryMap&s == 0:
		b.entryMap |= s
		b.entries = inserted(b.entries, at, e)
		return b, true
	case b.entries[at].key == e.key:
		b.entries[at] = e
		return b, false
	}
	var child *branch[V] // both entries have this slot: move them one level down
	child, _ = child.with(by, shift+fanBits, b.entries[at])
	child, _ = child.with(by, shift+fanBits, e)
	b.entryMap &^= s
	b.entries = deleted(b.entries, at)
	b.childMap |= s
	b.children = inserted(b.children, below, child)
	return b, true
}

// without returns the branch without a key, which must be in it. A child that keeps only one entry is replaced by that
// entry, so that equal contents always have an equal form.
func (b *branch[V]) without(by *editToken, shift uint, hash uint64, key string) *branch[V] {
	b = b.writable(by)
	if shift > maxShift {
		b.entries = deleted(b.entries, b.find(hash, key))
		return b
	}
	s := slot(hash, shift)
	if b.entryMap&s != 0 {
		b.entries = deleted(b.entries, index(b.entryMap, s))
		b.entryMap &^= s
		return b
	}
	below := index(b.childMap, s)
	child := b.children[below].without(by, shift+fanBits, hash, key)
	if len(child.children) > 0 || len(child.entries) > 1 {
		b.children[below] = child
		return b
	}
	b.children = deleted(b.children, below)
	b.childMap &^= s
	b.entries = inserted(b.entries, index(b.entryMap, s), child.entries[0])
	b.entryMap |= s
	return b
}

// inserted and deleted return a new slice of exactly the needed size. With a million slices, spare capacity would cost
// much memory.
func inserted[T any](s []T, i int, v T) []T {
	next := make([]T, len(s)+1)
	copy(next, s[:i])
	next[i] = v
	copy(next[i+1:], s[i:])
	return next
}

func deleted[T any](s []T, i int) []T {
	if len(s) == 1 {
		return nil
	}
	next := make([]T, len(s)-1)
	copy(next, s[:i])
	copy(next[i:], s[i+1:])
	return next
}
