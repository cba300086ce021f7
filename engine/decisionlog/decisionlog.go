// Package decisionlog writes decisions in the form of OPA's decision logs.
package decisionlog

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"sync"
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

	once   sync.Once
	labels json.RawMessage
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
	in, out := e.bound(input, &result)
	l.write(e, in, out)
}

// A Refusal is a call that was refused before there was anything to decide.
type Refusal struct {
	Principal string `json:"principal"`
	Listener  string `json:"listener"`
	Reason    string `json:"-"`
}

// Refused writes why a call was not decided at all.
func (l *Log) Refused(c Call, r Refusal) {
	l.write(newEvent(c, undecidedPath, 0), written(r), written(map[string]any{"allowed": false, "reason": r.Reason}))
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

func (l *Log) write(e *event, input, result json.RawMessage) {
	l.once.Do(func() { l.labels = written(l.Labels) })
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs,
		slog.String("type", kind), slog.String("decision_id", e.id), slog.Any("labels", l.labels), slog.String("path", e.path),
		slog.Any("bundles", e.bundles()),
		slog.String("timestamp", e.Time.UTC().Format(time.RFC3339Nano)),
		slog.Any("custom", e.custom()),
	)
	if e.RequestedBy != "" {
		attrs = append(attrs, slog.String("requested_by", e.RequestedBy))
	}
	attrs = append(attrs, slog.Any("input", input))
	if len(e.masked) > 0 {
		attrs = append(attrs, slog.Any("masked", e.masked))
	}
	if len(e.erased) > 0 {
		attrs = append(attrs, slog.Any("erased", e.erased))
	}
	attrs = append(attrs, slog.Any("result", result))
	l.Out.LogAttrs(context.Background(), slog.LevelInfo, message, attrs...)
}

// bundles tells the world that was decided on.
func (e *event) bundles() json.RawMessage {
	b := append(make([]byte, 0, 128), `{"keyreeve":{"revision":`...)
	return append(appendText(b, e.Revision), '}', '}')
}

// custom is what OPA's form has no place for.
func (e *event) custom() json.RawMessage {
	b := append(make([]byte, 0, 128), `{"operation":`...)
	b = appendText(b, e.Operation)
	return append(appendText(append(b, `,"request_id":`...), e.RequestID), '}')
}

// written is the JSON of plain data, which always has one.
func written(v any) json.RawMessage {
	var b bytes.Buffer
	b.Grow(2048)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return json.RawMessage("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// size is how long texts are in a line.
func size(texts []string) (n int) {
	for _, t := range texts {
		n += len(t) + len(`"",`)
	}
	return n
}
