package query

import (
	"context"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/analysis"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// AllowedWhen says whether, and when, the principal of a request can have any
// request for the same action on the same key allowed; false for what tables do
// not tell of: other resources than keys, sessions with policies of their own.
func AllowedWhen(ctx context.Context, b *Base, r caseline.Request) (Access, bool, error) {
	q, err := b.Question(r)
	if err != nil {
		return Access{}, false, err
	}
	a, known := policy.ActionNamed(q.Action)
	k := b.key(&q)
	if k == nil || !known || !asks(a) || len(r.Session.Policies) > 0 || b.cfg.Adjust != nil {
		return Access{}, false, nil
	}
	u, err := analysis.OfKey(b.cfg.World, k, analysis.Config{Engine: b.cfg.Engine, Now: b.cfg.Now})
	if err != nil {
		return Access{}, false, err
	}
	callers := u.Callers()
	i := slices.IndexFunc(callers, func(c analysis.Caller) bool { return c.ARN == q.Principal.ARN })
	if i < 0 && q.Principal.Type == decision.Role { // a session that nothing names
		role := q.Principal.ARN[:strings.LastIndexByte(q.Principal.ARN, '/')+1]
		i = slices.IndexFunc(callers, func(c analysis.Caller) bool {
			return strings.HasPrefix(c.ARN, role) && strings.HasPrefix(c.Name, "role/")
		})
	}
	if i < 0 {
		return Access{}, false, nil
	}
	t := &tabulator{ctx: ctx, b: b}
	row, err := t.row(u, callers[i], k, &a)
	if err == nil {
		row, err = t.withTags(row, callers[i], k)
	}
	return row, err == nil, err
}
