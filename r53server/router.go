package r53server

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

const version = "/2013-04-01"

// A router finds the operation of a request. It is built once and never changes.
type router struct {
	byMethod map[string][]routePattern
}

// A routePattern is a route whose pattern is split at the slashes.
type routePattern struct {
	route
	segments []string
}

func newRouter(routes []route) router {
	r := router{byMethod: map[string][]routePattern{}}
	for _, route := range routes {
		p := routePattern{route, strings.Split(route.pattern, "/")}
		r.byMethod[route.method] = append(r.byMethod[route.method], p)
	}
	return r
}

// find returns the operation of a method and a percent-encoded path, and the path's parameters. A trailing slash makes
// no difference (r53: C.1).
func (r router) find(method, path string) (route, map[string]string, error) {
	rest, ok := strings.CutPrefix(path, version)
	if !ok {
		return route{}, nil, unknownOperation(method, path)
	}
	segments := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	for _, p := range r.byMethod[method] {
		if params, ok := p.match(segments); ok {
			return p.route, params, nil
		}
	}
	return route{}, nil, unknownOperation(method, path)
}

// match compares segment by segment and returns what stands in the place of the pattern's {names}.
func (p routePattern) match(segments []string) (map[string]string, bool) {
	if len(p.segments) != len(segments) {
		return nil, false
	}
	params := map[string]string{}
	for i, want := range p.segments {
		if !strings.HasPrefix(want, "{") {
			if want != segments[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(segments[i])
		if err != nil || value == "" {
			return nil, false
		}
		name := strings.Trim(want, "{}")
		if name != "ResourceId" { // of the tag operations, which take bare ids only (r53: C.1)
			value = bareID(value)
		}
		params[name] = value
	}
	return params, true
}

// bareID strips "/hostedzone/", "/change/" and the like, as SDKs do before they send. r53: C.1, ID prefixes.
func bareID(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// An Operation is one operation of the Route 53 API.
type Operation struct {
	Name, Method, Path string // the path below the API version, with {parameters}
	// Supported is false for features that the engine does not have: their lists are empty, and changes are refused.
	Supported bool
}

// Operations lists the whole API by name, without the engine's extensions.
func Operations() []Operation {
	var all []Operation
	for _, r := range supported() {
		all = append(all, Operation{r.operation, r.method, r.pattern, true})
	}
	for _, r := range unsupported() {
		all = append(all, Operation{r.operation, r.method, r.pattern, false})
	}
	slices.SortFunc(all, func(a, b Operation) int { return cmp.Compare(a.Name, b.Name) })
	return all
}
