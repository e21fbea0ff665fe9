package zone

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The service parameters that have names (RFC 9460 section 14.3.2).
const (
	svcMandatory uint16 = iota
	svcALPN
	svcNoDefaultALPN
	svcPort
	svcIPv4Hint
	svcECH
	svcIPv6Hint

	svcInvalid uint16 = 65535
)

type svcParam struct {
	key   uint16
	value []byte
}

// svcb appends an SVCB or HTTPS record: "priority target params...", with a priority of 0 to 32767. Priority 0 is the
// alias form, which has no parameters. r53: A.14. The parameters are those of RFC 9460 sections 2.1 and 7.
func (p *rdataParser) svcb() {
	f := splitFields(p.value)
	if len(f) < 2 {
		p.typed("IllegalFieldCount", fmt.Sprintf("Value has %d fields, expected at least 2: priority target params...",
			len(f)))
		return
	}
	priority, _ := p.number("Priority", f[0], 0, 32767)
	if priority == 0 && len(f) > 2 {
		p.typed("ParamsInAliasForm", "Priority 0 is the alias form, which has no parameters")
	}
	p.out = binary.BigEndian.AppendUint16(p.out, uint16(priority))
	p.name(f[1])

	var params []svcParam
	for _, field := range f[2:] {
		param, err := parseSvcParam(field)
		if err != nil {
			p.typed("IllegalParam", err.Error())
			return
		}
		params = append(params, param)
	}
	// The keys on the wire are in ascending order, without duplicates (RFC 9460 section 2.2).
	slices.SortStableFunc(params, func(a, b svcParam) int { return cmp.Compare(a.key, b.key) })
	if err := checkSvcParams(params); err != nil {
		p.typed("IllegalParam", err.Error())
		return
	}
	for _, param := range params {
		p.out = binary.BigEndian.AppendUint16(p.out, param.key)
		p.out = binary.BigEndian.AppendUint16(p.out, uint16(len(param.value)))
		p.out = append(p.out, param.value...)
	}
}

// parseSvcParam reads one key or key=value, the value raw or in quotation marks.
func parseSvcParam(field string) (svcParam, error) {
	keyText, value, _ := strings.Cut(field, "=")
	key, err := parseSvcKey(keyText)
	if err != nil {
		return svcParam{}, err
	}
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	raw, problem := unescape(value)
	if problem != nil {
		return svcParam{}, fmt.Errorf("%s: %s", keyText, problem.Text)
	}
	numbered := strings.HasPrefix(keyText, "key")
	switch { // key, key= and key="" are the same (RFC 9460 section 2.1)
	case key == svcNoDefaultALPN && len(raw) > 0:
		return svcParam{}, fmt.Errorf("%s takes no value", keyText)
	case key != svcNoDefaultALPN && !numbered && len(raw) == 0:
		return svcParam{}, fmt.Errorf("%s needs a value", keyText)
	}
	wire, err := svcValue(key, raw)
	if err != nil {
		return svcParam{}, fmt.Errorf("%s: %w", keyText, err)
	}
	return svcParam{key, wire}, nil
}

// parseSvcKey reads a parameter's name. It refuses keyNNNNN for a parameter that has a name, because the checks of that
// name would not apply to its value.
func parseSvcKey(s string) (uint16, error) {
	switch s {
	case "mandatory":
		return svcMandatory, nil
	case "alpn":
		return svcALPN, nil
	case "no-default-alpn":
		return svcNoDefaultALPN, nil
	case "port":
		return svcPort, nil
	case "ipv4hint":
		return svcIPv4Hint, nil
	case "ech":
		return svcECH, nil
	case "ipv6hint":
		return svcIPv6Hint, nil
	}
	digits, ok := strings.CutPrefix(s, "key")
	n, err := strconv.ParseUint(digits, 10, 16)
	if !ok || err != nil || n <= uint64(svcIPv6Hint) || n == uint64(svcInvalid) || strconv.Itoa(int(n)) != digits {
		return 0, fmt.Errorf("unknown parameter '%s': expected mandatory, alpn, no-default-alpn, port, ipv4hint, ech, "+
			"ipv6hint or key7 to key65534", s)
	}
	return uint16(n), nil
}

