package query

import (
	"context"
	"slices"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// retires asks of each grant on a key whether a caller may retire it. A plain
// request settles that, unless a policy has conditions for it.
func (b *Base) retires(ctx context.Context, row Access, k *world.Key) (Access, error) {
	row.Verdict, row.Why = Never, "not one of those who may retire a grant"
	if len(k.Grants) == 0 || row.Anyone {
		row.Why = "the key has no grant that they could retire"
		return row, nil
	}
	for _, g := range k.Grants {
		r := caseline.Request{Principals: []caseline.Word{{Text: row.Principal}}, Actions: []caseline.Word{{Text: row.Action}},
			Resources: []caseline.Word{{Text: row.Resource}}, Grants: []caseline.Word{{Text: g.Name}}}
		q, err := b.Question(r)
		if err != nil {
			continue // such as a service that the world does not let act so
		}
		if conditional(&q) {
			row.Verdict, row.Ways, row.Why = Unknown, nil, "policies have conditions for retiring grants; ask about one request with explain"
			return row, nil
		}
		d, err := b.Decide(ctx, q)
		if err != nil {
			return row, err
		}
		if !d.Allowed {
			continue
		}
		row.Verdict, row.Why = When, ""
		way := Way{When: []Term{{Text: "the grant is " + g.Name, Holds: true}}, Through: d.Layer, Case: "allow " + Line(r), Grants: []string{g.Name}}
		row.Ways = append(row.Ways, way)
	}
	return row, nil
}

// conditional tells whether a statement of a layer that has a say in retiring
// grants has conditions.
func conditional(q *decision.Question) bool {
	all := slices.Concat(q.Identity, q.Session, slices.Concat(q.SCP...))
	for _, p := range []*decision.Policy{q.Boundary, q.Endpoint} {
		if p != nil {
			all = append(all, *p)
		}
	}
	return slices.ContainsFunc(all, func(p decision.Policy) bool {
		return slices.ContainsFunc(p.Document.Statements, func(s policy.Statement) bool {
			covers := slices.ContainsFunc(s.Actions, func(v policy.Value) bool { return contains(policy.ExpandAction(v.Text), q.Action) })
			return covers != s.NotAction && len(s.Conditions) > 0
		})
	})
}
