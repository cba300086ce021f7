package guardrail

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Limit is how long guardrails may take for one request.
const Limit = 5 * time.Millisecond

// Bounds of what guardrails say: a refusal goes into an error text.
const (
	maxReasons = 16
	maxReason  = 512 // bytes
)

// ErrLate says that guardrails took longer than they may.
var ErrLate = errors.New("the guardrails took too long")

var errReasons = errors.New("deny is not a set of sentences")

// answer is the variable that holds what is denied.
const answer = ast.Var("answer")

var query = ast.NewBody(ast.Equality.Expr(ast.NewTerm(denyRef), ast.NewTerm(answer)))

// Deny returns the reasons, sorted, for which the guardrails refuse a request;
// none if they do not. The input is that of compiled documents. An error means
// that there is no answer: it is neither a yes nor a no.
func (s *Set) Deny(ctx context.Context, input *ast.Term, limit time.Duration) ([]string, error) {
	cancel := topdown.NewCancel()
	timer := time.AfterFunc(limit, cancel.Cancel)
	said, err := s.evaluate(ctx, input, cancel)
	if !timer.Stop() {
		return nil, fmt.Errorf("%w: more than %s", ErrLate, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("evaluating guardrails: %w", silent(err))
	}
	return reasons(said)
}

// silent leaves out what OPA says of values: those of the request, encryption
// context among them, do not belong into errors and logs.
func silent(err error) error {
	failed, ok := errors.AsType[*topdown.Error](err)
	if !ok {
		return err
	}
	said, _, _ := strings.Cut(failed.Message, "\n") // values that conflict follow
	if failed.Code == topdown.BuiltinErr || failed.Code == topdown.TypeErr {
		builtin, _, _ := strings.Cut(said, ":")
		said = builtin + " fails on what it is given"
	}
	return &topdown.Error{Code: failed.Code, Message: strings.TrimSuffix(said, ":"), Location: failed.Location}
}

// evaluate takes an error of a built-in for an error of the evaluation: as
// undefined, it would make a refusal vanish. The clock stands still.
func (s *Set) evaluate(ctx context.Context, input *ast.Term, cancel topdown.Cancel) (*ast.Term, error) {
	var found *ast.Term
	err := topdown.NewQuery(query).WithCompiler(s.compiler).WithStore(s.store).WithTransaction(s.txn).
		WithInput(input).WithCancel(cancel).WithStrictBuiltinErrors(true).WithTime(time.Unix(0, 0).UTC()).
		Iter(ctx, func(r topdown.QueryResult) error {
			found = r[answer]
			return nil
		})
	return found, err
}

// reasons reads what is denied.
func reasons(said *ast.Term) ([]string, error) {
	if said == nil {
		return nil, fmt.Errorf("%w: it is undefined", errReasons)
	}
	set, ok := said.Value.(ast.Set)
	if !ok || set.Len() > maxReasons {
		return nil, fmt.Errorf("%w, %d at most", errReasons, maxReasons)
	}
	all := make([]string, 0, set.Len())
	for _, t := range set.Slice() {
		text, ok := t.Value.(ast.String)
		if !ok || text == "" {
			return nil, fmt.Errorf("%w: a reason is a string that is not empty", errReasons)
		}
		all = append(all, printable(string(text)))
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// printable keeps a reason on one line and within its bound. It may repeat
// what a caller sent.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
	if len(text) <= maxReason {
		return text
	}
	cut := text[:maxReason]
	for cut != strings.ToValidUTF8(cut, "") {
		cut = cut[:len(cut)-1]
	}
	return cut + "…"
}
