package plan

import (
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// TagHostnames is the tag of a check that lists the names of its present and former record sets, the latest first,
// separated by spaces.
const TagHostnames = "bulkhead.dev/hostnames"

const maxTagValue = 256 // r53: C.3

// Owners knows which record sets are Bulkhead's. Anybody can make a record set cite a check, so the check alone proves
// nothing. A record set is ours when its check is ours, its SetIdentifier is the Region of the check, and the check's
// TagHostnames lists its name.
type Owners struct {
	keys  map[string]string          // key by id, of checks that are ours
	names map[string]map[string]bool // by id, what the tag lists; nil where there is no such tag
}

// NewOwners returns the owners of the record sets of a current state. Older versions made checks without TagHostnames.
// Such a check counts for a name if this is the only name whose record sets cite the check with its Region as
// SetIdentifier.
func NewOwners(s State) *Owners {
	o := &Owners{keys: make(map[string]string, len(s.Checks)), names: make(map[string]map[string]bool, len(s.Checks))}
	for i := range s.Checks {
		if c := &s.Checks[i]; c.Owned() {
			o.add(c, c.Key)
		}
	}
	o.guess(s.Records)
	return o
}

// add records a check that is ours.
func (o *Owners) add(c *Check, key string) {
	o.keys[c.ID] = key
	if listed := hostnamesOf(c); listed != nil {
		o.names[c.ID] = make(map[string]bool, len(listed))
		for _, name := range listed {
			o.names[c.ID][name] = true
		}
	}
}

// guess finds the names that checks without TagHostnames count for.
func (o *Owners) guess(records []Record) {
	guessed := make(map[string]map[string]bool)
	for i := range records {
		set := &records[i].Set
		id := set.HealthCheckID
		if key := o.keys[id]; key == "" || o.names[id] != nil || set.SetIdentifier != RegionOf(key) {
			continue
		}
		if guessed[id] == nil {
			guessed[id] = make(map[string]bool)
		}
		guessed[id][hostnameEntry(set.Name)] = true
	}
	for id, names := range guessed {
		if len(names) == 1 {
			o.names[id] = names
		}
	}
}

// want makes a check count for a name, whatever its tags say.
func (o *Owners) want(id string, name zone.Name) {
	if o.names[id] == nil {
		o.names[id] = make(map[string]bool)
	}
	o.names[id][hostnameEntry(name)] = true
}

// Key returns the key of the check that a record set belongs to, empty when it is not ours.
func (o *Owners) Key(set *zone.ResourceRecordSet) string {
	key := o.keys[set.HealthCheckID]
	if key == "" || set.SetIdentifier != RegionOf(key) || !o.names[set.HealthCheckID][hostnameEntry(set.Name)] {
		return ""
	}
	return key
}

// Borrows returns the key of a check of ours that a record set cites although it is not ours itself, else "".
func (o *Owners) Borrows(set *zone.ResourceRecordSet) string {
	if set.HealthCheckID == "" || o.Key(set) != "" {
		return ""
	}
	return o.keys[set.HealthCheckID]
}

// hostnamesOf returns what a check's TagHostnames lists, nil when it has no such tag.
func hostnamesOf(c *Check) []string {
	i := slices.IndexFunc(c.Tags, func(t tagging.Tag) bool { return t.Key == TagHostnames })
	if i < 0 {
		return nil
	}
	return append([]string{}, strings.Fields(c.Tags[i].Value)...)
}

// hostnameEntry returns how TagHostnames lists a name: as people write it, or as a hash if the name is long or has
// characters that a tag must not have.
func hostnameEntry(n zone.Name) string {
	const long = 120 // two fit into a tag
	text := strings.TrimSuffix(string(n), ".")
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_'
	}
	if len(text) > long || strings.ContainsFunc(text, func(c rune) bool { return !plain(c) }) {
		return hashed(text)
	}
	return text
}

// hostnamesTag returns the tag of a check that counts for names now. The former entries follow them, as many as fit. ok
// is false when there is nothing to list.
func hostnamesTag(had []string, names []zone.Name) (tag tagging.Tag, ok bool) {
	var list []string
	for _, n := range slices.SortedFunc(slices.Values(names), zone.Compare) {
		if entry := hostnameEntry(n); !slices.Contains(had, entry) {
			list = append(list, entry)
		}
	}
	list = slices.Concat(slices.Compact(list), had)
	for len(list) > 1 && len(strings.Join(list, " ")) > maxTagValue {
		list = list[:len(list)-1]
	}
	return tagging.Tag{Key: TagHostnames, Value: strings.Join(list, " ")}, len(list) > 0
}

// wantedNames returns the names of wanted record sets, by the key of their check.
func wantedNames(records []Record) map[string][]zone.Name {
	names := make(map[string][]zone.Name)
	for i := range records {
		key, name := records[i].CheckKey, records[i].Set.Name
		if key != "" && !slices.Contains(names[key], name) {
			names[key] = append(names[key], name)
		}
	}
	return names
}

// reportBorrowers reports record sets that cite a check of the plan's policies and belong to somebody else.
func (d *differ) reportBorrowers() {
	for i := range d.current.Records {
		set := &d.current.Records[i].Set
		if key := d.owners.Borrows(set); d.mayTouchCheck(set.HealthCheckID, key) &&
			!slices.Contains(d.guard.Adopt, set.Name) {
			d.report(PolicyOf(key), Describe(set), "%s", Borrowed(key, set.HealthCheckID))
		}
	}
}

// Borrowed explains a record set that is not ours and cites a check of ours.
func Borrowed(key, id string) string {
	return "cites health check " + id + " of " + key +
		" and is not Bulkhead's: it stays as it is, and so does the check as long as it is " +
		"cited. Give it a health check of its own"
}

// ownedHere returns how many record sets are ours and within the guard's Regions.
func (d *differ) ownedHere() int {
	n := 0
	for i := range d.current.Records {
		if key := d.owner(&d.current.Records[i]); key != "" && d.guard.covers(RegionOf(key)) {
			n++
		}
	}
	return n
}

// findOwners finds the record sets that are ours, from the checks that are ours.
func (d *differ) findOwners(wanted map[string][]zone.Name) {
	d.owners = &Owners{keys: d.owned, names: make(map[string]map[string]bool, len(d.owned))}
	for id, key := range d.owned {
		d.owners.add(d.byID[id], key)
	}
	d.owners.guess(d.current.Records)
	for id, key := range d.owned {
		for _, name := range wanted[key] {
			d.owners.want(id, name)
		}
	}
}
