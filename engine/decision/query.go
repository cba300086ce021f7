package decision

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// A query is compiled Rego with the one value that is asked of it. It is
// immutable and safe for concurrent use.
type query struct {
	compiler *ast.Compiler
	body     ast.Body
}

var (
	errNoAnswer = errors.New("the policy program has no single answer")
	errCompile  = errors.New("the policy program does not compile")
)

// answer is the variable that holds the value asked for.
const answer = ast.Var("answer")

// prepare compiles modules and prepares the question for the value at ref.
func prepare(modules map[string]*ast.Module, ref ast.Ref) (*query, error) {
	c := ast.NewCompiler().WithCapabilities(capabilities(modules))
	if c.Compile(modules); c.Failed() {
		return nil, fmt.Errorf("%w: %w", errCompile, c.Errors)
	}
	return (&query{compiler: c}).asking(ref), nil
}

// forget lets go of what OPA needs to compile but not to evaluate. It is for modules without
// the with keyword, of which evaluation looks up types. No other use may be made of q.
func (q *query) forget() {
	c := q.compiler
	c.Modules, c.ModuleTree, c.Graph, c.TypeEnv, c.RewrittenVars, c.Required = nil, nil, nil, nil, nil, nil
	c.WithSkipStages() // drops the plan of stages
}

// allCapabilities is worked out once: it lists hundreds of built-ins.
var allCapabilities = sync.OnceValue(func() *ast.Capabilities { return ast.CapabilitiesForThisVersion() })

// builtins are those that a decision may use: what depends on network, clock
// or chance would make equal questions differ.
var builtins = sync.OnceValue(func() map[string]*ast.Builtin {
	all := map[string]*ast.Builtin{}
	for _, b := range allCapabilities().Builtins {
		if !b.IsNondeterministic() {
			all[b.Name] = b
		}
	}
	return all
})

// capabilities are the built-ins that modules call, with those that the
// compiler writes by itself. A compiler that knows few takes half the memory.
func capabilities(modules map[string]*ast.Module) *ast.Capabilities {
	called := map[string]bool{
		ast.Equality.Name: true, ast.Assign.Name: true, ast.NotEqual.Name: true,
		ast.Member.Name: true, ast.MemberWithKey.Name: true,
	}
	for _, m := range modules {
		ast.WalkExprs(m, func(e *ast.Expr) bool {
			if e.IsCall() {
				called[e.Operator().String()] = true
			}
			return false
		})
		ast.WalkTerms(m, func(t *ast.Term) bool {
			if call, ok := t.Value.(ast.Call); ok {
				called[call[0].String()] = true
			}
			return false
		})
	}
	known := builtins()
	c := &ast.Capabilities{Features: allCapabilities().Features}
	for name := range called {
		if b, ok := known[name]; ok {
			c.Builtins = append(c.Builtins, b)
		}
	}
	return c
}

// asking is the query for another value of the same modules.
func (q *query) asking(ref ast.Ref) *query {
	body := ast.NewBody(ast.Equality.Expr(ast.NewTerm(ref), ast.NewTerm(answer)))
	return &query{compiler: q.compiler, body: body}
}

// data is what queries find beside policies: an empty data document, and the
// patterns that earlier ones compiled.
type data struct {
	store    storage.Store
	txn      storage.Transaction
	patterns patterns
}

func newData(ctx context.Context, bound int64) (data, error) {
	store := inmem.New()
	txn, err := store.NewTransaction(ctx)
	if err != nil {
		return data{}, fmt.Errorf("opening the empty data document: %w", err)
	}
	return data{store, txn, patterns{newCache[string, any](bound)}}, nil
}

// beginning is the clock of every query: policies take the time from the
// question, so that equal questions have equal answers.
var beginning = time.Unix(0, 0).UTC()

// run evaluates q. An error of a built-in is an error of the evaluation: taken
// for undefined, it would make a Deny vanish. It ends when ctx or the decision's
// time does.
func (q *query) run(ctx context.Context, d data, input *ast.Term) (*ast.Term, error) {
	var found *ast.Term
	answers := 0
	rules := ruleCaches.Get().(*ruleCache)
	defer rules.release()
	stop := newStop(ctx)
	err := topdown.NewQuery(q.body).
		WithCompiler(q.compiler).
		WithCancel(stop).
		WithStore(d.store).
		WithTransaction(d.txn).
		WithInput(input).
		WithStrictBuiltinErrors(true).
		WithMetrics(metrics.NoOp()).
		WithTime(beginning).
		WithVirtualCache(rules).
		WithBaseCache(noData{}).
		WithInterQueryBuiltinValueCache(d.patterns).
		Iter(ctx, func(r topdown.QueryResult) error {
			answers++
			found = r[answer]
			return nil
		})
	switch {
	case stop.err != nil:
		return nil, fmt.Errorf("evaluating: %w", stop.err)
	case err != nil:
		return nil, fmt.Errorf("evaluating: %w", err)
	}
	if answers != 1 || found == nil {
		return nil, errNoAnswer
	}
	return found, nil
}
