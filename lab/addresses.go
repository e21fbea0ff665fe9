package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
)

// Addresses are where the lab of a data directory listens, or listened last.
type Addresses struct {
	API netip.AddrPort `json:"api"` // the Route 53 API, ELBv2, STS, EKS and the lab's administration
	DNS netip.AddrPort `json:"dns"`
}

// URL is the API's, as a client on this machine reaches it.
func (a Addresses) URL() string { return "http://" + local(a.API).String() }

// LocalDNS is where a client on this machine asks.
func (a Addresses) LocalDNS() netip.AddrPort { return local(a.DNS) }

// local is where a client on this machine reaches a listener: a wildcard address is none.
func local(at netip.AddrPort) netip.AddrPort {
	switch addr := at.Addr().Unmap(); {
	case !addr.IsUnspecified():
		return netip.AddrPortFrom(addr, at.Port())
	case addr.Is4():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port())
	}
	return netip.AddrPortFrom(netip.IPv6Loopback(), at.Port())
}

func addressesPath(dataDir string) string { return filepath.Join(dataDir, "addresses.json") }

// ReadAddresses returns where the lab of a data directory listens. A directory without a lab is fs.ErrNotExist.
func ReadAddresses(dataDir string) (Addresses, error) {
	var a Addresses
	b, err := os.ReadFile(addressesPath(dataDir))
	if errors.Is(err, fs.ErrNotExist) {
		return a, err
	}
	if err == nil {
		err = json.Unmarshal(b, &a)
	}
	if err != nil {
		return a, fmt.Errorf("read where the lab listens: %s: %w", addressesPath(dataDir), err)
	}
	return a, nil
}

// Addresses are where the lab listens.
func (l *Lab) Addresses() Addresses { return Addresses{API: l.node.HTTPAddr(), DNS: l.node.DNSAddr()} }
