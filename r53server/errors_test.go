package r53server

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/cidr"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/quota"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/validation"
	"github.com/bulkhead-dns/bulkhead/zone"
)

func TestErrorTable(t *testing.T) {
	for _, tt := range []struct {
		err    error
		code   code
		status int
		text   string // a part of the message
	}{
		// r53: C.5
		{&store.NoSuch{Err: store.ErrNoSuchHostedZone, ID: "Z9"}, "NoSuchHostedZone", 404,
			"No hosted zone found with ID: Z9"},
		{store.ErrHostedZoneAlreadyExists, "HostedZoneAlreadyExists", 409, "caller reference"},
		{store.ErrAcceleratedRecovery, "InvalidInput", 400, "Please disable first."}, // r53: C.2
		{store.ErrHostedZoneNotEmpty, "HostedZoneNotEmpty", 400, "contains non-required resource record sets and so " +
			"cannot be deleted."},
		{&store.NoSuch{Err: store.ErrNoSuchChange, ID: "C9"}, "NoSuchChange", 404, "Could not find resource with ID: C9"},
		{&store.NoSuch{Err: store.ErrNoSuchHealthCheck, ID: "a-b"}, "NoSuchHealthCheck", 404,
			"A health check with id a-b does not exist."},
		{store.ErrHealthCheckAlreadyExists, "HealthCheckAlreadyExists", 409, "caller reference"},
		{store.ErrHealthCheckVersion, "HealthCheckVersionMismatch", 409, "newer version"},
		{store.ErrPriorRequestNotComplete, "PriorRequestNotComplete", 400, "still being processed"}, // r53: G.1 rule 11
		{store.ErrTooManyHostedZones, "TooManyHostedZones", 400, "as many hosted zones"},
		{store.ErrTooManyHealthChecks, "TooManyHealthChecks", 400, "as many health checks"},
		{&store.NoSuch{Err: store.ErrNoSuchCIDRCollection, ID: "c-d"}, "NoSuchCidrCollectionException", 404,
			"No CIDR collection found with ID: c-d"},
		{store.ErrCIDRCollectionExists, "CidrCollectionAlreadyExistsException", 400, "caller reference"},
		{store.ErrConcurrentModification, "ConcurrentModification", 400, "Try again"},
		{&store.NoSuch{Err: store.ErrNoSuchDelegationSet, ID: "N9"}, "NoSuchDelegationSet", 400,
			"No reusable delegation set found with ID: N9"},
		{store.ErrDelegationSetExists, "DelegationSetAlreadyCreated", 400, "caller reference"},
		{store.ErrDelegationSetReusable, "DelegationSetAlreadyReusable", 400, "already reusable"},
		{store.ErrDelegationSetInUse, "DelegationSetInUse", 400, "cannot be deleted"},
		{store.ErrDelegationSetNotAvailable, "DelegationSetNotAvailable", 400, "private"},
		{store.ErrConflictingDomain, "ConflictingDomainExists", 400, "same name"},
		{&cidr.VersionMismatch{ID: "c", Given: 1, Current: 2}, "CidrCollectionVersionMismatchException", 409,
			"version 2, not 1"},
		{&cidr.BlockInUse{Message: "m"}, "CidrBlockInUseException", 400, "m"},
		{&cidr.CollectionInUse{Message: "m"}, "CidrCollectionInUseException", 400, "m"},
		{&quota.LimitsExceeded{Message: "m"}, "LimitsExceeded", 400, "m"},
		{noSuchCIDRLocation("c", "rome"), "NoSuchCidrLocationException", 404, "rome"},
		{noSuchGeoLocation(zone.GeoLocation{CountryCode: "XX"}), "NoSuchGeoLocation", 404, "country code 'XX'"},
		{hostedZoneNotFound("Z1"), "HostedZoneNotFound", 400, "Z1"},
		{notAvailable("DNSSECNotFound", "DNSSEC signing is"), "DNSSECNotFound", 400,
			"DNSSEC signing is not available on this engine."},
		{store.ErrUnavailable, "ServiceUnavailable", 503, "Try again."},
		{context.DeadlineExceeded, "ServiceUnavailable", 503, "in time"},
		{context.Canceled, "ServiceUnavailable", 503, "cancelled"},
		{&validation.InvalidInput{Message: "m"}, "InvalidInput", 400, "m"},
		// r53: G.1 rule 10
		{&zone.InvalidChangeBatch{Messages: []string{"one", "two"}}, "InvalidChangeBatch", 400, "[one, two]"},
		{&zone.NoSuchHealthCheck{ID: "abc"}, "NoSuchHealthCheck", 404, "A health check with id abc does not exist."},
		{&health.InvalidInput{Message: "m"}, "InvalidInput", 400, "m"},
		{&sigv4.Error{Code: "IncompleteSignature", Status: 400, Message: "m"}, "IncompleteSignature", 400, "m"},
		{wrongService("sts"), "SignatureDoesNotMatch", 403, "correct service: 'route53', not 'sts'"},
		{requestTooLarge(), "RequestEntityTooLarge", 413, "4194304 bytes"},
		{errors.New("secret text"), "InternalFailure", 500, "request ID"},
	} {
		t.Run(fmt.Sprintf("%T %v", tt.err, tt.err), func(t *testing.T) {
			got, known := translate(fmt.Errorf("read record sets of Z1: %w", tt.err))
			if got.code != tt.code || got.status != tt.status || !strings.Contains(got.message, tt.text) {
				t.Errorf("translate = %d %v, want %d %s: …%s…", got.status, got, tt.status, tt.code, tt.text)
			}
			if known != (tt.code != "InternalFailure") {
				t.Errorf("known = %v", known)
			}
			if strings.Contains(got.message, "secret text") {
				t.Error("the text of an unknown error reaches the client")
			}
		})
	}
}

