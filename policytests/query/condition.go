package query

import (
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// held says by which conditions the first of some statements matched; empty if
// it has none.
func (b *Base) held(q *decision.Question, all []Statement) string {
	for _, s := range all {
		written, _ := q.Written(s.Statement)
		if written == nil || len(written.Conditions) == 0 {
			continue
		}
		parts := make([]string, len(written.Conditions))
		for i, c := range written.Conditions {
			parts[i] = fmt.Sprintf("%s %s %s holds (%s)", c.OperatorText(), c.KeyText, operands(c), b.actual(q, c.Key))
		}
		return strings.Join(parts, " and ")
	}
	return ""
}

// operands are the values of a condition, the first few.
func operands(c policy.Condition) string {
	const most = 4
	texts := make([]string, 0, len(c.Values))
	for _, v := range c.Values {
		texts = append(texts, v.Text)
	}
	if len(texts) > most {
		return alternatives(texts[:most]) + fmt.Sprintf(" or %d more", len(texts)-most)
	}
	return alternatives(texts)
}

// actual says what a request has of a condition key.
func (b *Base) actual(q *decision.Question, key string) string {
	have := q.Context[key]
	if len(have) == 0 {
		return "the request has none"
	}
	return "the request has " + alternatives(have)
}
