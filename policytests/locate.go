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
		if written, p := q.Written(s); written != nil {
			if file := a.fileOf(p.Document); file != nil {
				return fmt.Sprintf("%s:%d", file.File, file.Line(written.Pos))
			}
		}
		return ""
	}
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
