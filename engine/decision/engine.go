// Package decision asks OPA: question in, decision with evidence out.
package decision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/keyreeve/keyreeve/rego/guardrail"
	"github.com/keyreeve/keyreeve/rego/lib"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Config configures an Engine. The zero value is usable: no caches of
// verdicts and decisions, and the default bounds.
type Config struct {
	Log *slog.Logger // alarms; nil discards them
	// Cache turns the caches of verdicts and decisions on.
	Cache bool
	// CacheBytes bounds each of the caches of verdicts and of decisions;
	// zero: 64 MiB.
	CacheBytes int64
	// ProgramBytes bounds the compiled documents; zero: 400 MiB, which is some
	// 10,000 of four statements.
	ProgramBytes int64
	// VerifyEvery is how often a cache hit is evaluated again and compared: 1
	// for every hit, n for every n-th; zero: never.
	VerifyEvery int
	// Guardrails are the organization's own Rego, which may refuse; each
	// question takes those of its moment. Nil, and a nil set: none.
	Guardrails func() *guardrail.Set
	// Limit is how long one decision may take; zero: DefaultLimit. Tools that
	// nobody waits for, on machines that do much else, may give more.
	Limit time.Duration
	// GuardrailLimit is how long guardrails may take for one question; zero:
	// guardrail.Limit.
	GuardrailLimit time.Duration
}

// An Engine decides questions. It is safe for concurrent use.
type Engine struct {
	config Config
	data   data

	decide, statements, exempt *query // of the Rego library

	programs *programs
	variants variantCache
	verdicts *memory[*verdict]
	outcomes *memory[*outcome]
	refusals *memory[*refusal]

	guarding atomic.Pointer[guardrails] // prepared last
	guarded  atomic.Uint64              // how many were prepared
}

// New prepares an engine and has it decide known samples; it returns an error
// if one of them comes out wrong.
func New(c Config) (*Engine, error) {
	modules, err := lib.Modules()
	if err != nil {
		return nil, err
	}
	return build(c, modules)
}

func build(c Config, modules map[string]*ast.Module) (*Engine, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = 64 << 20
	}
	if c.ProgramBytes == 0 {
		c.ProgramBytes = 400 << 20
	}
	decide, err := prepare(modules, ast.MustParseRef(lib.Decision))
	if err != nil {
		return nil, fmt.Errorf("preparing the decision: %w", err)
	}
	ctx := context.Background()
	d, err := newData(ctx, c.ProgramBytes/8)
	if err != nil {
		return nil, err
	}
	e := &Engine{config: c, data: d, decide: decide, programs: newPrograms(c.ProgramBytes)}
	e.statements = decide.asking(ast.MustParseRef(lib.Statements))
	e.exempt = decide.asking(ast.MustParseRef(lib.Exempt))
	e.variants.made = newCache[*policy.Document, *variants](c.ProgramBytes / 16)
	e.verdicts = newMemory[*verdict](c)
	e.outcomes = newMemory[*outcome](c)
	e.refusals = newMemory[*refusal](c)
	if err := e.check(ctx); err != nil {
		return nil, err
	}
	return e, nil
}

// Decide answers q. An error means that there is no answer: it is neither a
// yes nor a no, and the caller must treat it as a failure of the service. What
// q holds must not change afterwards: evidence is told from it.
func (e *Engine) Decide(ctx context.Context, q Question) (Decision, error) {
	if err := q.validate(); err != nil {
		return Decision{}, err
	}
	if !q.Unguarded {
		g, err := e.guardrailsOf()
		if err != nil {
			return Decision{}, err
		}
		q.guardrails = g
	}
	ctx = e.limited(ctx)
	// What the decision keeps stands together.
	kept := &struct {
		question   Question
		full, seen account
	}{question: q}
	full, seen := &kept.full, &kept.seen
	err := e.account(ctx, &kept.question, full)
	if errors.Is(err, ErrTooLong) && q.foreign() {
		err = e.unaffordable(ctx, &kept.question, full)
	}
	if err != nil {
		return Decision{}, fmt.Errorf("deciding %s: %w", q.Action, err)
	}
	if err := e.look(ctx, full, seen); err != nil {
		return Decision{}, fmt.Errorf("deciding what to tell of %s: %w", q.Action, err)
	}
	return Decision{
		Allowed: full.outcome.allowed,
		Reason:  full.outcome.reason,
		Layer:   full.outcome.layer,
		Grants:  full.outcome.grants,
		full:    full,
		seen:    seen,
	}, nil
}

