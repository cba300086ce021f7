package query

import (
	"maps"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/analysis"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

const principalTag = "aws:principaltag/"

// A taggedSession is one of a role with tags of its own, which stand before
// those of the role.
type taggedSession struct {
	tags     map[string]string
	universe *analysis.Universe
	caller   analysis.Caller
}

// maxTagged bounds the sessions of a role that are tried with tags.
const maxTagged = 16

// withTags adds the ways in which a session of a role is allowed by tags that it
// brings: the values that policies tell apart.
func (t *tabulator) withTags(row Access, c analysis.Caller, k *world.Key) (Access, error) {
	if c.Type != decision.Role || c.Outside || c.Member || row.Verdict == Always || row.Verdict == Unknown {
		return row, nil
	}
	sessions, all, err := t.taggedSessions(c, k)
	if err != nil {
		return row, err
	}
	for _, s := range sessions {
		access, err := s.universe.Access(t.ctx, s.caller, row.Action)
		if err != nil {
			return row, err
		}
		for _, w := range access.Ways {
			way := t.b.way(w)
			for _, name := range slices.Sorted(maps.Keys(s.tags)) {
				p := caseline.Pair{Key: name, Values: []string{s.tags[name]}}
				way.Case += "  with tag " + pair(p)
				way.When = append(way.When, Term{Text: "the session has the tag " + pair(p), Key: "aws:PrincipalTag/" + name, Operator: "StringEquals", Values: p.Values, Holds: true})
			}
			if covered(row.Ways, way) || !t.b.allows(t.ctx, strings.TrimPrefix(way.Case, "allow ")) {
				continue
			}
			row.Ways, row.Verdict, row.Why = append(row.Ways, way), When, ""
		}
	}
	if !all && row.Verdict == Never {
		row.Verdict, row.Why = Unknown, "policies look at too many tags of sessions"
	}
	return row, nil
}

// covered tells whether the conditions of a way hold those of another.
func covered(ways []Way, way Way) bool {
	return slices.ContainsFunc(ways, func(w Way) bool {
		return !slices.ContainsFunc(w.When, func(t Term) bool {
			return !slices.ContainsFunc(way.When, func(o Term) bool { return o.Text == t.Text })
		})
	})
}

// taggedSessions are sessions of a role with the tags that policies tell apart,
// and whether these are all.
func (t *tabulator) taggedSessions(c analysis.Caller, k *world.Key) (sessions []taggedSession, all bool, err error) {
	if t.tagged == nil {
		t.tagged = map[string][]taggedSession{}
	}
	combinations := t.b.tagCombinations(k)
	if all = len(combinations) <= maxTagged; !all {
		combinations = combinations[:maxTagged]
	}
	kept, known := t.tagged[c.ARN+k.ARN]
	if known {
		return kept, all, nil
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(c.Name, "role/"), "@")
	role := t.b.cfg.World.RoleByName(c.Account, name)
	for _, tags := range combinations {
		if role == nil {
			break
		}
		own := *role
		own.Tags = maps.Clone(role.Tags)
		if own.Tags == nil {
			own.Tags = map[string]string{}
		}
		maps.Copy(own.Tags, tags)
		w := t.b.cfg.World.With(world.Change{Roles: []*world.Role{&own}})
		u, err := analysis.OfKey(w, k, analysis.Config{Engine: t.b.cfg.Engine, Now: t.b.cfg.Now})
		if err != nil {
			return nil, false, err
		}
		for _, other := range u.Callers() {
			if other.ARN == c.ARN {
				sessions = append(sessions, taggedSession{tags: tags, universe: u, caller: other})
			}
		}
	}
	t.tagged[c.ARN+k.ARN] = sessions
	return sessions, all, nil
}

// tagCombinations are the tags of sessions that policies tell apart, each
// combination of them; none if no policy looks at tags.
func (b *Base) tagCombinations(k *world.Key) []map[string]string {
	wanted := map[string][]string{}
	add := func(name, value string) {
		if value != "" && !contains(wanted[name], value) {
			wanted[name] = append(wanted[name], value)
		}
	}
	for d := range b.places {
		for i := range d.Statements {
			for _, c := range d.Statements[i].Conditions {
				tagsIn(c, k, add)
			}
		}
	}
	combinations := []map[string]string{{}}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		slices.Sort(wanted[name])
		for _, c := range slices.Clone(combinations) {
			for _, value := range wanted[name] {
				own := maps.Clone(c)
				own[name] = value
				combinations = append(combinations, own)
			}
		}
	}
	return combinations[1:]
}

// tagsIn are the tags that a condition looks at: by its key, or in variables.
func tagsIn(c policy.Condition, k *world.Key, add func(name, value string)) {
	if strings.HasPrefix(c.Key, principalTag) {
		for _, v := range c.Values {
			if text, ok := sample(v, &decision.Question{}); ok {
				add(c.KeyText[len(principalTag):], text)
			}
		}
		return
	}
	for _, v := range c.Values {
		for _, p := range v.Parts {
			if p.Kind != policy.Variable || !strings.HasPrefix(p.Text, principalTag) {
				continue
			}
			name := p.Text[len(principalTag):]
			if tag, isTag := cutPrefixFold(c.KeyText, "aws:resourcetag/"); isTag {
				add(name, k.Tags[tag])
			} else {
				add(name, "x")
			}
		}
	}
}
