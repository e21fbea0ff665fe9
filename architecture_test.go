package bulkhead_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/architecture.md and the table of this test allow the same imports, and call the same rooms pure.
func TestArchitecturePageHasTheTableOfImports(t *testing.T) {
	const page = "docs/architecture.md"
	drawn := map[string]bool{}
	for _, row := range tableRows(t, page, "room") {
		if len(row) != 3 {
			t.Fatalf("%s: the row of %s has %d columns, want 3", page, row[0], len(row))
		}
		room := strings.Trim(row[0], "`")
		if strings.HasPrefix(room, "test/") || room == "bench" {
			continue // suites look at the house from outside
		}
		drawn[room] = true
		allowed, known := rooms[room]
		if !known {
			t.Errorf("%s has a room %s that house_test.go does not have", page, room)
			continue
		}
		if !strings.HasSuffix(row[1], "?") {
			t.Errorf("%s: %s: %q is not a question", page, room, row[1])
		}
		var may []string
		if row[2] != "–" {
			may = strings.Split(row[2], ", ")
		}
		slices.Sort(may)
		if want := slices.Sorted(slices.Values(allowed)); !slices.Equal(may, want) {
			t.Errorf("%s: %s may import %v; house_test.go says %v", page, room, may, want)
		}
	}
	for room := range rooms {
		if !drawn[room] {
			t.Errorf("%s does not have the room %s of house_test.go", page, room)
		}
	}

	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	sentence := regexp.MustCompile(`(?m)^Pure rooms: ([^.]*)\.`).FindStringSubmatch(string(data))
	if sentence == nil {
		t.Fatalf("%s has no sentence that begins with %q", page, "Pure rooms:")
	}
	var listed []string
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(sentence[1], -1) {
		listed = append(listed, m[1])
	}
	slices.Sort(listed)
	if want := slices.Sorted(slices.Values(pure)); !slices.Equal(listed, want) {
		t.Errorf("%s calls %v pure; house_test.go says %v", page, listed, want)
	}
}
