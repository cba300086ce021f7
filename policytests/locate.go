package policytests

import (
	"fmt"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// locator tells where in the world's files the statements of a decision stand:
// "use.json:3"; empty for policies that stand in no file.
func (a *Asker) locator(q decision.Question) func(decision.Statement) string {
	return func(s decision.Statement) string {
		for _, p := range attachedTo(q, s) {
			if p.Name != s.Policy || p.ARN != s.ARN || s.Index >= len(p.Document.Statements) {
				continue
			}
			at := p.Document.Statements[s.Index]
			if file := a.fileOf(p.Document); file != nil && at.Pos.Path == s.Path && at.Pos.Line == s.Line {
				return fmt.Sprintf("%s:%d", file.File, file.Line(at.Pos))
			}
		}
		return ""
	}
}

// attachedTo are the policies of a question among which a statement's is.
func attachedTo(q decision.Question, s decision.Statement) []decision.Policy {
	one := func(p *decision.Policy) []decision.Policy {
		if p == nil {
			return nil
		}
		return []decision.Policy{*p}
	}
	level := func(all [][]decision.Policy) []decision.Policy {
		if s.Level >= len(all) {
			return nil
		}
		return all[s.Level]
	}
	switch s.Layer {
	case decision.LayerSCP:
		return level(q.SCP)
	case decision.LayerRCP:
		return level(q.RCP)
	case decision.LayerEndpoint:
		return one(q.Endpoint)
	case decision.LayerBoundary:
		return one(q.Boundary)
	case decision.LayerSession:
		return q.Session
	case decision.LayerIdentity:
		return q.Identity
	case decision.LayerResource:
		return one(q.KeyPolicy)
	}
	return nil
}

// fileOf finds the file that a document was read from.
func (a *Asker) fileOf(doc *policy.Document) *world.Policy {
	a.mu.Lock()
	files := a.files
	a.mu.Unlock()
	if p := files[doc]; p != nil {
		return p
	}
	files = map[*policy.Document]*world.Policy{} // anew: lines may have read more
	for _, at := range a.attachments() {
		files[at.policy.Document] = at.policy
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.files = files
	return files[doc]
}
