package store

import (
	"context"
	"fmt"

	"github.com/bulkhead-dns/bulkhead/tagging"
)

// A ResourceType is a kind of what can be tagged.
type ResourceType string

// The resource types, as the API names them. r53: C.3.
const (
	HostedZoneTags  ResourceType = "hostedzone"
	HealthCheckTags ResourceType = "healthcheck"
)

// A tagsEntry is a list of tags with the etcd revision that wrote it.
type tagsEntry struct {
	tags []tagging.Tag
	rev  int64
}

func tagsKey(kind ResourceType, id string) string { return string(kind) + "/" + id }

// Tags returns the tags of a hosted zone or health check by key; nil when it has none.
func (st *State) Tags(kind ResourceType, id string) []tagging.Tag {
	if e, ok := st.tags.Get(tagsKey(kind, id)); ok {
		return e.tags
	}
	return nil
}

func (st *State) tagsRev(key string) int64 {
	if e, ok := st.tags.Get(key); ok {
		return e.rev
	}
	return 0
}

func (e *edit) putTags(resource string, value []byte, rev int64) error {
	tags, err := decode[[]tagging.Tag](value)
	if err != nil {
		return err
	}
	e.next.tags.Set(resource, &tagsEntry{tags, rev})
	e.changed.unsaved = true
	return nil
}

// ChangeTags changes the tags of a hosted zone or health check as tagging.Apply does, whose errors it returns; a
// resource that does not exist is ErrNoSuchHostedZone or ErrNoSuchHealthCheck. Tags are deleted with their resource.
// r53: C.3.
func (s *Store) ChangeTags(
	ctx context.Context, kind ResourceType, id string, add []tagging.Tag, remove []string,
) error {
	key := tagsKey(kind, id)
	return s.decide(ctx, "change tags of "+key, func(st *State, t *transaction) error {
		if err := t.expectResource(st, kind, id); err != nil {
			return err
		}
		t.expect(st, tagsPrefix+key, func(st *State) int64 { return st.tagsRev(key) })
		tags, err := tagging.Apply(st.Tags(kind, id), add, remove)
		if err != nil {
			return err
		}
		if len(tags) == 0 {
			t.delete(tagsPrefix + key)
		} else {
			t.put(tagsPrefix+key, encode(tags))
		}
		return nil
	})
}

// expectResource guards that a resource exists.
func (t *transaction) expectResource(st *State, kind ResourceType, id string) error {
	key, missing := zonePrefix+id, ErrNoSuchHostedZone
	gone := func(st *State) bool { _, ok := st.Zone(id); return !ok }
	switch kind {
	case HostedZoneTags:
	case HealthCheckTags:
		key, missing = checkPrefix+id, ErrNoSuchHealthCheck
		gone = func(st *State) bool { _, ok := st.Check(id); return !ok }
	default:
		return fmt.Errorf("nothing of the type %q can be tagged: want %s or %s", kind, HostedZoneTags, HealthCheckTags)
	}
	if gone(st) {
		return &NoSuch{missing, id}
	}
	t.guard(exists(key))
	t.outdated = append(t.outdated, gone)
	return nil
}
