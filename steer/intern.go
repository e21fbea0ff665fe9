package steer

// An interner gives each key a number, from 1 on, and stores a value for it. A key keeps its number in all views that
// are derived from one NewView. An interner only grows, with the keys that record sets have ever cited.
type interner[V any] struct {
	numbers trie[uint32]
	values  []V // by number minus one; values are only appended, so that all views share the slice
}

// find returns the number of a key, or 0 if it has none.
func (n *interner[V]) find(hash uint64, key string) uint32 {
	number, _ := n.numbers.get(hash, []byte(key))
	return number
}

// add returns the number of a key. A new key gets the next number.
func (n *interner[V]) add(by *editToken, hash uint64, key string, value V) uint32 {
	if number := n.find(hash, key); number != 0 {
		return number
	}
	n.values = append(n.values, value)
	number := uint32(len(n.values))
	n.numbers.set(by, hash, key, number)
	return number
}

func (n *interner[V]) value(number uint32) V { return n.values[number-1] }
