// Package decisionlog writes decisions in the form of OPA's decision logs.
package decisionlog

import (
	"net/netip"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/jsontext"
)

// What all lines have in common with those of `opa run --set decision_logs.console=true`.
const (
	level   = "info"
	message = "Decision Log"
	kind    = "openpolicyagent.org/decision_logs"
)

// The paths of lines: a decision, and a call that was refused before there was
// anything to decide.
const (
	decisionPath  = "keyreeve/answer/decision"
	undecidedPath = "keyreeve/call/refused"
)

// Lines writes a line for each decision. Safe for concurrent use.
type Lines struct {
	Labels map[string]string // of this service, in each line
	// Plain leaves the values of encryption contexts in; else they are masked.
	Plain bool

	order jsontext.Order // of condition keys
}

// A Call is what is the same for all decisions of a call.
type Call struct {
	ID          string // UUID, from which those of the decisions follow
	RequestID   string
	Operation   string
	RequestedBy netip.Addr // of the client; invalid: unknown
	Time        time.Time
	Revision    string // of the world that was decided on
}

// AppendDecision appends the line of the n-th decision of a call with its
// evidence. It is for the operator: it tells what other accounts hold.
func (l *Lines) AppendDecision(b []byte, c Call, n int, d decision.Decision) []byte {
	e := events.Get().(*event)
	defer e.release()
	e.question, e.evidence = d.Question(), d.Evidence()
	in := &e.asked
	in.Question, in.masked, in.order = &e.question, !l.Plain, &l.order
	if in.masked {
		hide(&e.evidence)
	}
	e.fill(in, &e.evidence)
	o := l.begin(b, c, decisionPath, n)
	o.Raw("input", e.input)
	if len(e.masked) > 0 {
		o.Value(append(append(append(o.Name("masked"), '['), e.masked[1:]...), ']'))
	}
	if len(e.erased) > 0 {
		o.Value(jsontext.AppendStrings(o.Name("erased"), e.erased))
	}
	o.Raw("result", e.result)
	return append(o.End(), '\n')
}

// A Refusal is a call that was refused before there was anything to decide.
type Refusal struct {
	Principal string
	Listener  string
	Reason    string
}

// AppendRefusal appends the line that tells why a call was not decided at all.
func (l *Lines) AppendRefusal(b []byte, c Call, r Refusal) []byte {
	o := l.begin(b, c, undecidedPath, 0)
	in := jsontext.Begin(o.Name("input"))
	in.String("principal", r.Principal)
	in.String("listener", r.Listener)
	o.Value(in.End())
	result := jsontext.Begin(o.Name("result"))
	result.Bool("allowed", false)
	result.String("reason", r.Reason)
	o.Value(result.End())
	return append(o.End(), '\n')
}

// begin begins a line. The result comes last: it is what people look for.
func (l *Lines) begin(b []byte, c Call, path string, n int) jsontext.Object {
	o := jsontext.Begin(b)
	instant(&o, "time", time.Now())
	o.String("level", level)
	o.String("msg", message)
	o.String("type", kind)
	o.Value(append(appendID(append(o.Name("decision_id"), '"'), c.ID, n), '"'))
	o.Value(jsontext.AppendMap(o.Name("labels"), l.Labels, appendPlain))
	o.String("path", path)
	bundle := jsontext.Begin(append(o.Name("bundles"), `{"keyreeve":`...))
	bundle.String("revision", c.Revision)
	o.Value(append(bundle.End(), '}'))
	instant(&o, "timestamp", c.Time.UTC())
	custom := jsontext.Begin(o.Name("custom"))
	custom.String("operation", c.Operation)
	custom.String("request_id", c.RequestID)
	o.Value(custom.End())
	if c.RequestedBy.IsValid() {
		o.Value(append(c.RequestedBy.AppendTo(append(o.Name("requested_by"), '"')), '"'))
	}
	return o
}

func instant(o *jsontext.Object, name string, t time.Time) {
	o.Value(append(t.AppendFormat(append(o.Name(name), '"'), time.RFC3339Nano), '"'))
}
