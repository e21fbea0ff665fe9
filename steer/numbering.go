package steer

// A numbering gives keys numbers from 1 on, and keeps a value for each. Numbers stay for all views derived from one
// NewView: a numbering only grows, with what record sets have ever cited.
type numbering[V any] struct {
	numbers trie[uint32]
	values  []V // by number less one; appended to only, so that all views share it
}

// find returns the number of a key; 0 when it has none.
func (n *numbering[V]) find(hash uint64, key string) uint32 {
	number, _ := n.numbers.get(hash, []byte(key))
	return number
}

// add returns the number of a key, which gets one when it has none.
func (n *numbering[V]) add(by *owner, hash uint64, key string, value V) uint32 {
	if number := n.find(hash, key); number != 0 {
		return number
	}
	n.values = append(n.values, value)
	number := uint32(len(n.values))
	n.numbers.set(by, hash, key, number)
	return number
}

func (n *numbering[V]) value(number uint32) V { return n.values[number-1] }