// look fills seen, the account that the caller may see. A refusal across accounts
// is decided once more, as if the resource did not exist.
func (e *Engine) look(ctx context.Context, full, seen *account) error {
	if !full.question.foreign() || full.outcome.allowed {
		seen.of(full.engine, full.question, full.attachments, full.outcome)
		seen.hide()
		return nil
	}
	if err := e.account(ctx, full.question.unseen(), seen); err != nil {
		return err
	}
	if seen.outcome.allowed {
		seen.outcome = &outcome{reason: NoAllow, layer: LayerResource} // and nothing else
	}
	seen.hide()
	return nil
}

// account has every policy say what matches, combines it, and fills what is to
// tell of it.
func (e *Engine) account(ctx context.Context, q *Question, told *account) error {
	a, err := attach(q)
	if err != nil {
		return err
	}
	for i := range a.slots {
		s := &a.slots[i]
		if s.program, err = e.programs.of(ctx, s.policy); err != nil {
			return err
		}
	}
	if err := q.affordable(a.slots); err != nil {
		return err
	}
	key := keys.Get().(*[keyBytes]byte)
	defer keys.Put(key)
	if err := e.judge(ctx, q, a, key[:0]); err != nil {
		return err
	}
	if a.refusal, err = e.guard(ctx, q); err != nil {
		return err
	}
	out, err := e.combine(ctx, q, a, key[:0])
	if err != nil {
		return err
	}
	told.of(e, q, a, out)
	return nil
}

// judge has the policies say which of their statements match. key is room for
// keys of caches.
func (e *Engine) judge(ctx context.Context, q *Question, a *attachments, key []byte) error {
	var input *ast.Term // made when the first policy needs it
	for i := range a.slots {
		if err := ctx.Err(); err != nil {
			return err
		}
		s := &a.slots[i]
		remember := e.config.Cache && !s.program.clock
		if remember {
			key = s.program.key(key[:0], q)
			known, err := e.recallVerdict(ctx, key, q, s)
			if err != nil {
				return err
			}
			if s.verdict = known; known != nil {
				continue
			}
		}
		if input == nil {
			if err := q.validateContext(); err != nil {
				return err
			}
			input = documentInput(q, a.slots)
		}
		v, err := s.program.evaluate(ctx, e.data, s.policy, input)
		if err != nil {
			return err
		}
		if s.verdict = v; remember {
			e.verdicts.keep(key, v)
		}
	}
	return nil
}

// keyBytes is room for most cache keys.
const keyBytes = 512

// keys are room for cache keys.
var keys = sync.Pool{New: func() any { return new([keyBytes]byte) }}

// recallVerdict returns what a policy said of the same facts before, or nil.
func (e *Engine) recallVerdict(ctx context.Context, key []byte, q *Question, s *slot) (*verdict, error) {
	known, ok, doubt := e.verdicts.recall(key)
	if !ok || !doubt {
		return known, nil
	}
	now, err := s.program.evaluate(ctx, e.data, s.policy, wholeInput(q))
	if err != nil {
		return nil, err
	}
	return known, e.verdicts.confirm(known, now)
}

// combine has decide.rego make one answer of all verdicts.
func (e *Engine) combine(ctx context.Context, q *Question, a *attachments, key []byte) (*outcome, error) {
	if !e.config.Cache {
		return e.combineNow(ctx, q, a)
	}
	key = decideKey(key, q, a)
	known, ok, doubt := e.outcomes.recall(key)
	if ok && !doubt {
		return known, nil
	}
	now, err := e.combineNow(ctx, q, a)
	if err != nil {
		return nil, err
	}
	if doubt {
		return known, e.outcomes.confirm(known, now)
	}
	e.outcomes.keep(key, now)
	return now, nil
}

func (e *Engine) combineNow(ctx context.Context, q *Question, a *attachments) (*outcome, error) {
	found, err := e.decide.run(ctx, e.data, decideInput(q, a))
	if err != nil {
		return nil, fmt.Errorf("combining verdicts: %w", err)
	}
	out, err := readOutcome(found, q)
	if err == nil && !a.refusal.agrees(out) {
		return nil, misshapen("guardrails and decision disagree")
	}
	return out, err
}
