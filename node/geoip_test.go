package node_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bulkhead-dns/bulkhead/node"
)

// A GeoIP file that is none is refused at the start with its name.
func TestGeoIPFileIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "country.mmdb")
	if err := os.WriteFile(file, []byte("not a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := node.New(node.Options{DataDir: t.TempDir(), HTTPAddr: "127.0.0.1:0", DNSAddr: "127.0.0.1:0", GeoIPFile: file})
	if err == nil || !strings.Contains(err.Error(), file+": GeoIP database: ") {
		t.Errorf("got %v, want the file named", err)
	}
}
