package iam_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A document is an IAM policy, as far as those of this directory go.
type document struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  string
	Condition map[string]map[string][]string // operator: key: values
}

// readDocument reads a policy for a zone. Unknown members are refused, as IAM refuses them.
func readDocument(t *testing.T, name, zoneID string) document {
	t.Helper()
	data, err := os.ReadFile(name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var d document
	dec := json.NewDecoder(strings.NewReader(strings.ReplaceAll(string(data), "Z0EXAMPLE", zoneID)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		t.Fatalf("%s.json: %v", name, err)
	}
	if d.Version != "2012-10-17" {
		t.Errorf("%s.json has version %q: conditions need 2012-10-17", name, d.Version)
	}
	return d
}

// actions are all actions of a policy, sorted.
func (d document) actions() []string {
	var all []string
	for _, s := range d.Statement {
		all = append(all, s.Action...)
	}
	slices.Sort(all)
	return all
}

// An access is one API call, as IAM sees it.
type access struct {
	action   string   // route53:GetChange
	resource string   // arn:aws:route53:::change/C1, or * for none in particular
	names    []string // of ChangeResourceRecordSets: normalized record names, types and actions
	types    []string
	changes  []string
}

// allows reports whether a policy allows an access: some statement has its action, its resource and fulfilled conditions.
func (d document) allows(a access) bool {
	return slices.ContainsFunc(d.Statement, func(s statement) bool {
		return s.Effect == "Allow" && slices.Contains(s.Action, a.action) && like(s.Resource, a.resource) && a.fulfils(s.Condition)
	})
}

func (a access) fulfils(conditions map[string]map[string][]string) bool {
	for operator, keys := range conditions {
		for key, allowed := range keys {
			var values []string
			switch key {
			case "route53:ChangeResourceRecordSetsNormalizedRecordNames":
				values = a.names
			case "route53:ChangeResourceRecordSetsRecordTypes":
				values = a.types
			case "route53:ChangeResourceRecordSetsActions":
				values = a.changes
			default:
				return false
			}
			for _, v := range values {
				ok := slices.Contains(allowed, v)
				if operator == "ForAllValues:StringLike" {
					ok = slices.ContainsFunc(allowed, func(pattern string) bool { return like(pattern, v) })
				}
				if !ok {
					return false
				}
			}
		}
	}
	return true
}

// like matches as IAM does: * for any characters, slashes included.
func like(pattern, s string) bool {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$").MatchString(s)
}

// An operation is a call of the Route 53 API by method and path, and what ARN it is about.
type operation struct {
	method, path string // path.Match patterns behind the API's version
	action, arn  string // arn with the path's second element for %s, or *
}

// operations are those that the commands may be expected to call; any other is denied by its name not being known. r53: C.2, C.3.
func operations() []operation {
	const zone, check, change = "arn:aws:route53:::hostedzone/%s", "arn:aws:route53:::healthcheck/%s", "arn:aws:route53:::change/%s"
	return []operation{
		{http.MethodGet, "hostedzone", "ListHostedZones", "*"},
		{http.MethodGet, "hostedzone/*", "GetHostedZone", zone},
		{http.MethodGet, "hostedzonesbyname", "ListHostedZonesByName", "*"},
		{http.MethodGet, "hostedzone/*/rrset", "ListResourceRecordSets", zone},
		{http.MethodPost, "hostedzone/*/rrset", "ChangeResourceRecordSets", zone},
		{http.MethodGet, "change/*", "GetChange", change},
		{http.MethodGet, "testdnsanswer", "TestDNSAnswer", "*"},
		{http.MethodPost, "healthcheck", "CreateHealthCheck", "*"},
		{http.MethodGet, "healthcheck", "ListHealthChecks", "*"},
		{http.MethodGet, "healthcheck/*", "GetHealthCheck", check},
		{http.MethodPost, "healthcheck/*", "UpdateHealthCheck", check},
		{http.MethodDelete, "healthcheck/*", "DeleteHealthCheck", check},
		{http.MethodGet, "healthcheck/*/status", "GetHealthCheckStatus", check},
		{http.MethodGet, "healthcheck/*/lastfailurereason", "GetHealthCheckLastFailureReason", check},
		{http.MethodPost, "tags/healthcheck", "ListTagsForResources", "arn:aws:route53:::healthcheck/any"},
		{http.MethodPost, "tags/healthcheck/*", "ChangeTagsForResource", "arn:aws:route53:::healthcheck/any"},
		{http.MethodGet, "accountlimit/*", "GetAccountLimit", "*"},
		{http.MethodGet, "hostedzonelimit/*/*", "GetHostedZoneLimit", zone},
		{http.MethodGet, "cidrcollection", "ListCidrCollections", "*"},
		{http.MethodGet, "cidrcollection/*", "ListCidrLocations", "arn:aws:route53::000000000000:cidrcollection/%s"},
		{http.MethodGet, "cidrcollection/*/cidrblocks", "ListCidrBlocks", "arn:aws:route53::000000000000:cidrcollection/%s"},
	}
}

// accessOf tells what a request asks for.
func accessOf(r *http.Request, body []byte) access {
	route := strings.Trim(strings.TrimPrefix(r.URL.Path, "/2013-04-01"), "/")
	if route == "" { // a query API
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return access{action: err.Error()}
		}
		return access{action: "elasticloadbalancing:" + form.Get("Action"), resource: "*"}
	}
	for _, o := range operations() {
		if ok, err := path.Match(o.path, route); err != nil || !ok || o.method != r.Method {
			continue
		}
		a := access{action: "route53:" + o.action, resource: o.arn}
		if strings.Contains(o.arn, "%s") {
			a.resource = fmt.Sprintf(o.arn, strings.Split(route, "/")[1])
		}
		if o.action == "ChangeResourceRecordSets" {
			a.names, a.types, a.changes = changesOf(body)
		}
		return a
	}
	return access{action: r.Method + " " + r.URL.Path}
}

// changesOf reads the values of the three condition keys from a change batch.
func changesOf(body []byte) (names, types, actions []string) {
	var batch struct {
		Changes []struct {
			Action            string
			ResourceRecordSet struct{ Name, Type string }
		} `xml:"ChangeBatch>Changes>Change"`
	}
	if err := xml.Unmarshal(body, &batch); err != nil {
		return []string{err.Error()}, []string{err.Error()}, []string{err.Error()}
	}
	for _, c := range batch.Changes {
		names = append(names, strings.ToLower(strings.TrimSuffix(c.ResourceRecordSet.Name, ".")))
		types = append(types, c.ResourceRecordSet.Type)
		actions = append(actions, c.Action)
	}
	return names, types, actions
}

// The evaluation above is held to the cases that matter.
func TestConditionsRestrictWhatABatchMayDo(t *testing.T) {
	batch := func(action, recordType, name string) access {
		return access{"route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z1", []string{"app1.example.com", name},
			[]string{"A", recordType}, []string{"DELETE", action}}
	}
	elsewhere := batch("DELETE", "A", "app2.example.com")
	elsewhere.resource = "arn:aws:route53:::hostedzone/Z2"
	for _, c := range []struct {
		policy string
		access access
		want   bool
	}{
		{"apply", batch("CREATE", "AAAA", "app2.example.com"), true},
		{"apply", batch("CREATE", "MX", "app2.example.com"), false},
		{"apply", batch("CREATE", "A", "example.com"), false},
		{"apply", batch("CREATE", "CNAME", "app2.example.com"), false},
		{"adopt", batch("DELETE", "CNAME", "app2.example.com"), true},
		{"adopt", batch("DELETE", "TXT", "app2.example.com"), false},
		{"destroy", batch("DELETE", "A", "app2.example.com"), true},
		{"destroy", batch("CREATE", "A", "app2.example.com"), false},
		{"destroy", elsewhere, false},
		{"plan", batch("CREATE", "A", "app2.example.com"), false},
	} {
		if got := readDocument(t, c.policy, "Z1").allows(c.access); got != c.want {
			t.Errorf("%s.json allows %+v: %v, want %v", c.policy, c.access, got, c.want)
		}
	}
}
