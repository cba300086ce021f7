package decision

import (
	"errors"
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A verdict says which statements of one document match. It is immutable.
type verdict struct {
	allow, deny []match
	code        string // without ambiguity, for cache keys
}

// A match is one statement and one way in which it matched the caller.
type match struct {
	index int
	via   Via
}

var errShape = errors.New("the policy program's answer has another shape than agreed")

func misshapen(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errShape}, args...)...)
}

// readVerdict checks that an answer is exactly what a document of this kind
// can say: sets of its own statements of the right effect, with known vias.
func readVerdict(t *ast.Term, d *policy.Document) (*verdict, error) {
	o, ok := t.Value.(ast.Object)
	if !ok || o.Len() != 2 {
		return nil, misshapen("a verdict is an object of two sets")
	}
	allow, err := readMatches(o.Get(termAllow), d, policy.Allow)
	if err != nil {
		return nil, err
	}
	deny, err := readMatches(o.Get(termDeny), d, policy.Deny)
	if err != nil {
		return nil, err
	}
	return &verdict{allow: allow, deny: deny, code: encodeVerdict(allow, deny)}, nil
}

func readMatches(t *ast.Term, d *policy.Document, effect policy.Effect) ([]match, error) {
	if t == nil {
		return nil, misshapen("a verdict without %s", effect)
	}
	set, ok := t.Value.(ast.Set)
	if !ok {
		return nil, misshapen("%s is no set", effect)
	}
	if set.Len() == 0 {
		return nil, nil
	}
	matches := make([]match, 0, set.Len())
	for _, e := range set.Slice() {
		m, err := readMatch(e, d)
		if err != nil {
			return nil, err
		}
		if d.Statements[m.index].Effect != effect {
			return nil, misshapen("a statement of the other effect under %s", effect)
		}
		matches = append(matches, m)
	}
	return matches, nil
}

func readMatch(t *ast.Term, d *policy.Document) (match, error) {
	pair, ok := t.Value.(*ast.Array)
	if !ok || pair.Len() != 2 {
		return match{}, misshapen("a match is a pair")
	}
	index, ok := readIndex(pair.Elem(0), len(d.Statements))
	if !ok {
		return match{}, misshapen("a match of no statement")
	}
	via, ok := readVia(pair.Elem(1))
	if !ok || (via == ViaPolicy) == d.Kind.HasPrincipal() {
		return match{}, misshapen("a match by no known way")
	}
	return match{index, via}, nil
}

// readIndex reads a number from 0 up to, but without, limit.
func readIndex(t *ast.Term, limit int) (int, bool) {
	n, ok := t.Value.(ast.Number)
	if !ok {
		return 0, false
	}
	i, ok := n.Int()
	return i, ok && i >= 0 && i < limit
}

func readVia(t *ast.Term) (Via, bool) {
	s, ok := t.Value.(ast.String)
	if !ok {
		return "", false
	}
	v := Via(s)
	return v, slices.Contains(vias, v)
}

func encodeVerdict(lists ...[]match) string {
	var b []byte
	for _, list := range lists {
		b = appendNumber(b, len(list))
		for _, m := range list {
			b = appendNumber(b, m.index)
			b = appendString(b, string(m.via))
		}
	}
	return string(b)
}
