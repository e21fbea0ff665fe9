package failover

import (
	"fmt"
	"hash/fnv"
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

// Bounds of what annotations of one Ingress may ask for, and of what is told about them.
const (
	maxAnnotatedHosts  = 100
	maxAnnotation      = 1024 // bytes of a setting's value
	maxAnnotationsTold = 5    // problems; the others are counted
)

// Asked reports whether the annotations of an Ingress ask for failover.
func Asked(annotations map[string]string) bool {
	asked := strings.TrimSpace(annotations[FailoverAnnotation])
	return asked != "" && asked != "false"
}

// FromAnnotations makes one policy for each host of an Ingress that asks for failover by annotation, ordered by
// hostname, and none for an Ingress that does not. Settings are bulkhead.dev/<setting> for all hosts and
// bulkhead.dev/<host>.<setting> for one, which wins; settings lists them. The policies are neither completed nor
// judged.
//
// The error is Problems, with a path such as metadata.annotations["bulkhead.dev/path"]; there are no policies then, so
// that a misspelt setting does not program half of what was meant. It is one for the whole Ingress, of bounded length
// whatever the Ingress has. An Ingress may ask for 100 hosts at most.
func FromAnnotations(in AnnotatedIngress) ([]Policy, error) {
	asked := strings.TrimSpace(in.Annotations[FailoverAnnotation])
	if !Asked(in.Annotations) {
		return nil, nil
	}
	r := annotationReader{in: in}
	hosts := r.hosts(asked)
	if len(r.problems) > 0 { // nothing can be told from hosts that are not known
		return nil, r.err()
	}
	shared, own := r.sort(hosts)
	var common PolicySpec
	r.fill(&common, shared)
	var policies []Policy
	for _, host := range hosts {
		p := annotatedPolicy(in, host)
		p.Spec = *common.DeepCopy()
		p.Spec.Hostname, p.Spec.TargetRef = host, &TargetRef{Kind: IngressTarget, Name: in.Name}
		r.fill(&p.Spec, own[host])
		policies = append(policies, p)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return policies, nil
}

// AnnotatedHosts are the policies that FromAnnotations could make of the hosts of an Ingress, with nothing but identity
// and hostname, whatever the annotations say: what is programmed for them stays while the annotations are refused.
func AnnotatedHosts(in AnnotatedIngress) []Policy {
	var policies []Policy
	for _, host := range in.named() {
		p := annotatedPolicy(in, host)
		p.Spec.Hostname = host
		policies = append(policies, p)
	}
	return policies
}

func annotatedPolicy(in AnnotatedIngress, host string) Policy {
	return Policy{APIVersion: APIVersion, Kind: PolicyKind,
		Metadata: Metadata{Namespace: in.Namespace, Name: annotatedName(in.Name, host)}}
}

// named are the hosts of the rules that name one, in order.
func (in AnnotatedIngress) named() []string {
	var named []string
	for _, host := range in.Hosts {
		if host != "" && !strings.HasPrefix(host, "*.") {
			named = append(named, host)
		}
	}
	slices.Sort(named)
	return slices.Compact(named)
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

// An annotationReader reads the settings of one Ingress, and keeps the first few problems.
type annotationReader struct {
	in       AnnotatedIngress
	problems Problems
	more     int // problems that are counted only
}

func (r *annotationReader) refuse(key string, value any, format string, args ...any) {
	if len(r.problems) == maxAnnotationsTold {
		r.more++
		return
	}
	r.problems.add(r.in.Namespace+"/"+r.in.Name, fmt.Sprintf("metadata.annotations[%q]", key), value, format, args...)
}

// err is everything that was refused.
func (r *annotationReader) err() error {
	if r.more > 0 {
		r.problems.add(r.in.Namespace+"/"+r.in.Name, "metadata.annotations", nil, "and %d more", r.more)
	}
	return r.problems.err()
}

// hosts are those that fail over, in order.
func (r *annotationReader) hosts(asked string) []string {
	named := r.in.named()
	hosts := named
	if asked == "true" && len(named) == 0 {
		r.refuse(FailoverAnnotation, asked, "no rule of the Ingress has a host; one without *. is needed, such as "+
			"app1.example.com")
	}
	if asked != "true" {
		hosts = nil
		for host := range strings.SplitSeq(asked, ",") {
			host = strings.TrimSpace(host)
			if _, found := slices.BinarySearch(named, host); !found {
				r.refuse(FailoverAnnotation, host, "must be true, false, or hosts of the Ingress: %s",
					or(few(named), "it has none"))
				continue
			}
			hosts = append(hosts, host)
		}
		slices.Sort(hosts)
		hosts = slices.Compact(hosts)
	}
	if len(hosts) > maxAnnotatedHosts {
		r.refuse(FailoverAnnotation, nil, "asks for %d hosts: at most %d of an Ingress; name hosts, use several "+
			"Ingresses, or FailoverPolicies", len(hosts), maxAnnotatedHosts)
	}
	return hosts
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
			if len(r.problems) < maxAnnotationsTold {
				r.refuse(key, nil, "unknown setting%s", suggestion(word, settingNames()))
			} else {
				r.more++
			}
		case len(s.value) > maxAnnotation:
			r.refuse(key, nil, "has %d bytes: at most %d", len(s.value), maxAnnotation)
		case host == "":
			shared[word] = s
		case !slices.Contains(hosts, host):
			r.refuse(key, nil, "%s is not a host that fails over: %s", host, or(few(hosts), "none does"))
		default:
			if own[host] == nil {
				own[host] = map[string]setting{}
			}
			own[host][word] = s
		}
	}
	return shared, own
}

// fill gives a spec what settings say.
func (r *annotationReader) fill(spec *PolicySpec, settings map[string]setting) {
	for _, name := range sortedKeys(settings) {
		r.set(spec, name, settings[name])
	}
}

// settingNames lists what may follow bulkhead.dev/ in an annotation.
func settingNames() []string {
	return []string{"class", "type", "port", "path", "host-header", "search-string", "request-interval",
		"failure-threshold",
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
		spec.Routing.Order = nil
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
