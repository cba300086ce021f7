package engine

import (
	"context"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/metrics"
	"github.com/keyreeve/keyreeve/engine/wire"
)

// unnamed stands in the metrics for an operation that is not offered: its name
// is what the client sent.
const unnamed = "unknown"

// measured counts a request that ended with err, or well.
func (e *Engine) measured(c *call, err error, took time.Duration) {
	if e.cfg.Metrics == nil {
		return
	}
	operation, outcome := unnamed, metrics.OK
	if _, offered := e.operations[c.protocol.service+":"+c.row.name]; offered {
		operation = c.row.name
	}
	if err != nil {
		outcome = string(wire.AsError(err).Code)
	}
	e.cfg.Metrics.Request(c.protocol.service, operation, outcome, took)
}

// decide asks the decision engine.
func (e *Engine) decide(ctx context.Context, q decision.Question) (decision.Decision, error) {
	if e.cfg.Metrics == nil {
		return e.cfg.Decisions.Decide(ctx, q)
	}
	began := time.Now()
	d, err := e.cfg.Decisions.Decide(ctx, q)
	answer := metrics.Deny
	switch {
	case err != nil:
		answer = metrics.Error
	case d.Allowed:
		answer = metrics.Allow
	}
	e.cfg.Metrics.Decision(answer, time.Since(began))
	return d, err
}
