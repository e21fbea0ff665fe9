package geo_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
)

// A network is an entry of a MaxMind DB: maps, lists, strings, numbers.
type network struct {
	prefix string
	data   map[string]any
}

// mmdb writes a MaxMind DB by the file format's specification, version 2.0, with records of 24 bits. IPv4 networks of
// an IPv6 database are at ::/96.
func mmdb(ipVersion int, networks ...network) []byte {
	root := &mmdbNode{}
	var data bytes.Buffer
	for _, n := range networks {
		prefix := netip.MustParsePrefix(n.prefix)
		addr, bits := prefix.Addr().AsSlice(), prefix.Bits()
		if ipVersion == 6 && prefix.Addr().Is4() {
			addr, bits = append(make([]byte, 12), addr...), bits+96
		}
		root.put(addr, 0, bits, data.Len())
		writeValue(&data, n.data)
	}
	nodes := root.list(nil)
	numbers := map[*mmdbNode]int{}
	for i, n := range nodes {
		numbers[n] = i
	}
	var out bytes.Buffer
	for _, n := range nodes {
		for _, child := range n.children {
			value := len(nodes) // nothing is known
			switch {
			case child != nil && child.leaf:
				value = len(nodes) + 16 + child.offset
			case child != nil:
				value = numbers[child]
			}
			out.Write([]byte{byte(value >> 16), byte(value >> 8), byte(value)})
		}
	}
	out.Write(make([]byte, 16))
	out.Write(data.Bytes())
	out.WriteString("\xab\xcd\xefMaxMind.com")
	writeValue(&out, map[string]any{
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0), "build_epoch": uint64(1),
		"database_type": "Test-City", "description": map[string]any{}, "ip_version": uint16(ipVersion), "languages": []any{},
		"node_count": uint32(len(nodes)), "record_size": uint16(24),
	})
	return out.Bytes()
}

type mmdbNode struct {
	children [2]*mmdbNode
	leaf     bool
	offset   int
}

// put adds a network; one inside another must come later.
func (n *mmdbNode) put(addr []byte, depth, bits, offset int) {
	if depth == bits {
		*n = mmdbNode{leaf: true, offset: offset}
		return
	}
	if n.leaf { // the rest of the network keeps what it had
		n.children = [2]*mmdbNode{{leaf: true, offset: n.offset}, {leaf: true, offset: n.offset}}
		n.leaf = false
	}
	side := addr[depth/8] >> (7 - depth%8) & 1
	if n.children[side] == nil {
		n.children[side] = &mmdbNode{}
	}
	n.children[side].put(addr, depth+1, bits, offset)
}

// list appends the nodes of a tree that are no leaves, the root first.
func (n *mmdbNode) list(nodes []*mmdbNode) []*mmdbNode {
	if n == nil || n.leaf {
		return nodes
	}
	nodes = append(nodes, n)
	return n.children[1].list(n.children[0].list(nodes))
}

// writeValue appends a control byte, with an extended type behind it where needed, and the value.
func writeValue(out *bytes.Buffer, v any) {
	control := func(kind, size int) {
		inline := min(size, 29)
		if kind > 7 {
			out.Write([]byte{byte(inline), byte(kind - 7)})
		} else {
			out.WriteByte(byte(kind<<5 | inline))
		}
		if size >= 29 { // up to 284
			out.WriteByte(byte(size - 29))
		}
	}
	switch v := v.(type) {
	case string:
		control(2, len(v))
		out.WriteString(v)
	case float64:
		control(3, 8)
		out.Write(binary.BigEndian.AppendUint64(nil, math.Float64bits(v)))
	case uint16:
		control(5, 2)
		out.Write(binary.BigEndian.AppendUint16(nil, v))
	case uint32:
		control(6, 4)
		out.Write(binary.BigEndian.AppendUint32(nil, v))
	case uint64:
		control(9, 8)
		out.Write(binary.BigEndian.AppendUint64(nil, v))
	case []any:
		control(11, len(v))
		for _, item := range v {
			writeValue(out, item)
		}
	case map[string]any:
		control(7, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			writeValue(out, key)
			writeValue(out, v[key])
		}
	default:
		panic(fmt.Sprintf("no way to write %T", v))
	}
}

// city is a record as City databases have them.
func city(continent, country, subdivision string, latitude, longitude float64) map[string]any {
	record := map[string]any{
		"continent": map[string]any{"code": continent, "geoname_id": uint32(1)},
		"location":  map[string]any{"latitude": latitude, "longitude": longitude, "accuracy_radius": uint16(20)},
	}
	if country != "" {
		record["country"] = map[string]any{"iso_code": country, "names": map[string]any{"en": "a country"}}
	}
	if subdivision != "" {
		record["subdivisions"] = []any{map[string]any{"iso_code": subdivision}, map[string]any{"iso_code": "ZZZ"}}
	}
	return record
}
