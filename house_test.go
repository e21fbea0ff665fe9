// Package bulkhead_test holds the house rules: who may import whom, and what each room may link.
package bulkhead_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/bulkhead-dns/bulkhead"

// rooms says for every room which other rooms it may import directly; docs/architecture.md draws the same table.
var rooms = map[string][]string{
	// L0: pure leaves.
	"validation": {},
	"quota":      {},
	"country":    {},
	"cidr":       {"validation", "quota"},
	"tagging":    {"validation"},
	"zone":       {"validation", "quota", "country", "cidr"},
	"rate":       {"zone"},
	"health":     {},
	"geo":        {},
	"wire":       {},
	"sigv4":      {},
	// L1: pure decisions.
	"steer":    {"zone", "geo", "country"},
	"failover": {"zone", "health", "plan", "quota", "tagging"},
	"plan":     {"zone", "health", "quota", "tagging"},
	// L2: pure judgement.
	"whatif":  {"steer", "plan", "zone", "health", "geo", "cidr"},
	"explain": {"whatif", "steer", "failover", "plan", "zone", "health", "cidr"},
	"audit":   {"whatif", "steer", "failover", "plan", "zone", "health", "quota", "cidr"},
	// L3: adapters.
	"users":         {"sigv4", "zone"},
	"resolver":      {"zone"},
	"etcd":          {},
	"etcd/etcdtest": {"etcd"},
	"apply":         {"whatif", "plan", "failover", "zone", "health", "quota", "rate", "cidr", "tagging"},
	"store":         {"zone", "health", "quota", "cidr", "tagging"},
	"prober":        {"health"},
	"dnsserver":     {"wire", "steer", "zone"},
	"r53server": {"users", "store", "sigv4", "steer", "zone", "health", "validation", "quota", "rate", "cidr",
		"tagging"},
	"cwserver":     {"sigv4"},
	"api/v1alpha1": {"failover"},
	"alb":          {"zone"},
	"awsserver":    {"alb", "sigv4", "zone"},
	// L4: assemblies.
	"node": {"zone", "health", "geo", "steer", "sigv4", "etcd", "store", "prober", "dnsserver", "users", "resolver",
		"r53server", "cwserver", "quota"},
	"lab":        {"alb", "awsserver", "node", "zone", "health", "geo", "store", "sigv4"},
	"demo":       {"lab", "apply", "plan", "failover", "health"},
	"controller": {"api/v1alpha1", "apply", "explain", "plan", "failover", "zone", "health", "quota", "tagging"},
	"cmd/bulkhead": {"demo", "lab", "alb", "node", "users", "apply", "audit", "explain", "plan", "failover", "geo",
		"sigv4", "health", "zone", "quota"},

	"cmd/bulkhead-controller": {"controller", "api/v1alpha1", "apply", "plan", "failover", "lab", "users", "sigv4"},
	"scripts/crds":            {},
}

// pure rooms link none of what reaches outside the process.
var pure = []string{"validation", "quota", "country", "cidr", "tagging", "zone", "health", "geo", "wire", "sigv4", "rate",
	"steer", "plan", "failover", "whatif", "explain", "audit"}

// fences name packages that only the listed rooms may import directly.
var fences = map[string][]string{
	"go.etcd.io/etcd/server/":       {"etcd"},
	"go.etcd.io/etcd/client/v3":     {"store"},
	"github.com/aws/aws-sdk-go-v2/": {"apply", "lab", "demo", "cmd/bulkhead", "cmd/bulkhead-controller"},
	"github.com/spf13/cobra":        {"cmd/bulkhead", "cmd/bulkhead-controller"},
	"github.com/miekg/dns":          {"resolver", "lab", "demo"},
	"k8s.io/":                       {"api/v1alpha1", "controller", "cmd/bulkhead-controller"},
	"sigs.k8s.io/":                  {"api/v1alpha1", "controller", "cmd/bulkhead-controller", "scripts/crds"},
}

// notLinked names what a room may not link even through others.
var notLinked = map[string][]string{
	"dnsserver": {"google.golang.org/grpc", "github.com/aws/", "k8s.io/", "net/http", "go.etcd.io/"},
	"prober":    {"go.etcd.io/", "github.com/aws/", "k8s.io/"},
	// A first go run compiles nothing of Kubernetes.
	"cmd/bulkhead": {"k8s.io/api", "k8s.io/apimachinery", "k8s.io/client-go", "sigs.k8s.io/controller-runtime"},
}

var purityBreakers = []string{"net/http", "os", "log", "log/slog", "go.etcd.io/", "github.com/aws/", "k8s.io/",
	"github.com/prometheus/", "google.golang.org/grpc", "golang.org/x/sys/"}

