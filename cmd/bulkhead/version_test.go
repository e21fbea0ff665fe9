package main

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersionOfABuild(t *testing.T) {
	info := &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123abcd"}, {Key: "vcs.time", Value: "2026-11-23T10:00:00Z"}, {Key: "vcs.modified", Value: "true"}}}
	text := buildOf(info).text()
	for _, want := range []string{"bulkhead v1.2.3\n", "\ncommit   0123abcd, with changes that are not committed\n", "\ntime     2026-11-23T10:00:00Z\n", "\ngo       go1."} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, version := range []string{"", "(devel)"} {
		if got := buildOf(&debug.BuildInfo{Main: debug.Module{Version: version}}); got.Version != "development" || strings.Contains(got.text(), "commit") {
			t.Errorf("%q: %+v", version, got)
		}
	}
}