// Every error that the store exports has a row, so that none becomes an InternalFailure by oversight.
func TestErrorTableKnowsEveryStoreError(t *testing.T) {
	rows := map[string]error{
		"ErrUnavailable":               store.ErrUnavailable,
		"ErrNoSuchHostedZone":          &store.NoSuch{Err: store.ErrNoSuchHostedZone},
		"ErrHostedZoneAlreadyExists":   store.ErrHostedZoneAlreadyExists,
		"ErrHostedZoneNotEmpty":        store.ErrHostedZoneNotEmpty,
		"ErrAcceleratedRecovery":       store.ErrAcceleratedRecovery,
		"ErrNoSuchChange":              &store.NoSuch{Err: store.ErrNoSuchChange},
		"ErrNoSuchHealthCheck":         &store.NoSuch{Err: store.ErrNoSuchHealthCheck},
		"ErrHealthCheckAlreadyExists":  store.ErrHealthCheckAlreadyExists,
		"ErrHealthCheckVersion":        store.ErrHealthCheckVersion,
		"ErrTooManyHostedZones":        store.ErrTooManyHostedZones,
		"ErrTooManyHealthChecks":       store.ErrTooManyHealthChecks,
		"ErrNoSuchCIDRCollection":      &store.NoSuch{Err: store.ErrNoSuchCIDRCollection},
		"ErrCIDRCollectionExists":      store.ErrCIDRCollectionExists,
		"ErrConcurrentModification":    store.ErrConcurrentModification,
		"ErrNoSuchDelegationSet":       &store.NoSuch{Err: store.ErrNoSuchDelegationSet},
		"ErrDelegationSetExists":       store.ErrDelegationSetExists,
		"ErrDelegationSetReusable":     store.ErrDelegationSetReusable,
		"ErrDelegationSetInUse":        store.ErrDelegationSetInUse,
		"ErrDelegationSetNotAvailable": store.ErrDelegationSetNotAvailable,
		"ErrConflictingDomain":         store.ErrConflictingDomain,
		"ErrPriorRequestNotComplete":   store.ErrPriorRequestNotComplete,
	}
	files, err := filepath.Glob("../store/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var exported []string
	for _, path := range files {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			if vars, ok := decl.(*ast.GenDecl); ok && vars.Tok == token.VAR {
				for _, spec := range vars.Specs {
					for _, name := range spec.(*ast.ValueSpec).Names {
						if strings.HasPrefix(name.Name, "Err") {
							exported = append(exported, name.Name)
						}
					}
				}
			}
		}
	}
	slices.Sort(exported)
	if diff := cmp.Diff(exported, slices.Sorted(maps.Keys(rows))); diff != "" {
		t.Errorf("errors (-store +table):\n%s", diff)
	}
	for name, err := range rows {
		if _, known := translate(err); !known {
			t.Errorf("store.%s has no row", name)
		}
	}
}

// Every error code is written in one place, codes.go: all other files use its constants.
func TestCodesAreWrittenOnce(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	written := map[string][]string{} // positions of a string, by its text
	codes := map[string]bool{}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.BasicLit); ok && s.Kind == token.STRING {
				written[s.Value] = append(written[s.Value], fset.Position(s.Pos()).String())
				codes[s.Value] = codes[s.Value] || path == "codes.go" && s.Value != `"net/http"`
			}
			return true
		})
	}
	n := 0
	for text, is := range codes {
		if is {
			n++
		}
		if is && len(written[text]) > 1 {
			t.Errorf("%s is written in %v", text, written[text])
		}
	}
	if n < 40 {
		t.Errorf("codes.go has %d codes, want more than 40", n)
	}
}
