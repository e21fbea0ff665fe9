package bulkhead_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A term is a row of docs/glossary.md.
type term struct {
	name, meaning, room, origin string
	replaced                    []string // identifiers that mean the same
}

// glossary reads the table of docs/glossary.md.
func glossary(t *testing.T) []term {
	t.Helper()
	var terms []term
	for _, row := range tableRows(t, "docs/glossary.md", "term") {
		if len(row) != 5 {
			t.Fatalf("docs/glossary.md: %q has %d columns, want 5", row[0], len(row))
		}
		t := term{name: row[0], meaning: row[1], room: strings.Trim(row[2], "`"), origin: row[3]}
		if row[4] != "" {
			t.replaced = strings.Split(row[4], ", ")
		}
		terms = append(terms, t)
	}
	return terms
}

// tableRows returns the cells of the Markdown table whose first heading is given.
func tableRows(t *testing.T, page, heading string) [][]string {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(data), "\n| "+heading+" |")
	if !found {
		t.Fatalf("%s has no table that begins with %q", page, heading)
	}
	var rows [][]string
	for _, line := range strings.Split(text, "\n")[2:] {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	if len(rows) == 0 {
		t.Fatalf("%s: the table that begins with %q is empty", page, heading)
	}
	return rows
}

// A glossary is read by people: it is short, in order, and says where each idea lives.
func TestGlossaryIsShortAndComplete(t *testing.T) {
	terms := glossary(t)
	if len(terms) > 60 {
		t.Errorf("docs/glossary.md has %d terms, want at most 60", len(terms))
	}
	byName := func(a, b term) int { return strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) }
	if !slices.IsSortedFunc(terms, byName) {
		t.Error("docs/glossary.md is not in alphabetical order")
	}
	for i, w := range terms {
		if i > 0 && w.name == terms[i-1].name {
			t.Errorf("docs/glossary.md: %q is there twice", w.name)
		}
		if _, known := rooms[w.room]; !known {
			t.Errorf("docs/glossary.md: %s: %q is not a room", w.name, w.room)
		}
		if !strings.HasSuffix(w.meaning, ".") || w.origin == "" {
			t.Errorf("docs/glossary.md: %s: want a sentence that ends with a full stop, and an origin", w.name)
		}
	}
}

// Code names a thing by its term, and not by a word that the term has replaced.
func TestCodeUsesTheWordsOfTheGlossary(t *testing.T) {
	instead := map[string]string{} // the term by each word that it replaced, in lower case
	for _, w := range glossary(t) {
		for _, word := range w.replaced {
			instead[strings.ToLower(word)] = w.name
		}
	}
	for _, file := range goFiles(t) {
		positions := token.NewFileSet()
		f, err := parser.ParseFile(positions, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range declared(f) {
			if term := instead[strings.ToLower(id.Name)]; term != "" {
				t.Errorf("%s: %s: the word for this is %q (docs/glossary.md)", positions.Position(id.Pos()), id.Name, term)
			}
		}
	}
}

// declared lists the identifiers that a file declares. Uses of those of other packages are not ours to name.
func declared(f *ast.File) (ids []*ast.Ident) {
	fields := func(l *ast.FieldList) {
		if l != nil {
			for _, field := range l.List {
				ids = append(ids, field.Names...)
			}
		}
	}
	assigned := func(e ast.Expr) {
		if id, ok := e.(*ast.Ident); ok {
			ids = append(ids, id)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			ids = append(ids, n.Name)
			fields(n.Recv)
		case *ast.FuncType:
			fields(n.Params)
			fields(n.Results)
		case *ast.StructType:
			fields(n.Fields)
		case *ast.InterfaceType:
			fields(n.Methods)
		case *ast.TypeSpec:
			ids = append(ids, n.Name)
		case *ast.ValueSpec:
			ids = append(ids, n.Names...)
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, left := range n.Lhs {
					assigned(left)
				}
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				assigned(n.Key)
				assigned(n.Value)
			}
		}
		return true
	})
	return ids
}

// goFiles lists the Go files of the house.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && skipped(path, d):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".go"):
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
