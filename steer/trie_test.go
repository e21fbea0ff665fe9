package steer

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
)

// hashUnder returns a hash of which only some bits differ, so that keys meet in one slot, or all the way down.
func hashUnder(mask uint64) func(string) uint64 {
	return func(key string) uint64 {
		h := fnv.New64a()
		h.Write([]byte(key))
		return h.Sum64() & mask
	}
}

// shape writes a trie's branches and keys, to compare two tries by.
func (b *branch[V]) shape() string {
	if b == nil {
		return "-"
	}
	s := fmt.Sprintf("%x/%x(", b.entryMap, b.childMap)
	for _, e := range b.entries {
		s += e.key + " "
	}
	for _, c := range b.children {
		s += c.shape()
	}
	return s + ")"
}

func TestTrieIsAMapThatKeepsItsPast(t *testing.T) {
	for _, mask := range []uint64{^uint64(0), 0xfff, 1 << 63, 3 << 59, 31, 0} {
		t.Run(fmt.Sprintf("mask %x", mask), func(t *testing.T) {
			hash, src := hashUnder(mask), rand.New(rand.NewPCG(mask, 1))
			type version struct {
				trie trie[int]
				want map[string]int
			}
			now := version{want: map[string]int{}}
			past := []version{}
			by := &editToken{}
			for i := range 2000 {
				key := fmt.Sprint("key", src.IntN(200))
				if src.IntN(3) == 0 {
					now.trie.remove(by, hash(key), key)
					delete(now.want, key)
				} else {
					now.trie.set(by, hash(key), key, i)
					now.want[key] = i
				}
				if src.IntN(20) == 0 { // as after a commit
					past = append(past, version{now.trie, maps.Clone(now.want)})
					by = &editToken{}
				}
			}
			for at, v := range append(past, now) {
				if v.trie.size != len(v.want) {
					t.Fatalf("version %d has size %d; want %d", at, v.trie.size, len(v.want))
				}
				for i := range 200 {
					key := fmt.Sprint("key", i)
					got, ok := v.trie.get(hash(key), []byte(key))
					if want, there := v.want[key]; ok != there || got != want {
						t.Fatalf("version %d: get(%s) = %d, %v; want %d, %v", at, key, got, ok, want, there)
					}
				}
			}
			for key := range now.want {
				now.trie.remove(by, hash(key), key)
			}
			if now.trie.root != nil || now.trie.size != 0 {
				t.Errorf("emptied, it is %s of size %d", now.trie.root.shape(), now.trie.size)
			}
		})
	}
}

// A removed entry leaves nothing in the trie, at any depth.
func TestTrieHasOneFormForOneContent(t *testing.T) {
	hash := hashUnder(0x8421) // few slots, deep paths
	with := func(keys ...string) trie[int] {
		var tr trie[int]
		for _, key := range keys {
			tr.set(&editToken{}, hash(key), key, 0)
		}
		return tr
	}
	keys := strings.Split("abcdefghijklmnopqrstuvwxyz", "")
	var kept []string
	seen := map[uint64]bool{}
	for _, key := range keys { // lists of equal hashes keep the order of insertion
		if !seen[hash(key)] {
			kept = append(kept, key)
		}
		seen[hash(key)] = true
	}
	tr := with(kept...)
	for i, key := range kept {
		want := with(kept[i:]...)
		if got := tr.root.shape(); got != want.root.shape() {
			t.Fatalf("without %v it is %s; built so it is %s", kept[:i], got, want.root.shape())
		}
		tr.remove(&editToken{}, hash(key), key)
	}
}

func TestTableKeepsVerdictsAndItsPast(t *testing.T) {
	src := rand.New(rand.NewPCG(1, 2))
	var table *Table
	want := map[CheckIndex]bool{} // unhealthy
	type version struct {
		table *Table
		want  map[CheckIndex]bool
	}
	var past []version
	pick := func() CheckIndex { return CheckIndex(src.IntN(3)*pageBits + src.IntN(70)) }
	for range 3000 {
		i, healthy := pick(), src.IntN(2) == 0
		table = table.With(i, healthy)
		if want[i] = !healthy; i == 0 {
			want[i] = false // no check: always healthy
		}
		if src.IntN(100) == 0 {
			past = append(past, version{table, maps.Clone(want)})
		}
	}
	for at, v := range append(past, version{table, want}) {
		for i := range CheckIndex(4 * pageBits) {
			if v.table.Healthy(i) == v.want[i] {
				t.Fatalf("version %d: Healthy(%d) = %v; want %v", at, i, !v.want[i], v.want[i])
			}
		}
	}
	if same := table.With(7, table.Healthy(7)); same != table {
		t.Error("With a verdict that is there already makes a new table")
	}
}
