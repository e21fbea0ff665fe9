package plan

import (
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// TagHostnames is the tag of a check that lists the names of its record sets, those that it has and those that it had,
// the last one first, with a space in between.
const TagHostnames = "bulkhead.dev/hostnames"

const maxTagValue = 256 // r53: C.3

// Owners tells which record sets are Bulkhead's. Anybody can have a record set cite a check, so the check alone says
// nothing: a record set is ours when its check is ours, its SetIdentifier is the Region of the check, and its name is
// one that the check has or had.
type Owners struct {
	keys  map[string]string          // key by id, of checks that are ours
	names map[string]map[string]bool // by id, what the tag lists; nil where there is no such tag
}

// NewOwners returns the owners of the record sets of a current state. A check without TagHostnames, which older
// versions made, speaks for a name when it is the only one that cites the check with the SetIdentifier of its Region.
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

// add notes a check that is ours.
func (o *Owners) add(c *Check, key string) {
	o.keys[c.ID] = key
	if listed := hostnamesOf(c); listed != nil {
		o.names[c.ID] = make(map[string]bool, len(listed))
		for _, name := range listed {
			o.names[c.ID][name] = true
		}
	}
}

// guess notes the names that checks without TagHostnames speak for.
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

// want notes that a check speaks for a name, whatever its tags say.
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

// listed is how TagHostnames lists a name: as people write it, or as a hash where it is long or has characters that a
// tag must not have.
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

// hostnamesTag returns the tag of a check that speaks for names now: what it had stays behind them, as much as fits. ok
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

// reportBorrowers tells of record sets that cite a check of the plan's policies and are somebody else's.
func (d *differ) reportBorrowers() {
	for i := range d.current.Records {
		set := &d.current.Records[i].Set
		if key := d.owners.Borrows(set); d.mayTouchCheck(set.HealthCheckID, key) &&
			!slices.Contains(d.guard.Adopt, set.Name) {
			d.report(PolicyOf(key), Describe(set), "%s", Borrowed(key, set.HealthCheckID))
		}
	}
}

// Borrowed says what it means that a record set which is not ours cites a check of ours.
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

// own notes which record sets are ours, once it is known which checks are.
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
