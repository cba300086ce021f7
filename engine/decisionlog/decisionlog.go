// Package decisionlog writes decisions in the form of OPA's decision logs.
package decisionlog

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// What all lines have in common with those of `opa run --set decision_logs.console=true`.
const (
	message = "Decision Log"
	kind    = "openpolicyagent.org/decision_logs"
)

// The paths of lines: a decision, and a call that was refused before there was
// anything to decide.
const (
	decisionPath  = "keyreeve/answer/decision"
	undecidedPath = "keyreeve/call/refused"
)

// A Log writes a line for each decision. Safe for concurrent use.
type Log struct {
	Out    *slog.Logger
	Labels map[string]string // of this service, in each line
	// Plain leaves the values of encryption contexts in; else they are masked.
	Plain bool
}

// A Call is what is the same for all decisions of a call.
type Call struct {
	ID          string // UUID, from which those of the decisions follow
	RequestID   string
	Operation   string
	RequestedBy string // address of the client; empty: unknown
	Time        time.Time
	Revision    string // of the world that was decided on
}

// Decision writes the n-th decision of a call with its evidence. It is for the
// operator: it tells what other accounts hold.
func (l *Log) Decision(c Call, n int, d decision.Decision) {
	e := newEvent(c, decisionPath, n)
	input, result := facts(d.Question()), d.Evidence()
	if !l.Plain {
		e.mask(input, &result)
	}
	e.bound(input, &result)
	l.write(e, input, result)
}

// A Refusal is a call that was refused before there was anything to decide.
type Refusal struct {
	Principal string `json:"principal"`
	Listener  string `json:"listener"`
	Reason    string `json:"-"`
}

// Refused writes why a call was not decided at all.
func (l *Log) Refused(c Call, r Refusal) {
	l.write(newEvent(c, undecidedPath, 0), r, map[string]any{"allowed": false, "reason": r.Reason})
}

// An event is one line. The result comes last: it is what people look for.
type event struct {
	Call
	path, id       string
	masked, erased []string
}

func newEvent(c Call, path string, n int) *event {
	e := &event{Call: c, path: path, id: c.ID}
	if of, err := uuid.Parse(c.ID); err == nil {
		e.id = uuid.NewSHA1(of, []byte(strconv.Itoa(n))).String()
	}
	return e
}

func (l *Log) write(e *event, input, result any) {
	attrs := []slog.Attr{
		slog.String("type", kind), slog.String("decision_id", e.id), slog.Any("labels", l.Labels), slog.String("path", e.path),
		slog.Any("bundles", map[string]any{"keyreeve": map[string]string{"revision": e.Revision}}),
		slog.String("timestamp", e.Time.UTC().Format(time.RFC3339Nano)),
		slog.Any("custom", map[string]string{"request_id": e.RequestID, "operation": e.Operation}),
	}
	if e.RequestedBy != "" {
		attrs = append(attrs, slog.String("requested_by", e.RequestedBy))
	}
	if input != nil {
		attrs = append(attrs, slog.Any("input", input))
	}
	for name, paths := range map[string][]string{"masked": e.masked, "erased": e.erased} {
		if len(paths) > 0 {
			attrs = append(attrs, slog.Any(name, paths))
		}
	}
	attrs = append(attrs, slog.Any("result", result))
	l.Out.LogAttrs(context.Background(), slog.LevelInfo, message, attrs...)
}

// size is how long v is in a line.
func size(v any) int {
	text, err := json.Marshal(v)
	if err != nil {
		return 0 // plain data always has a JSON form
	}
	return len(text)
}