// outsideModules are what a pure room may not link even through others.
var outsideModules = []string{"go.etcd.io/", "github.com/aws/", "k8s.io/", "google.golang.org/grpc"}

type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
	Deps       []string
}

func list(t *testing.T) map[string]pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports,Deps", "./...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	pkgs := map[string]pkg{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		if room := strings.TrimPrefix(p.ImportPath, module+"/"); len(p.GoFiles) > 0 {
			pkgs[room] = p
		}
	}
}

// matches reports whether an import path is one of the listed packages or below one that ends in a slash.
func matches(path string, list []string) bool {
	return slices.ContainsFunc(list, func(p string) bool {
		below := strings.HasSuffix(p, "/") && strings.HasPrefix(path, p)
		return path == p || below || strings.HasPrefix(path, p+"/") && strings.Contains(p, ".")
	})
}

func TestRoomsImportOnlyWhatTheTableAllows(t *testing.T) {
	for room, p := range list(t) {
		if strings.HasPrefix(room, "test/") || strings.HasPrefix(room, "bench") {
			continue // suites look at the house from outside
		}
		allowed, known := rooms[room]
		if !known {
			t.Errorf("room %s is not in the table: add it here and to docs/architecture.md", room)
			continue
		}
		for _, other := range allowed {
			if !slices.Contains(p.Imports, module+"/"+other) {
				t.Errorf("%s may import %s and does not: take it out here and in docs/architecture.md", room, other)
			}
		}
		for _, path := range p.Imports {
			if other, ours := strings.CutPrefix(path, module+"/"); ours && !slices.Contains(allowed, other) {
				t.Errorf("%s imports %s: the table allows %v", room, other, allowed)
			}
			for fence, owners := range fences {
				if matches(path, []string{fence}) && !slices.Contains(owners, room) {
					t.Errorf("%s imports %s: only %v may", room, path, owners)
				}
			}
		}
		for _, dep := range p.Deps {
			if matches(dep, notLinked[room]) {
				t.Errorf("%s links %s", room, dep)
			}
		}
	}
}

func TestPureRoomsReachNothingOutsideTheProcess(t *testing.T) {
	pkgs := list(t)
	for _, room := range pure {
		p := pkgs[room]
		for _, path := range p.Imports {
			if matches(path, purityBreakers) {
				t.Errorf("%s imports %s", room, path)
			}
		}
		for _, dep := range p.Deps {
			if dep == "net/http" || matches(dep, outsideModules) {
				t.Errorf("%s links %s", room, dep)
			}
		}
		for _, file := range p.GoFiles {
			for _, call := range clockAndChance(t, filepath.Join(p.Dir, file)) {
				t.Errorf("%s/%s calls %s: time and randomness are arguments", room, file, call)
			}
		}
	}
}

// clockAndChance lists calls of the clock and of the shared random source, and goroutines.
func clockAndChance(t *testing.T, path string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, "go")
		case *ast.CallExpr:
			sel, ok := n.Fun.(*ast.SelectorExpr)
			if !ok {
				break
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok {
				break
			}
			switch call := x.Name + "." + sel.Sel.Name; call {
			case "time.Now", "time.Since", "time.Until", "time.Sleep", "time.After",
				"rand.Int", "rand.IntN", "rand.Uint64", "rand.Float64":
				found = append(found, call)
			}
		}
		return true
	})
	return found
}

// Every room says in exactly one place what it is for.
func TestEveryRoomHasOnePackageComment(t *testing.T) {
	for room, p := range list(t) {
		documented := 0
		for _, file := range p.GoFiles {
			mode := parser.PackageClauseOnly | parser.ParseComments
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, mode)
			if err != nil {
				t.Fatal(err)
			}
			if f.Doc != nil {
				documented++
			}
		}
		if documented != 1 {
			t.Errorf("%s has %d package comments, want 1", room, documented)
		}
	}
}

// skipped reports whether a folder holds none of our Go code.
func skipped(path string, d fs.DirEntry) bool {
	return strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "node_modules" || d.Name() == "testdata"
}

// emptyNames are names of folders that do not say what the folder is for.
var emptyNames = []string{"pkg", "internal", "util", "utils", "common", "types", "mocks", "helpers"}

// No init functions and no rooms named after nothing in particular.
func TestHouseHabits(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && skipped(path, d):
			return filepath.SkipDir
		case d.IsDir() && slices.Contains(emptyNames, d.Name()):
			t.Errorf("%s: a room is named after what it is for", path)
		case strings.HasSuffix(path, ".go"):
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, decl := range f.Decls {
				if fn, ok := decl.(*ast.FuncDecl); ok && fn.Name.Name == "init" && fn.Recv == nil {
					t.Errorf("%s has an init function", path)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
