package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// Diff returns the plan that leads from current to desired for the policies that desired has checks of. Policies that
// it does not mention stay as they are and are reported. So an empty desired state changes nothing; Destroy removes
// policies. The order of the lists in the states does not matter.
//
// The error is *Refused when the plan must not be executed. It has the reasons that the returned plan shows as
// Refusals: the desired state contradicts itself, others hold names or record sets, the guard or the account's quotas
// do not allow the plan, or Route 53 would not accept it.
func Diff(current, desired State, guard Guard) (Plan, error) {
	d := newDiffer(current, guard)
	for _, c := range desired.Checks {
		d.managed[PolicyOf(c.Key)] = true
	}
	return d.run(desired)
}

// Destroy returns the plan that removes the checks and record sets of policies, "<namespace>/<policy>", within the
// guard's Regions. Their names may be left without an answer. The error is *Refused as for Diff.
func Destroy(current State, policies []string, guard Guard) (Plan, error) {
	d := newDiffer(current, guard)
	for _, policy := range policies {
		d.managed[policy] = true
		d.destroyed[policy] = true
	}
	return d.run(State{Zones: current.Zones})
}

// A differ makes one plan.
type differ struct {
	guard     Guard
	managed   map[string]bool // policies that the plan may change
	destroyed map[string]bool // those of them that are to go

	current         State
	zones           map[string]zone.HostedZone // by id, of both states
	byID            map[string]*Check          // existing checks
	owned           map[string]string          // key by id, of existing checks that are ours
	unmarked        map[string]bool            // ids of those that still need their tags
	byKey           map[string][]*Check        // existing checks that are ours and in reach
	generations     map[string]int             // highest generation of caller references, by key or its hash
	refs            map[string]int             // record sets that refer to a check id; in the end: after the plan
	ownRefs         map[string]int             // those of them that are ours; before the plan
	bound           map[string]string          // id of the existing check that a wanted key goes on with
	unheld          map[string]health.Config   // of existing checks that are ours, by id: as echoed, without holds
	held            map[string]Hold            // by id, of existing checks that are ours
	released        map[string]bool            // ids of those that the plan releases
	verified        map[string]bool            // ids of those that a record set of their Region cites
	policyNames     map[string][]NameInZone    // by policy: where its record sets are or are wanted
	waitsForRelease map[string]bool            // keys whose change waits until their check is released
	owners          *Owners
	cuts            map[NameInZone]*zone.ResourceRecordSet // delegations
	names           map[string][]zone.Name                 // of wanted record sets, by the key of their check
	wantedAt        map[string]map[string]bool             // how they are listed, by policy
	// inherited are the checks that a policy of the plan takes over from its predecessor, by id: the key that they are to
	// have.
	inherited     map[string]string
	otherClusters map[string]string // checks of ours that other clusters look after, by id: the cluster
	heldKeys      map[string]string // the first of them by key
	routingAsked  map[string]string // what TagRouting says, by key of the check
	routingTagged map[string]bool   // keys whose checks get the tag although they do not have it
	seized        map[string]string // those that the plan takes over from another cluster

	plan        Plan
	wait        Wait
	batches     []Step
	recordBlast blast
	checkBlast  blast
}

func newDiffer(current State, guard Guard) *differ {
	d := &differ{
		guard:           guard,
		managed:         make(map[string]bool),
		destroyed:       make(map[string]bool),
		current:         current,
		zones:           make(map[string]zone.HostedZone),
		byID:            make(map[string]*Check, len(current.Checks)),
		owned:           make(map[string]string, len(current.Checks)),
		unmarked:        make(map[string]bool),
		byKey:           make(map[string][]*Check, len(current.Checks)),
		generations:     make(map[string]int),
		refs:            make(map[string]int, len(current.Records)),
		ownRefs:         make(map[string]int, len(current.Records)),
		bound:           make(map[string]string),
		unheld:          make(map[string]health.Config, len(current.Checks)),
		held:            make(map[string]Hold),
		released:        make(map[string]bool),
		verified:        make(map[string]bool),
		policyNames:     make(map[string][]NameInZone),
		waitsForRelease: make(map[string]bool),
		inherited:       make(map[string]string),
		otherClusters:   make(map[string]string),
		heldKeys:        make(map[string]string),
		routingAsked:    make(map[string]string),
		routingTagged:   make(map[string]bool),
		seized:          make(map[string]string),
	}
	for _, z := range current.Zones {
		d.zones[z.ID] = z
	}
	for i := range current.Checks {
		d.byID[current.Checks[i].ID] = &current.Checks[i]
	}
	return d
}