// svcValue encodes a parameter's value (RFC 9460 section 7).
func svcValue(key uint16, raw []byte) ([]byte, error) {
	switch key {
	case svcMandatory:
		return mandatoryValue(string(raw))
	case svcALPN:
		return alpnValue(raw)
	case svcPort:
		n, err := strconv.ParseUint(string(raw), 10, 16)
		if err != nil {
			return nil, fmt.Errorf("'%s' is not a number from 0 to 65535", raw)
		}
		return binary.BigEndian.AppendUint16(nil, uint16(n)), nil
	case svcIPv4Hint:
		return hintValue(string(raw), "IPv4", netip.Addr.Is4)
	case svcIPv6Hint:
		return hintValue(string(raw), "IPv6", netip.Addr.Is6)
	case svcECH:
		b, err := base64.StdEncoding.Strict().DecodeString(string(raw))
		if err != nil {
			return nil, fmt.Errorf("'%s' is not base64", raw)
		}
		return b, nil
	}
	return raw, nil
}

// mandatoryValue encodes a list of keys in ascending order, without duplicates and without "mandatory" (RFC 9460
// section 8).
func mandatoryValue(raw string) ([]byte, error) {
	var keys []uint16
	for s := range strings.SplitSeq(raw, ",") {
		key, err := parseSvcKey(s)
		if err != nil {
			return nil, err
		}
		if key == svcMandatory {
			return nil, errors.New("it cannot list itself")
		}
		if slices.Contains(keys, key) {
			return nil, fmt.Errorf("'%s' is listed twice", s)
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var wire []byte
	for _, key := range keys {
		wire = binary.BigEndian.AppendUint16(wire, key)
	}
	return wire, nil
}

// alpnValue encodes protocol ids separated by commas. Inside an id, \, is a comma and \\ is a backslash (RFC 9460
// appendix A.1). These escapes are decoded after those of the string around them.
func alpnValue(raw []byte) ([]byte, error) {
	var wire, id []byte
	for i := 0; i <= len(raw); i++ {
		switch {
		case i == len(raw) || raw[i] == ',':
			if len(id) == 0 || len(id) > 255 {
				return nil, fmt.Errorf("protocol id of %d bytes, expected 1 to 255", len(id))
			}
			wire = append(append(wire, byte(len(id))), id...)
			id = id[:0]
		case raw[i] == '\\' && i+1 < len(raw) && (raw[i+1] == ',' || raw[i+1] == '\\'):
			i++
			id = append(id, raw[i])
		case raw[i] == '\\':
			return nil, errors.New(`a backslash must begin \, or \\`)
		default:
			id = append(id, raw[i])
		}
	}
	return wire, nil
}

// hintValue encodes addresses separated by commas.
func hintValue(raw, family string, right func(netip.Addr) bool) ([]byte, error) {
	var wire []byte
	for s := range strings.SplitSeq(raw, ",") {
		a, err := netip.ParseAddr(s)
		if err != nil || !right(a) || a.Zone() != "" {
			return nil, fmt.Errorf("'%s' is not a valid %s address", s, family)
		}
		wire = append(wire, a.AsSlice()...)
	}
	return wire, nil
}

// checkSvcParams checks parameters, sorted by key, against each other (RFC 9460 sections 2.2, 7.1.1 and 8).
func checkSvcParams(params []svcParam) error {
	has := func(key uint16) bool {
		return slices.ContainsFunc(params, func(p svcParam) bool { return p.key == key })
	}
	for i, param := range params {
		if i > 0 && params[i-1].key == param.key {
			return fmt.Errorf("a parameter is given twice (key %d)", param.key)
		}
		if param.key == svcNoDefaultALPN && !has(svcALPN) {
			return errors.New("no-default-alpn needs alpn")
		}
		if param.key != svcMandatory {
			continue
		}
		for rest := param.value; len(rest) > 0; rest = rest[2:] {
			if key := binary.BigEndian.Uint16(rest); !has(key) {
				return fmt.Errorf("mandatory lists a parameter that is not there (key %d)", key)
			}
		}
	}
	return nil
}
