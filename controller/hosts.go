package controller

import (
	"regexp"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/failover"
)

// A host is the condition on the Host header, or on the name in SNI, that a rule or a listener has.
type host struct {
	text string // in lower case; "" is any
	form hostForm
}

type hostForm int

const (
	oneLabel   hostForm = iota // a leading "*." stands for exactly one label: the Ingress API
	someLabels                 // a leading "*." stands for one label or more: the Gateway API
	wildcards                  // * stands for any characters, ? for one: conditions of an Application Load Balancer
	expression                 // a regular expression: conditions of an Application Load Balancer
)

func ingressHost(text string) host { return host{strings.ToLower(text), oneLabel} }

func gatewayHost(text string) host { return host{strings.ToLower(text), someLabels} }

// takes reports whether requests for a name fall under a host. An expression that cannot be read takes everything: this is for notes,
// and a note that is not true is worse than none.
func (h host) takes(name string) bool {
	name = bare(name)
	if h.text == "" {
		return true
	}
	switch h.form {
	case wildcards:
		return failover.Route([]failover.ListenerRule{{Host: h.text}}, 0, name, "") != nil
	case expression:
		e, err := regexp.Compile("(?i)" + h.text)
		return err != nil || e.MatchString(name)
	}
	below, wild := strings.CutPrefix(h.text, "*.")
	if !wild {
		return bare(h.text) == name
	}
	label, under := strings.CutSuffix(name, "."+bare(below))
	return under && label != "" && (h.form == someLabels || !strings.Contains(label, "."))
}

func takes(hosts []host, name string) bool {
	return slices.ContainsFunc(hosts, func(h host) bool { return h.takes(name) })
}

// bare is a name as it is compared: in lower case, without the dot at the end.
func bare(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }
