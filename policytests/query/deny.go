package query

import (
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// againstDeny are edits after which a Deny may not match: another request, an
// exception for the caller, or none of it.
func (s *search) againstDeny(st *state) []change {
	q := &st.q
	var all []change
	for _, said := range st.d.Evidence().SettledBy {
		written, p := q.Written(said)
		if written == nil {
			continue // a guardrail's, which is no policy
		}
		all = append(all, s.asked(q, written.Conditions, false)...)
		for _, t := range s.targets(q, said.Layer, said.Level) {
			if t.policy.Document != p.Document {
				continue
			}
			name := s.called(t, said.Index)
			for j := range written.Conditions {
				all = append(all, s.loosen(q, t, said.Index, j, name, true)...)
			}
			all = append(all, s.except(q, t, said.Index, name)...)
			r, err := shortened(t.policy.Document, said.Index)
			e := s.edit(OpDropStatement, t, written.Pos)
			e.Words, e.Note = "take "+name+" away", "it then denies nobody any more"
			if c, ok := s.rewritten(e, t, r, err); ok {
				all = append(all, c)
			}
		}
	}
	return all
}

const exception, exceptionKey = "ArnNotEquals", "aws:PrincipalArn"

// except spares the caller from a Deny.
func (s *search) except(q *decision.Question, t target, i int, name string) []change {
	_, arn := s.principal(q)
	if arn == "" || !strings.HasPrefix(arn, "arn:") {
		return nil
	}
	r, err := replaced(t.policy.Document, i, func(o object) (object, []operation) {
		block := o.object("Condition")
		keys := block.object(exception)
		path := "/Condition" + step(exception) + step(exceptionKey)
		if at := keys.at(exceptionKey); at >= 0 {
			list, how := appended(keys[at].value, arn, path)
			return o.with("Condition", jsonOf(block.with(exception, jsonOf(keys.with(exceptionKey, list))))), []operation{how}
		}
		added := operation{Op: "add", Path: path, Value: jsonOf(arn)}
		switch {
		case o.at("Condition") < 0:
			added = operation{Op: "add", Path: "/Condition", Value: jsonOf(map[string]any{exception: map[string]string{exceptionKey: arn}})}
		case block.at(exception) < 0:
			added = operation{Op: "add", Path: "/Condition" + step(exception), Value: jsonOf(map[string]string{exceptionKey: arn})}
		}
		return o.with("Condition", jsonOf(block.with(exception, jsonOf(keys.with(exceptionKey, jsonOf(arn)))))), []operation{added}
	})
	e := s.edit(OpExcept, t, t.policy.Document.Statements[i].Pos)
	e.Words = "except " + s.b.principalName(q.Principal) + " from " + name
	if c, ok := s.rewritten(e, t, r, err); ok {
		return []change{c}
	}
	return nil
}