func (d *differ) refuse(policy, object, format string, args ...any) {
	d.plan.Refusals = append(d.plan.Refusals, Finding{Policy: policy, Object: object, Text: fmt.Sprintf(format, args...)})
}

// refuseAs refuses for a reason that programs know.
func (d *differ) refuseAs(f Finding) { d.plan.Refusals = append(d.plan.Refusals, f) }

func (d *differ) report(policy, object, format string, args ...any) {
	d.plan.Reports = append(d.plan.Reports, Finding{Policy: policy, Object: object, Text: fmt.Sprintf(format, args...)})
}

// inReach reports whether the plan may touch what belongs to a key.
func (d *differ) inReach(key string) bool {
	return key != "" && d.managed[PolicyOf(key)] && d.guard.covers(RegionOf(key))
}

// owner returns the key that an existing record set belongs to, empty when it is not ours.
func (d *differ) owner(r *Record) string {
	key := d.owners.Key(&r.Set)
	if key == "" || d.inherited[r.Set.HealthCheckID] != "" {
		return key
	}
	if c := d.byID[r.Set.HealthCheckID]; c.Owned() {
		return d.successorKey(c, r.Set.Name)
	}
	return key
}

func (d *differ) run(desired State) (Plan, error) {
	for _, z := range desired.Zones {
		d.zones[z.ID] = z
	}
	d.cuts = d.delegations()
	wanted := d.wantedChecks(desired)
	d.names = wantedNames(desired.Records)
	d.wantedAt = wantedNamesOf(d.names)
	d.sortClusters()
	d.findInherited()
	d.index(wanted)
	places := d.nameDiffs(d.wantedRecords(desired, wanted))
	d.settleRouting(places)
	d.matchChecks(wanted)
	d.matchRecords(places)
	if len(d.batches) > 0 && len(d.wait.Checks) > 0 {
		slices.Sort(d.wait.Checks)
		d.wait.Checks = slices.Compact(d.wait.Checks)
		d.plan.Steps = append(d.plan.Steps, Step{Kind: WaitVerdicts, Wait: &d.wait})
	}
	d.plan.Steps = append(d.plan.Steps, d.batches...)
	d.deleteChecks()
	d.nameZones()
	d.reportBorrowers()
	d.reportOthers()
	d.countUsage()
	d.guardBlast()
	d.guardQuotas()

	slices.SortFunc(d.plan.Refusals, Finding.compare)
	slices.SortFunc(d.plan.Reports, Finding.compare)
	d.plan.Scope = d.scope()
	d.plan.seal()
	if d.plan.Refusals != nil {
		return d.plan, &Refused{d.plan.Refusals}
	}
	return d.plan, nil
}

// nameZones notes what was read, for a plan that deletes health checks or whose inverse does.
func (d *differ) nameZones() {
	if !slices.ContainsFunc(d.plan.Steps, func(s Step) bool { return s.Kind == CreateCheck || s.Kind == DeleteCheck }) {
		return
	}
	for _, z := range slices.SortedFunc(slices.Values(d.current.Zones), compareZones) {
		d.plan.Zones = append(d.plan.Zones, ZoneRef{z.ID, z.Name})
	}
}

// index sorts out what exists and whose it is.
func (d *differ) index(wanted map[string]*Check) {
	held := make(map[string]bool) // ids that record sets refer to which are not to be adopted
	for i := range d.current.Records {
		if set := &d.current.Records[i].Set; set.HealthCheckID != "" {
			d.refs[set.HealthCheckID]++
			held[set.HealthCheckID] = held[set.HealthCheckID] || !slices.Contains(d.guard.Adopt, set.Name)
		}
	}
	hashes := d.longKeys(wanted)
	for i := range d.current.Checks {
		c := &d.current.Checks[i]
		if key, generation, ok := parseReference(c.CallerReference); ok {
			d.generations[key] = max(d.generations[key], generation)
		}
		key := c.Key
		if next := d.inherited[c.ID]; next != "" {
			key = next
		}
		if !c.Owned() {
			if key = d.abandoned(c, held, hashes); key == "" || d.heldKeys[key] != "" { // another cluster is about to mark it
				continue
			}
			d.unmarked[c.ID] = true
		}
		d.owned[c.ID] = key
		if d.guard.covers(RegionOf(key)) {
			d.checkBlast.owned++
		}
		if d.mayTouchCheck(c.ID, key) {
			d.byKey[key] = append(d.byKey[key], c)
		}
	}
	d.findOwners(d.names)
	for i := range d.current.Records {
		if r := &d.current.Records[i]; d.owner(r) != "" {
			d.ownRefs[r.Set.HealthCheckID]++
		}
	}
	d.recordBlast.owned = d.ownedHere()
}

