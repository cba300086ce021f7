package decision

import "github.com/keyreeve/keyreeve/rego/policy"

// Policies are those that the question has on a level of a layer; none where
// the layer holds no policies or has no such level.
func (q *Question) Policies(layer Layer, level int) []Policy {
	switch layer {
	case LayerSCP:
		return levelOf(q.SCP, level)
	case LayerRCP:
		return levelOf(q.RCP, level)
	case LayerEndpoint:
		return oneOf(q.Endpoint)
	case LayerBoundary:
		return oneOf(q.Boundary)
	case LayerSession:
		return q.Session
	case LayerIdentity:
		return q.Identity
	case LayerResource:
		return oneOf(q.KeyPolicy)
	default:
		return nil // grants, root and guardrails hold no policies
	}
}

func levelOf(levels [][]Policy, level int) []Policy {
	if level < 0 || level >= len(levels) {
		return nil
	}
	return levels[level]
}

func oneOf(p *Policy) []Policy {
	if p == nil {
		return nil
	}
	return []Policy{*p}
}

// Written is a statement of evidence as its policy has it, and that policy; nil
// if the question does not have it.
func (q *Question) Written(s Statement) (*policy.Statement, *Policy) {
	all := q.Policies(s.Layer, s.Level)
	for i := range all {
		p := &all[i]
		if p.Name != s.Policy || p.ARN != s.ARN || s.Index < 0 || s.Index >= len(p.Document.Statements) {
			continue
		}
		if w := &p.Document.Statements[s.Index]; w.Pos.Path == s.Path && w.Pos.Line == s.Line {
			return w, p
		}
	}
	return nil, nil
}
