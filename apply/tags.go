package apply

import (
	"time"

	"github.com/bulkhead-dns/bulkhead/tagging"
)

// keptTags are the tags of a check as they were read.
type keptTags struct {
	tags []tagging.Tag
	at   time.Time
}

// keptTags returns what is still known of the tags of checks, and the checks that have to be asked for.
func (a *Applier) keptTags(ids []string, now time.Time) (tags map[string][]tagging.Tag, unknown []string) {
	tags = make(map[string][]tagging.Tag, len(ids))
	if a.o.KeepTags == 0 {
		return tags, ids
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		if k, ok := a.kept[id]; ok && now.Sub(k.at) < a.o.KeepTags {
			tags[id] = k.tags
		} else {
			unknown = append(unknown, id)
		}
	}
	return tags, unknown
}

// keepTags keeps what was read. A check without tags is not kept: another run may be about to mark it.
// Nor is what was written lately: the tags that were read may be those before.
func (a *Applier) keepTags(ids []string, tags map[string][]tagging.Tag, now time.Time) {
	if a.o.KeepTags == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, k := range a.kept {
		if now.Sub(k.at) >= a.o.KeepTags {
			delete(a.kept, id)
		}
	}
	for _, id := range ids {
		if w, ok := a.written[id]; ok && now.Sub(w.at) < a.lag() {
			continue
		}
		if len(tags[id]) > 0 {
			a.kept[id] = keptTags{tags[id], now}
		}
	}
}

// ForgetTags has the tags of checks read anew the next time, as who waits for what another cluster writes into them
// needs.
func (a *Applier) ForgetTags(ids ...string) {
	for _, id := range ids {
		a.forgetTags(id)
	}
}

// forgetTags drops what is known of a check's tags, because they are about to change.
func (a *Applier) forgetTags(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.kept, id)
}
