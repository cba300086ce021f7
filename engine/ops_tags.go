package engine

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/store"
)

// maxTags is how many tags a key may have (TAG-03).
const maxTags = 50

func tagOperations() []row {
	return []row{
		define(Operation[wire.TagResourceInput, wire.TagResourceOutput]{
			Name: "TagResource", Effect: Writes,
			Checks: func(s *Scope, in *wire.TagResourceInput) ([]Check, error) {
				return one(s.onKey("kms:TagResource", in.KeyId, false, condition.Side{Keys: condition.RequestTags(tagMap(in.Tags))}))
			},
			Run: tagResource,
		}),
		define(Operation[wire.UntagResourceInput, wire.UntagResourceOutput]{
			Name: "UntagResource", Effect: Writes,
			Checks: func(s *Scope, in *wire.UntagResourceInput) ([]Check, error) {
				keys := condition.Context{}
				keys.Set("aws:TagKeys", in.TagKeys...)
				return one(s.onKey("kms:UntagResource", in.KeyId, false, condition.Side{Keys: keys}))
			},
			Run: untagResource,
		}),
		define(Operation[wire.ListResourceTagsInput, wire.ListResourceTagsOutput]{
			Name: "ListResourceTags", Effect: Reads,
			Checks: func(s *Scope, in *wire.ListResourceTagsInput) ([]Check, error) {
				return one(s.onKey("kms:ListResourceTags", in.KeyId, false, condition.Side{}))
			},
			Run: listResourceTags,
		}),
	}
}

// tagMap is the tags of a request by key. Duplicates are found by checkTags.
func tagMap(tags []wire.Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.TagKey] = t.TagValue
	}
	return m
}

// checkTags applies the rules for tags (TAG-05 to TAG-07) and returns old with
// the new ones added.
func checkTags(old map[string]string, tags []wire.Tag) (map[string]string, error) {
	all := make(map[string]string, len(old)+len(tags))
	maps.Copy(all, old)
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case seen[t.TagKey]:
			return nil, wire.Errorf(wire.TagFault, "Duplicate tag keys")
		case strings.HasPrefix(strings.ToLower(t.TagKey), "aws:"):
			return nil, wire.Errorf(wire.TagFault, "Tags beginning with aws: are reserved")
		}
		seen[t.TagKey] = true
		all[t.TagKey] = t.TagValue
	}
	if len(all) > maxTags {
		return nil, wire.Errorf(wire.TagFault, "Too many tags")
	}
	return all, nil
}

func tagResource(_ context.Context, s *Scope, in *wire.TagResourceInput) (*wire.TagResourceOutput, error) {
	if len(in.Tags) == 0 {
		return nil, wire.Errorf(wire.Validation, "At least one tag is required.")
	}
	tags, err := checkTags(s.key(0).Tags, in.Tags)
	if err != nil {
		return nil, err
	}
	s.delayTags(s.key(0))
	return nil, s.change(0, func(k *store.Key) { k.Tags = tags })
}

func untagResource(_ context.Context, s *Scope, in *wire.UntagResourceInput) (*wire.UntagResourceOutput, error) {
	if len(in.TagKeys) == 0 {
		return nil, wire.Errorf(wire.Validation, "At least one tag key is required.")
	}
	s.delayTags(s.key(0))
	return nil, s.change(0, func(k *store.Key) {
		k.Tags = maps.Clone(k.Tags)
		for _, name := range in.TagKeys {
			delete(k.Tags, name)
		}
	})
}

func listResourceTags(_ context.Context, s *Scope, in *wire.ListResourceTagsInput) (*wire.ListResourceTagsOutput, error) {
	page, err := s.page("ListResourceTags", s.key(0).Addr.String(), in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	tags := s.key(0).Tags
	names := slices.Sorted(maps.Keys(tags))
	start, found := slices.BinarySearch(names, page.after)
	if found {
		start++
	}
	names = names[start:]
	more := len(names) > page.limit
	if more {
		names = names[:page.limit]
	}
	out := &wire.ListResourceTagsOutput{Tags: []wire.Tag{}, Truncated: &more}
	for _, name := range names {
		out.Tags = append(out.Tags, wire.Tag{TagKey: name, TagValue: tags[name]})
	}
	if more {
		out.NextMarker, err = page.next(names[len(names)-1])
	}
	return out, err
}
