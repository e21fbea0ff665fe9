package failover

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Annotations by which an Ingress asks for failover without a FailoverPolicy of its own.
const (
	annotationPrefix = "bulkhead.dev/"
	// FailoverAnnotation is "true" for every host of the Ingress, or a list of hosts, separated by commas.
	FailoverAnnotation = annotationPrefix + "failover"
)

// An AnnotatedIngress is what FromAnnotations reads of an Ingress.
type AnnotatedIngress struct {
	Namespace, Name string
	Annotations     map[string]string
	Hosts           []string // of its rules; those without a host are ""
}

// FromAnnotations makes one policy for each host of an Ingress that asks for failover by annotation, ordered by hostname,
// and none for an Ingress that does not. Settings are bulkhead.dev/<setting> for all hosts and
// bulkhead.dev/<host>.<setting> for one, which wins; settings lists them. The policies are neither completed nor judged.
//
// The error is Problems, with a path such as metadata.annotations["bulkhead.dev/path"]; there are no policies then, so that a
// misspelt setting does not program half of what was meant.
func FromAnnotations(in AnnotatedIngress) ([]Policy, error) {
	asked := strings.TrimSpace(in.Annotations[FailoverAnnotation])
	if asked == "" || asked == "false" {
		return nil, nil
	}
	r := annotationReader{in: in}
	hosts := r.hosts(asked)
	shared, own := r.sort(hosts)
	var policies []Policy
	for _, host := range hosts {
		p := Policy{APIVersion: APIVersion, Kind: PolicyKind}
		p.Metadata = Metadata{Namespace: in.Namespace, Name: annotatedName(in.Name, host)}
		p.Spec = PolicySpec{Hostname: host, TargetRef: &TargetRef{Kind: IngressTarget, Name: in.Name}}
		merged := maps.Clone(shared)
		maps.Copy(merged, own[host])
		for _, name := range sortedKeys(merged) {
			r.set(&p.Spec, name, merged[name])
		}
		policies = append(policies, p)
	}
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return policies, nil
}

// annotatedName is the name of the policy that stands for a host of an Ingress: the same in every cluster, so that all
// clusters' checks belong together. Long names end in a hash.
func annotatedName(ingress, host string) string {
	name := ingress + "." + host
	if len(name) <= maxName {
		return name
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	const digits = 16
	return strings.TrimRight(name[:maxName-digits-1], "-.") + fmt.Sprintf("-%016x", h.Sum64())
}

// A setting is one annotation's word.
type setting struct{ key, value string }

type annotationReader struct {
	in       AnnotatedIngress
	problems Problems
}

func (r *annotationReader) refuse(key string, value any, format string, args ...any) {
	r.problems.add(r.in.Namespace+"/"+r.in.Name, fmt.Sprintf("metadata.annotations[%q]", key), value, format, args...)
}

// hosts are those that fail over, in order.
func (r *annotationReader) hosts(asked string) []string {
	var named []string
	for _, host := range r.in.Hosts {
		if host != "" && !strings.HasPrefix(host, "*.") {
			named = append(named, host)
		}
	}
	slices.Sort(named)
	named = slices.Compact(named)
	if asked == "true" {
		if len(named) == 0 {
			r.refuse(FailoverAnnotation, asked, "no rule of the Ingress has a host; one without *. is needed, such as app1.example.com")
		}
		return named
	}
	var hosts []string
	for host := range strings.SplitSeq(asked, ",") {
		host = strings.TrimSpace(host)
		if !slices.Contains(named, host) {
			r.refuse(FailoverAnnotation, host, "must be true, false, or hosts of the Ingress: %s", or(strings.Join(named, ", "), "it has none"))
			continue
		}
		hosts = append(hosts, host)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// sort tells the settings of all hosts from those of one.
func (r *annotationReader) sort(hosts []string) (shared map[string]setting, own map[string]map[string]setting) {
	shared, own = map[string]setting{}, map[string]map[string]setting{}
	for _, key := range sortedKeys(r.in.Annotations) {
		name, ours := strings.CutPrefix(key, annotationPrefix)
		if !ours || key == FailoverAnnotation {
			continue
		}
		host, word := "", name
		if i := strings.LastIndexByte(name, '.'); i >= 0 {
			host, word = name[:i], name[i+1:]
		}
		s := setting{key, strings.TrimSpace(r.in.Annotations[key])}
		switch {
		case !slices.Contains(settingNames(), word):
			r.refuse(key, nil, "unknown setting%s", suggestion(word, settingNames()))
		case host == "":
			shared[word] = s
		case !slices.Contains(hosts, host):
			r.refuse(key, nil, "%s is not a host that fails over: %s", host, or(strings.Join(hosts, ", "), "none does"))
		default:
			if own[host] == nil {
				own[host] = map[string]setting{}
			}
			own[host][word] = s
		}
	}
	return shared, own
}

// settingNames lists what may follow bulkhead.dev/ in an annotation.
func settingNames() []string {
	return []string{"class", "type", "port", "path", "host-header", "search-string", "request-interval", "failure-threshold",
		"routing", "order", "weights", "rto"}
}

// set gives a spec what an annotation says.
func (r *annotationReader) set(spec *PolicySpec, name string, s setting) {
	h := &spec.HealthCheck
	switch name {
	case "class":
		spec.ClassRef = &ClassRef{Name: s.value}
	case "type":
		h.Type = s.value
	case "port":
		h.Port = r.number(s)
	case "path":
		h.Path = s.value
	case "host-header":
		h.HostHeader = s.value
	case "search-string":
		h.SearchString = s.value
	case "request-interval":
		h.RequestInterval = r.number(s)
	case "failure-threshold":
		h.FailureThreshold = r.number(s)
	case "routing":
		spec.Routing.Policy = s.value
	case "order":
		for region := range strings.SplitSeq(s.value, ",") {
			spec.Routing.Order = append(spec.Routing.Order, strings.TrimSpace(region))
		}
	case "weights":
		spec.Routing.Weights = r.weights(s)
	case "rto":
		if spec.Objectives.RTO.UnmarshalText([]byte(s.value)) != nil {
			r.refuse(s.key, s.value, "must be a duration such as 90s or 1m30s")
		}
	}
}

func (r *annotationReader) number(s setting) *int {
	n, err := strconv.Atoi(s.value)
	if err != nil {
		r.refuse(s.key, s.value, "must be a whole number")
		return nil
	}
	return &n
}

// weights reads eu-west-1=90,eu-central-1=10.
func (r *annotationReader) weights(s setting) map[string]int64 {
	weights := map[string]int64{}
	for part := range strings.SplitSeq(s.value, ",") {
		region, text, ok := strings.Cut(strings.TrimSpace(part), "=")
		weight, err := strconv.ParseInt(text, 10, 64)
		if !ok || err != nil {
			r.refuse(s.key, s.value, "must be a list such as eu-west-1=90,eu-central-1=10")
			return nil
		}
		weights[region] = weight
	}
	return weights
}
