package apply

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// DefaultClass is the name of the class that policies without a classRef go by, where there is one.
const DefaultClass = "default"

// A Group is policies that are made for one class.
type Group struct {
	Class    *failover.Class // nil: none
	Policies []failover.Policy
}

// ErrNoPolicies refuses an empty source: that nothing is wanted is more often a mistake than a wish.
var ErrNoPolicies = errors.New("no FailoverPolicy is there: an empty source never means to delete all; to remove an " +
	"application, destroy it by name")

// GroupByClass sorts the policies of files by the class that they are made for: the one that classRef names, else the
// one called DefaultClass, else none. Groups are in the order of their classes' names, policies in that of the files.
//
// The error is ErrNoPolicies, or failover.Problems with the places in the files: a class that is not there, a class or
// policy that is there twice, a hostname that two policies claim, and classes that are for different accounts.
func GroupByClass(objects []failover.Object) ([]Group, error) {
	s := source{classes: make(map[string]failover.Object), keys: make(map[string]failover.Object),
		names: make(map[zone.Name]failover.Object)}
	for _, o := range objects {
		if o.Class != nil {
			s.class(o)
		}
	}
	byClass := make(map[string]*Group)
	for _, o := range objects {
		if o.Policy == nil {
			continue
		}
		s.unique(o)
		name, known := s.classOf(o)
		if !known {
			continue
		}
		if byClass[name] == nil {
			byClass[name] = &Group{Class: s.classes[name].Class}
		}
		byClass[name].Policies = append(byClass[name].Policies, *o.Policy)
	}
	s.oneAccount(byClass)
	switch {
	case len(s.problems) > 0:
		return nil, s.problems
	case len(byClass) == 0:
		return nil, ErrNoPolicies
	}
	var groups []Group
	for _, name := range sortedKeys(byClass) {
		groups = append(groups, *byClass[name])
	}
	return groups, nil
}

// A source is the documents of all files, by what they must not share.
type source struct {
	classes  map[string]failover.Object    // by name
	keys     map[string]failover.Object    // policies by key
	names    map[zone.Name]failover.Object // policies by hostname
	problems failover.Problems
}

func (s *source) refuse(where, path, value, reason string) {
	s.problems = append(s.problems, failover.Problem{Where: where, Path: path, Value: value, Reason: reason})
}

func (s *source) class(o failover.Object) {
	name := o.Class.Metadata.Name
	if other, taken := s.classes[name]; taken {
		s.refuse(o.At("metadata.name"), "metadata.name", name,
			"the FailoverClass is at "+other.At("metadata.name")+" already")
		return
	}
	s.classes[name] = o
}

// unique refuses what another policy has.
func (s *source) unique(o failover.Object) {
	key := o.Policy.Key()
	if other, taken := s.keys[key]; taken {
		s.refuse(o.At("metadata.name"), "metadata.name", key,
			"the FailoverPolicy is at "+other.At("metadata.name")+" already")
		return
	}
	s.keys[key] = o
	name, err := zone.ParseName(o.Policy.Spec.Hostname)
	if err != nil {
		return // Validate says so
	}
	if other, taken := s.names[name]; taken {
		s.refuse(o.At("spec.hostname"), "spec.hostname", o.Policy.Spec.Hostname,
			"is the hostname of "+other.Policy.Key()+" at "+other.At("spec.hostname")+": a name belongs to one policy")
		return
	}
	s.names[name] = o
}

// classOf is the name of a policy's class, "" for none.
func (s *source) classOf(o failover.Object) (name string, known bool) {
	ref := o.Policy.Spec.ClassRef
	if ref == nil {
		if _, given := s.classes[DefaultClass]; given {
			return DefaultClass, true
		}
		return "", true
	}
	if _, given := s.classes[ref.Name]; !given {
		there := "none"
		if len(s.classes) > 0 {
			there = strings.Join(sortedKeys(s.classes), ", ")
		}
		s.refuse(o.At("spec.classRef.name"), "spec.classRef.name", ref.Name, "this FailoverClass is not among the files; "+
			"there: "+there)
		return "", false
	}
	return ref.Name, true
}

// oneAccount refuses classes for different accounts: a run has one. A class that leaves something open goes with the
// others.
func (s *source) oneAccount(groups map[string]*Group) {
	for _, field := range []struct {
		path string
		of   func(failover.ClassSpec) string
	}{
		{"spec.provider", func(c failover.ClassSpec) string { return string(c.Provider) }},
		{"spec.endpoint", func(c failover.ClassSpec) string { return c.Endpoint }},
	} {
		var first failover.Object
		for _, name := range sortedKeys(groups) {
			o := s.classes[name]
			switch {
			case name == "" || field.of(o.Class.Spec) == "":
			case first.Class == nil:
				first = o
			case field.of(o.Class.Spec) != field.of(first.Class.Spec):
				s.refuse(o.At(field.path), field.path, field.of(o.Class.Spec), "the class "+first.Class.Metadata.Name+" has "+
					field.of(first.Class.Spec)+" at "+first.At(field.path)+": policies of one run go to one account, run them one "+
					"after the other")
			}
		}
	}
}

// Account returns a class that says where the groups' policies go, nil when none of them does. It has nothing but the
// provider and the endpoint.
func Account(groups []Group) *failover.Class {
	var account failover.Class
	for _, g := range groups {
		if g.Class != nil {
			account.Spec.Provider = cmp.Or(account.Spec.Provider, g.Class.Spec.Provider)
			account.Spec.Endpoint = cmp.Or(account.Spec.Endpoint, g.Class.Spec.Endpoint)
		}
	}
	if account.Spec.Provider == "" && account.Spec.Endpoint == "" {
		return nil
	}
	return &account
}

// Locate says of each problem in err where it is in the files, instead of whose it is. What is no failover.Problems is
// returned as it is.
func Locate(objects []failover.Object, err error) error {
	var problems failover.Problems
	if !errors.As(err, &problems) {
		return err
	}
	located := slices.Clone(problems)
	for i := range located {
		p := &located[i]
		for _, o := range objects {
			if o.Policy != nil && o.Policy.Key() == p.Where || o.Class != nil && o.Class.Metadata.Name == p.Where {
				p.Where = o.At(p.Path) + ": " + p.Where
				break
			}
		}
	}
	return located
}
