package query

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests"
)

// hidden are the values that logs write in the place of others.
var hidden = []string{"**REDACTED**", "HIDDEN_DUE_TO_SECURITY_REASONS", "***"}

// other stands for any value that no policy and no grant names.
const other = "(another value)"

// maxMasked bounds the combinations of values that are tried.
const maxMasked = 256

// decideMasked decides a question some of whose pairs are hidden: with each of
// the values that policies and grants tell apart. Where the answers differ, it
// is unknown. The texts say which values are hidden, and whether they matter.
func (b *Base) decideMasked(ctx context.Context, q decision.Question) (d decision.Decision, verdict string, notes []string, err error) {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(q.EncryptionContext)) {
		if contains(hidden, q.EncryptionContext[name]) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		d, err = b.Decide(ctx, q)
		return d, verdictOf(d.Allowed), nil, err
	}
	combinations := []map[string]string{{}}
	for _, name := range names {
		var more []map[string]string
		for _, c := range combinations {
			for _, v := range tellApart(&q, name) {
				own := maps.Clone(c)
				own[name] = v
				more = append(more, own)
			}
		}
		if combinations = more; len(combinations) > maxMasked {
			return d, verdictUnknown, []string{"too many values of the encryption context are masked: " + strings.Join(names, ", ")}, nil
		}
	}
	var allowed []string
	for i, c := range combinations {
		n := q
		n.EncryptionContext = maps.Clone(q.EncryptionContext)
		for name, value := range c {
			n.EncryptionContext[name] = value
			setContext(&n, contextPrefix+strings.ToLower(name), []string{value})
		}
		decided, err := b.Decide(ctx, n)
		if err != nil {
			return d, "", nil, err
		}
		if i == 0 {
			d = decided // with values that nothing names
		}
		if decided.Allowed {
			allowed = append(allowed, policytests.Pairs(c))
		}
	}
	list := strings.Join(names, ", ")
	switch len(allowed) {
	case 0, len(combinations):
		return d, verdictOf(d.Allowed), []string{"masked values of the encryption context, which do not matter: " + list}, nil
	}
	return d, verdictUnknown, []string{fmt.Sprintf("masked values of the encryption context decide: %s. It is allowed with %s, else denied; give the value as kms:EncryptionContext:NAME=VALUE",
		list, strings.Join(allowed, "; or "))}, nil
}

// tellApart are the values of a pair that policies and grants tell apart, and
// one that none of them names, first.
func tellApart(q *decision.Question, name string) []string {
	all := []string{other}
	add := func(v string) {
		if !contains(all, v) && !contains(hidden, v) {
			all = append(all, v)
		}
	}
	for _, l := range []decision.Layer{decision.LayerEndpoint, decision.LayerBoundary, decision.LayerSession, decision.LayerIdentity, decision.LayerResource} {
		valuesIn(q, q.Policies(l, 0), name, add)
	}
	for _, levels := range [][][]decision.Policy{q.SCP, q.RCP} {
		for _, level := range levels {
			valuesIn(q, level, name, add)
		}
	}
	for _, g := range q.Grants {
		for _, constraint := range []map[string]string{g.Equals, g.Subset} {
			if v, known := constraint[name]; known {
				add(v)
			}
		}
	}
	return all
}

func valuesIn(q *decision.Question, policies []decision.Policy, name string, add func(string)) {
	key := contextPrefix + strings.ToLower(name)
	for _, p := range policies {
		for i := range p.Document.Statements {
			for _, c := range p.Document.Statements[i].Conditions {
				if c.Key != key {
					continue
				}
				for _, v := range c.Values {
					if text, ok := sample(v, q); ok {
						add(text)
					}
				}
			}
		}
	}
}
