package engine

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyreeve/keyreeve/engine/decisionlog"
)

// maxWaiting is how many calls can wait for their lines of the decision log.
const maxWaiting = 1024

// gathering is how long lines wait for others that are written with them.
const gathering = 5 * time.Millisecond

// maxBatch is how many bytes of lines are written at once, or one line more.
const maxBatch = 256 << 10

// A decisionLog writes the decisions of calls after their answers have left:
// the evidence of a refusal takes longer the more a key's account holds, which
// the time of the answer must not tell. Safe for concurrent use.
type decisionLog struct {
	lines   decisionlog.Lines
	out     io.Writer    // nil discards
	faults  *slog.Logger // what cannot be written
	waiting chan loggedCall
	running atomic.Bool

	mu     sync.Mutex
	failed bool // the last write did
	torn   bool // the last line is not whole
}

// A loggedCall is what the lines of one call say.
type loggedCall struct {
	call      decisionlog.Call
	decisions []decided
}

func newDecisionLog(c Config) *decisionLog {
	return &decisionLog{
		lines: decisionlog.Lines{Labels: c.DecisionLabels, Plain: c.DecisionLogPlain}, out: c.DecisionLog, faults: c.Log,
		waiting: make(chan loggedCall, maxWaiting),
	}
}

// add leaves a call to Run. When none runs, or it does not keep up, the lines
// are written at once: none is lost.
func (l *decisionLog) add(c loggedCall) {
	if l.out == nil {
		return
	}
	if l.running.Load() {
		select {
		case l.waiting <- c:
			return
		default:
		}
	}
	l.write(l.format(nil, c))
}

// refused writes why a call was not decided at all.
func (l *decisionLog) refused(c decisionlog.Call, r decisionlog.Refusal) {
	l.write(l.lines.AppendRefusal(nil, c, r))
}

// run writes what waits until ctx ends.
func (l *decisionLog) run(ctx context.Context) {
	l.running.Store(true)
	defer l.running.Store(false)
	gathered := time.NewTimer(0)
	defer gathered.Stop()
	var batch []byte
	for {
		select {
		case c := <-l.waiting:
			gathered.Reset(gathering)
			select {
			case <-gathered.C:
			case <-ctx.Done():
			}
			batch = l.flush(l.format(batch[:0], c))
		case <-ctx.Done():
			return
		}
	}
}

// flush writes a batch, which it returns, and with it what waits by now.
func (l *decisionLog) flush(batch []byte) []byte {
	for {
		select {
		case c := <-l.waiting:
			if batch = l.format(batch, c); len(batch) >= maxBatch {
				l.write(batch)
				batch = batch[:0]
			}
		default:
			l.write(batch)
			return batch
		}
	}
}

// format appends the full evidence of every decision of a call.
func (l *decisionLog) format(b []byte, c loggedCall) []byte {
	for n := range c.decisions {
		b = l.lines.AppendDecision(b, c.call, n, c.decisions[n].decision)
	}
	return b
}

// write writes lines. The operator is told once of a log that cannot be written,
// until it can.
func (l *decisionLog) write(lines []byte) {
	if len(lines) == 0 || l.out == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.append(lines)
	if err != nil && !l.failed {
		l.faults.Error("the decision log cannot be written, lines are lost", "err", err)
	}
	l.failed = err != nil
}

// append writes lines behind a line that is whole, or is ended.
func (l *decisionLog) append(lines []byte) error {
	if l.torn {
		if _, err := l.out.Write([]byte{'\n'}); err != nil {
			return err
		}
		l.torn = false
	}
	n, err := l.out.Write(lines)
	l.torn = n > 0 && lines[n-1] != '\n'
	return err
}

// LogDecisions writes the decision log until ctx ends; without it the lines are
// written before the answers leave.
func (e *Engine) LogDecisions(ctx context.Context) error {
	e.decisionLog.run(ctx)
	return nil
}

// Close writes what is left of the decision log, and the last uses of keys. No call may be under way.
func (e *Engine) Close() {
	e.decisionLog.flush(nil)
	if err := e.writeUses(context.Background()); err != nil {
		e.cfg.Log.Error("the last uses of keys are lost", "err", err)
	}
}

func (e *Engine) logDecisions(c *call, s *Scope) {
	if len(s.decisions) == 0 {
		return
	}
	e.decisionLog.add(loggedCall{call: c.logged(), decisions: s.decisions})
}

// logged is what lines of the decision log say of the call.
func (c *call) logged() decisionlog.Call {
	return decisionlog.Call{
		ID: c.eventID, RequestID: c.request.ID, Operation: c.row.name, RequestedBy: c.request.RemoteIP.Unmap(), Time: c.now, Revision: c.world.Digest(),
	}
}
