package clients_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// An apiModel is AWS's own description of the Route 53 API, as botocore has it: operations, and the shapes of what goes
// in and comes out.
type apiModel struct {
	Operations map[string]operation `json:"operations"`
	Shapes     map[string]*shape    `json:"shapes"`
}

type operation struct {
	HTTP struct {
		Method       string `json:"method"`
		RequestURI   string `json:"requestUri"`
		ResponseCode int    `json:"responseCode"` // 0 means 200
	} `json:"http"`
	Input  ref   `json:"input"`
	Output ref   `json:"output"`
	Errors []ref `json:"errors"`
}

// A ref is the use of a shape: as input or output, as a member of a structure or of a list.
type ref struct {
	Shape        string `json:"shape"`
	Location     string `json:"location"`     // "header", "uri", "querystring"; "" is the body
	LocationName string `json:"locationName"` // name on the wire; "" means the member's own
}

type shape struct {
	Type     string   `json:"type"`
	Required []string `json:"required"`
	Members  members  `json:"members"`
	Member   ref      `json:"member"` // of a list
	Enum     []string `json:"enum"`
	Pattern  string   `json:"pattern"`
	Min      *int64   `json:"min"`
	Max      *int64   `json:"max"`
	Error    struct {
		HTTPStatusCode int `json:"httpStatusCode"`
	} `json:"error"`
}

// Members keep the order of the document: it is the order of elements on the wire.
type members []member

type member struct {
	name string
	ref
}

// wireName is what the member is called in a request or reply.
func (m member) wireName() string {
	if m.LocationName != "" {
		return m.LocationName
	}
	return m.name
}

func (ms *members) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		m := member{name: fmt.Sprint(name)}
		if err := dec.Decode(&m.ref); err != nil {
			return err
		}
		*ms = append(*ms, m)
	}
	return nil
}

// loadModel reads the model of the installed botocore and adds what Route 53 got since.
func loadModel(t *testing.T) *apiModel {
	t.Helper()
	var m apiModel
	if err := json.Unmarshal(botocoreModel(t), &m); err != nil {
		t.Fatalf("botocore's model of Route 53: %v", err)
	}
	var newer struct {
		apiModel
		NewMembers map[string]members  `json:"members"`
		NewEnums   map[string][]string `json:"enums"`
	}
	data, err := os.ReadFile("testdata/model-newer.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &newer); err != nil {
		t.Fatalf("testdata/model-newer.json: %v", err)
	}
	for name, o := range newer.Operations {
		m.Operations[name] = o
	}
	for name, s := range newer.Shapes {
		m.Shapes[name] = s
	}
	for name, more := range newer.NewMembers {
		s := m.Shapes[name]
		for _, add := range more {
			if !slices.ContainsFunc(s.Members, func(old member) bool { return old.name == add.name }) {
				s.Members = append(s.Members, add)
			}
		}
	}
	for name, more := range newer.NewEnums {
		m.Shapes[name].Enum = append(m.Shapes[name].Enum, more...)
	}
	return &m
}

// botocoreModel finds the distribution's botocore; newer Debians compress the file.
func botocoreModel(t *testing.T) []byte {
	t.Helper()
	path := "/usr/lib/python3/dist-packages/botocore/data/route53/2013-04-01/service-2.json"
	data, err := os.ReadFile(path)
	if err == nil {
		return data
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	file, err := os.Open(path + ".gz")
	if err != nil {
		t.Fatalf("%s is not there: `make clients` installs it", filepath.Base(path))
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(unpacked); err != nil {
		t.Fatal(err)
	}
	return data
}

// errorStatus is the status of an operation's modelled error; false when the operation has no such error. Where the
// model states no status it is 400 (r53: C.5).
func (m *apiModel) errorStatus(operation, code string) (int, bool) {
	for _, e := range m.Operations[operation].Errors {
		if e.Shape != code {
			continue
		}
		if status := m.Shapes[code].Error.HTTPStatusCode; status != 0 {
			return status, true
		}
		return 400, true
	}
	return 0, false
}
