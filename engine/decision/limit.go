package decision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/keyreeve/keyreeve/rego/compile"
)

// DefaultLimit is how long one decision, or one explanation of it, may take.
// The slowest honest one takes a few milliseconds.
const DefaultLimit = time.Second

// PatientLimit is the Limit of tools, which decide on machines that do much else
// and whose policies are their user's own.
const PatientLimit = 30 * time.Second

// maxWork bounds the steps that regular expressions take for one decision: 0.2 s
// or less. A policy of 32 KB that is all wildcards has them for values
// of 600 bytes, one pattern of 100 bytes for 200 KB.
const maxWork = 20_000_000

var errSlow = errors.New("the decision takes too long")

// ErrTooLong says that what the request holds is too long for the patterns of
// the policies that apply to it. It is neither a yes nor a no.
var ErrTooLong = errors.New("a value of the request is too long for the policies' patterns")

// untilKey finds the end of a decision in its context.
type untilKey struct{}

// limited gives a decision its end, unless it has one.
func (e *Engine) limited(ctx context.Context) context.Context {
	if _, has := ctx.Value(untilKey{}).(*ending); has {
		return ctx
	}
	return &ending{Context: ctx, limit: cmp.Or(e.config.Limit, DefaultLimit)}
}

// An ending is a context that tells when its decision ends: after its limit, from
// when something is first evaluated. It belongs to one goroutine.
type ending struct {
	context.Context
	limit time.Duration
	until time.Time // zero: nothing was evaluated yet
}

func (e *ending) end() time.Time {
	if e.until.IsZero() {
		e.until = time.Now().Add(e.limit)
	}
	return e.until
}

// Value finds the ending itself under untilKey.
func (e *ending) Value(key any) any {
	if key == (untilKey{}) {
		return e
	}
	return e.Context.Value(key)
}

// A stop is the topdown.Cancel of one query, which asks it before every
// expression. It belongs to one goroutine.
type stop struct {
	ctx   context.Context
	until time.Time
	asked uint
	err   error
}

// newStop ends a query with its decision; one outside has a limit of its own.
func newStop(ctx context.Context) *stop {
	if end, ok := ctx.Value(untilKey{}).(*ending); ok {
		return &stop{ctx: ctx, until: end.end()}
	}
	return &stop{ctx: ctx, until: time.Now().Add(DefaultLimit)}
}

// askEvery is how many expressions pass between two looks at the clock.
const askEvery = 16

// Cancelled tells whether the caller has gone, or time is over.
func (s *stop) Cancelled() bool {
	if s.err == nil && s.asked%askEvery == 0 {
		if s.err = s.ctx.Err(); s.err == nil && time.Now().After(s.until) {
			s.err = errSlow
		}
	}
	s.asked++
	return s.err != nil
}

// Cancel stops the query.
func (s *stop) Cancel() { s.err = context.Canceled }

// affordable refuses a question for which the regular expressions of its
// policies would take too many steps: one that runs cannot be stopped. It looks
// at all of them, so that an answer does not hang on what is remembered.
func (q *Question) affordable(slots []slot) error {
	var work int64
	for i := range slots {
		work += q.work(slots[i].program.matching)
	}
	if work > maxWork {
		return fmt.Errorf("%w: %d steps", ErrTooLong, work)
	}
	return nil
}

func (q *Question) work(matching []compile.Matching) (steps int64) {
	for i := range matching {
		steps += matching[i].Work(q.bytesOf)
	}
	return steps
}

// bytesOf is how long the values of a condition key are together; those of the
// resource under no name.
func (q *Question) bytesOf(key string) (n int) {
	if key == "" {
		return len(q.Resource.ARN)
	}
	for _, v := range q.Context[key] {
		n += len(v) + 1
	}
	return n
}

// unaffordable refuses a call across accounts that only the key's side makes
// unaffordable: the error would tell the caller that the key exists.
func (e *Engine) unaffordable(ctx context.Context, q *Question, a *account) error {
	if err := e.account(ctx, q.unseen(), a); err != nil {
		return err
	}
	e.config.Log.Warn("a value of a request from another account is too long for the key's patterns, so the call is refused",
		slog.String("action", q.Action), slog.String("resource", q.Resource.ARN), slog.String("principal", q.Principal.ARN))
	if a.outcome.allowed {
		a.outcome = &outcome{reason: NoAllow, layer: LayerResource}
	}
	return nil
}
