package r53server

import (
	"unicode/utf8"

	"github.com/bulkhead-dns/bulkhead/store"
	"github.com/bulkhead-dns/bulkhead/tagging"
)

// Bounds of the tag operations. r53: C.1 "ID prefixes", C.3. The ids of zones are at most 32 characters, those of
// checks, UUIDs, longer (their bound is that of the API model).
const (
	maxTaggedZoneID  = 32
	maxTaggedCheckID = 64
	maxTaggedIDs     = 10
)

// changeTagsForResource changes the tags of a hosted zone or health check. r53: C.3.
func (s *Server) changeTagsForResource(r *request) (reply, error) {
	d, in := decode(r, "AddTags", "RemoveTagKeys")
	var add []tagging.Tag
	if in.has("AddTags") {
		add = []tagging.Tag{} // empty and absent are not the same
	}
	for _, e := range in.list("AddTags", "Tag") {
		tag := d.object(e, "Key", "Value")
		add = append(add, tagging.Tag{Key: tag.text("Key"), Value: tag.text("Value")})
	}
	var remove []string
	if in.has("RemoveTagKeys") {
		remove = append([]string{}, in.strings("RemoveTagKeys", "Key")...)
	}
	if d.err != nil {
		return reply{}, d.err
	}
	kind, id := store.ResourceType(r.path["ResourceType"]), r.path["ResourceId"]
	if _, err := findTags(s.store.State(), kind, id); err != nil {
		return reply{}, err
	}
	return reply{}, s.store.ChangeTags(r.ctx, kind, id, add, remove)
}

func (s *Server) listTagsForResource(r *request) (reply, error) {
	set, err := findTags(s.store.State(), store.ResourceType(r.path["ResourceType"]), r.path["ResourceId"])
	if err != nil {
		return reply{}, err
	}
	return reply{body: tagsReply{set}}, nil
}

// listTagsForResources lists the tags of up to ten resources of one type. If one of them does not exist, the request is
// refused.
func (s *Server) listTagsForResources(r *request) (reply, error) {
	d, in := decode(r, "ResourceIds")
	in.require("ResourceIds")
	ids := in.strings("ResourceIds", "ResourceId")
	if d.err == nil && len(ids) == 0 {
		d.fail(invalidXML("cvc-complex-type.2.4.b",
			"The content of element 'ResourceIds' is not complete. One of '{ResourceId}' is expected."))
	}
	if len(ids) > maxTaggedIDs {
		d.fail(constraint("[...]", "ResourceIds", "Member must have length less than or equal to 10"))
	}
	if d.err != nil {
		return reply{}, d.err
	}
	state := s.store.State()
	var out tagsOfManyReply
	for _, id := range ids {
		set, err := findTags(state, store.ResourceType(r.path["ResourceType"]), id)
		if err != nil {
			return reply{}, err
		}
		out.ResourceTagSets.ResourceTagSet = append(out.ResourceTagSets.ResourceTagSet, set)
	}
	return reply{body: out}, nil
}

// findTags returns the tags of a resource. The tag operations take bare ids only: they do not strip prefixes as the
// others do. r53: C.1, G.1 rule 16.
func findTags(state *store.State, kind store.ResourceType, id string) (resourceTagSet, error) {
	var err error
	most := maxTaggedZoneID
	switch kind {
	case store.HostedZoneTags:
		_, err = findZone(state, id)
	case store.HealthCheckTags:
		_, err = findCheck(state, id)
		most = maxTaggedCheckID
	default:
		return resourceTagSet{}, notInValueSet(string(kind), "ResourceType", "healthcheck", "hostedzone")
	}
	if utf8.RuneCountInString(id) > most {
		err = tooLong(id, "resourceId", most)
	}
	if err != nil {
		return resourceTagSet{}, err
	}
	set := resourceTagSet{ResourceType: string(kind), ResourceID: id}
	for _, t := range state.Tags(kind, id) {
		set.Tags.Tag = append(set.Tags.Tag, tag(t))
	}
	return set, nil
}

type tagsReply struct{ ResourceTagSet resourceTagSet }

type tagsOfManyReply struct{ ResourceTagSets resourceTagSets }

type (
	resourceTagSets struct{ ResourceTagSet []resourceTagSet }
	tags            struct{ Tag []tag }
	tag             struct{ Key, Value string }
)

type resourceTagSet struct {
	ResourceType string
	ResourceID   string `xml:"ResourceId"`
	Tags         tags
}
