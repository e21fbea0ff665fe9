package lab

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"testing"
)

func TestAddressesAreReachedFromThisMachine(t *testing.T) {
	for listens, want := range map[string]string{
		"127.0.0.1:8053":     "http://127.0.0.1:8053",
		"0.0.0.0:80":         "http://127.0.0.1:80",
		"[::]:8053":          "http://[::1]:8053",
		"[::ffff:0.0.0.0]:1": "http://127.0.0.1:1",
		"192.0.2.7:8053":     "http://192.0.2.7:8053",
	} {
		if got := (Addresses{API: netip.MustParseAddrPort(listens)}).URL(); got != want {
			t.Errorf("a lab that listens on %s is reached at %s, want %s", listens, got, want)
		}
	}
}

func TestAddressesOfADataDirectory(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadAddresses(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a lab: %v", err)
	}
	want := Addresses{API: netip.MustParseAddrPort("127.0.0.1:1"), DNS: netip.MustParseAddrPort("[::1]:2")}
	if err := replaceFile(addressesPath(dir), want); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadAddresses(dir); got != want || err != nil {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if err := os.WriteFile(addressesPath(dir), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadAddresses(dir); err == nil || !strings.Contains(err.Error(), "addresses.json") {
		t.Errorf("a broken file: %v", err)
	}
}
