package engine

import (
	"context"
	"sync/atomic"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/decisionlog"
)

// maxWaiting is how many calls can wait for their lines of the decision log.
const maxWaiting = 1024

// A decisionLog writes the decisions of calls after their answers have left:
// the evidence of a refusal takes longer the more a key's account holds, which
// the time of the answer must not tell. Safe for concurrent use.
type decisionLog struct {
	out     *decisionlog.Log
	waiting chan loggedCall
	running atomic.Bool
}

// A loggedCall is what the lines of one call say.
type loggedCall struct {
	call      decisionlog.Call
	decisions []decision.Decision
}

func newDecisionLog(out *decisionlog.Log) *decisionLog {
	return &decisionLog{out: out, waiting: make(chan loggedCall, maxWaiting)}
}

// add leaves a call to Run. When none runs, or it does not keep up, the lines
// are written at once: none is lost.
func (l *decisionLog) add(c loggedCall) {
	if l.running.Load() {
		select {
		case l.waiting <- c:
			return
		default:
		}
	}
	l.write(c)
}

// run writes what waits until ctx ends.
func (l *decisionLog) run(ctx context.Context) {
	l.running.Store(true)
	defer l.running.Store(false)
	for {
		select {
		case c := <-l.waiting:
			l.write(c)
		case <-ctx.Done():
			return
		}
	}
}

// flush writes what still waits. Nothing may be added meanwhile.
func (l *decisionLog) flush() {
	for {
		select {
		case c := <-l.waiting:
			l.write(c)
		default:
			return
		}
	}
}

// write writes the full evidence of every decision of a call.
func (l *decisionLog) write(c loggedCall) {
	for n, d := range c.decisions {
		l.out.Decision(c.call, n, d)
	}
}

// LogDecisions writes the decision log until ctx ends; without it the lines are
// written before the answers leave.
func (e *Engine) LogDecisions(ctx context.Context) error {
	e.decisionLog.run(ctx)
	return nil
}

// Close writes what is left of the decision log, and the last uses of keys. No call may be under way.
func (e *Engine) Close() {
	e.decisionLog.flush()
	if err := e.writeUses(context.Background()); err != nil {
		e.cfg.Log.Error("the last uses of keys are lost", "err", err)
	}
}

func (e *Engine) logDecisions(c *call, s *Scope) {
	if len(s.decisions) == 0 {
		return
	}
	logged := loggedCall{call: c.logged()}
	for _, d := range s.decisions {
		logged.decisions = append(logged.decisions, d.decision)
	}
	e.decisionLog.add(logged)
}

// logged is what lines of the decision log say of the call.
func (c *call) logged() decisionlog.Call {
	l := decisionlog.Call{ID: c.eventID, RequestID: c.request.ID, Operation: c.row.name, Time: c.now, Revision: c.world.Digest()}
	if c.request.RemoteIP.IsValid() {
		l.RequestedBy = c.request.RemoteIP.Unmap().String()
	}
	return l
}