// longKeys returns the keys that may stand as a hash in a reference, by it: those that are wanted, and those of the
// plan's policies in every Region that anything names, which are not wanted any more.
func (d *differ) longKeys(wanted map[string]*Check) map[string]string {
	regions := make(map[string]bool)
	for _, region := range d.guard.Regions {
		regions[region] = true
	}
	for i := range d.current.Checks {
		regions[RegionOf(d.current.Checks[i].Key)] = true
	}
	delete(regions, "")
	keys := make(map[string]string)
	add := func(key string) {
		if mayBeHashed(key) {
			keys[hashed(key)] = key
		}
	}
	for policy := range d.managed {
		for region := range regions {
			add(policy + "/" + region)
		}
	}
	for key := range wanted {
		add(key)
	}
	return keys
}

// abandoned returns the key of a check that a run created and did not live to mark: it has our reference and no tags,
// and no record set refers to it, because those come later. One that was disowned by removing its tags while in use is
// left alone, until all names that use it are adopted.
func (d *differ) abandoned(c *Check, held map[string]bool, hashes map[string]string) string {
	key, _, ok := parseReference(c.CallerReference)
	if !ok || len(c.Tags) > 0 || held[c.ID] {
		return ""
	}
	if long, ok := hashes[key]; ok {
		return long
	}
	if !strings.Contains(key, "/") {
		return "" // the hash of a key that nobody asks for now
	}
	return key
}

// wantedChecks returns the wanted checks in reach by key, normalised so that they can be compared with what the API
// echoes.
func (d *differ) wantedChecks(desired State) map[string]*Check {
	exists := func(id string) (health.Config, bool) {
		if c, ok := d.byID[id]; ok {
			return c.Config, true
		}
		return health.Config{}, false
	}
	rules := health.Rules{Child: exists}
	if d.guard.Engine {
		rules.MinRequestInterval, rules.AllowedAddresses = 1, health.AnyAddress()
	}
	wanted := make(map[string]*Check, len(desired.Checks))
	for _, c := range desired.Checks {
		if !d.inReach(c.Key) {
			if c.Key == "" {
				d.refuse("", "", "a wanted health check has no key: want <namespace>/<policy>/<region>")
			}
			continue
		}
		if _, twice := wanted[c.Key]; twice {
			d.refuse(PolicyOf(c.Key), c.Key, "is wanted twice: a key has one health check")
			continue
		}
		config, err := health.Normalize(c.Config, rules)
		if err != nil {
			d.refuse(PolicyOf(c.Key), c.Key, "the health check would not be accepted: %v", err)
			config = c.Config
		}
		c.Config = config
		wanted[c.Key] = &c
	}
	return wanted
}

// reportOthers tells what is ours and nobody asked for, and what was to be destroyed and is not there.
func (d *differ) reportOthers() {
	here, others := make(map[string]bool), make(map[string]bool)
	d.reportKeptForCluster()
	for id, key := range d.owned {
		switch policy := PolicyOf(key); {
		case d.otherClusters[id] != "":
		case d.inReach(key):
			here[policy] = true
		case !d.managed[policy] && d.guard.covers(RegionOf(key)):
			others[policy] = true
		}
	}
	for policy := range d.destroyed {
		if !here[policy] {
			d.report(policy, "", "has no health checks here: nothing to destroy")
		}
	}
	if len(d.destroyed) > 0 || len(others) == 0 {
		return
	}
	const shown = 5
	names := slices.Sorted(maps.Keys(others))
	list := strings.Join(names[:min(shown, len(names))], ", ")
	if more := len(names) - shown; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	d.report("", "", "not among the policies of this plan and left as they are, until they are destroyed by name: %s",
		list)
}
