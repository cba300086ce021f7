package query

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/policytests/report"
	"github.com/keyreeve/keyreeve/policytests/safetext"
)

// A Replay is a record decided again, in the world of now. Its JSON is stable.
type Replay struct {
	Version int       `json:"version"`
	Source  Source    `json:"source"`
	ID      string    `json:"id,omitempty"`
	Time    time.Time `json:"time,omitzero"`
	Then    Then      `json:"then"`
	// Verdict of now: "allowed", "denied", or "unknown" if that depends on what
	// the record does not tell.
	Verdict string `json:"verdict"`
	// Now is the zero value where nothing can be asked: this world does not have
	// the key.
	Now Explanation `json:"now,omitzero"`
	// Differs says what is otherwise than then; Unknown what the record does not
	// tell.
	Differs []string `json:"differs"`
	Unknown []string `json:"unknown,omitempty"`
}

// Then is what a record says of the decision that was made.
type Then struct {
	Allowed  *bool                `json:"allowed,omitempty"` // nil: it does not say
	Reason   decision.Reason      `json:"reason,omitempty"`
	Layer    decision.Layer       `json:"layer,omitempty"`
	By       []decision.Statement `json:"settledBy,omitempty"`
	Sentence string               `json:"sentence,omitempty"` // that the caller read, or another error
	// Evidence of then, where it is all there is: of a key that this world does
	// not have.
	Evidence *decision.Evidence `json:"evidence,omitempty"`
}

// The verdicts of a replay.
const (
	verdictAllowed = "allowed"
	verdictDenied  = "denied"
	verdictUnknown = "unknown"
)

// Same tells whether the decision of now is that of then; false also if one of
// them is not known.
func (r Replay) Same() bool {
	return r.Then.Allowed != nil && r.Verdict == verdictOf(*r.Then.Allowed)
}

func verdictOf(allowed bool) string {
	if allowed {
		return verdictAllowed
	}
	return verdictDenied
}

// A past is one permission check of a record, on its way to being asked again.
type past struct {
	request caseline.Request
	adapt   func(*decision.Question) // what the request cannot say; may be nil
	then    Then
	differs []string
	unknown []string
	// limited: a policy that is not known took part, and may have denied.
	limited bool
}

// Replays decides the permission checks of a record again. hints are pairs of
// the encryption context, such as values that the record masks. A record of a
// question has no then.
func (b *Base) Replays(ctx context.Context, r Record, hints []caseline.Pair) ([]Replay, error) {
	var all []past
	var err error
	switch r.Source {
	case FromEvent:
		all, err = b.pastEvent(r.event)
	case FromDecision:
		all, err = b.pastLine(r.line)
	default:
		err = errors.New("a question is explained, not replayed")
	}
	if err != nil {
		return nil, fmt.Errorf("record %s cannot be replayed: %w", r.ID, err)
	}
	var out []Replay
	for _, p := range all {
		for _, h := range hints {
			set(&p.request, h)
		}
		x, err := b.replay(ctx, p, hints)
		if err != nil {
			if key := b.gone(p.request); key != "" {
				x, err = retold(p, key), nil
			}
		}
		if err != nil {
			return nil, fmt.Errorf("record %s cannot be replayed: %w", r.ID, err)
		}
		x.Source, x.ID, x.Time = r.Source, r.ID, r.Time
		out = append(out, x)
	}
	return out, nil
}

// ExplainQuestion explains a record of a question, which needs no world.
func ExplainQuestion(ctx context.Context, e *decision.Engine, r Record) (Explanation, error) {
	if r.question == nil {
		return Explanation{}, errors.New("the record is no question")
	}
	q, err := r.question.Asked()
	if err != nil {
		return Explanation{}, err
	}
	d, err := e.Decide(ctx, q)
	if err != nil {
		return Explanation{}, err
	}
	return (&Base{cfg: Config{Engine: e}}).Tell(d), nil
}

func (b *Base) replay(ctx context.Context, p past, hints []caseline.Pair) (Replay, error) {
	q, err := b.Question(p.request)
	if err != nil {
		var e caseline.Error
		if errors.As(err, &e) {
			err = errors.New(e.Message)
		}
		return Replay{}, err
	}
	if p.adapt != nil {
		p.adapt(&q)
	}
	for _, h := range hints {
		reveal(&q, h)
	}
	d, verdict, masked, err := b.decideMasked(ctx, q)
	if err != nil {
		return Replay{}, err
	}
	if p.limited && verdict == verdictAllowed {
		verdict = verdictUnknown
	}
	r := Replay{Version: Version, Then: p.then, Verdict: verdict, Now: b.Tell(d), Differs: []string{}, Unknown: append(p.unknown, masked...)}
	r.Now.Request = Line(p.request)
	r.Differs = append(r.Differs, p.differs...)
	if r.Then.Allowed != nil && verdict != verdictUnknown && !r.Same() {
		r.Differs = append([]string{fmt.Sprintf("the decision: then %s, now %s", verdictOf(*r.Then.Allowed), verdict)}, r.Differs...)
	}
	if r.Same() && r.Then.Layer != "" && (r.Then.Layer != d.Layer || r.Then.Reason != d.Reason) {
		r.Differs = append(r.Differs, fmt.Sprintf("what settled it: then %s in layer %s, now %s in layer %s", r.Then.Reason, r.Then.Layer, d.Reason, d.Layer))
	}
	return r, nil
}

// WriteText writes what was decided then and now, what differs, and why it is
// decided so now.
func (r Replay) WriteText(w io.Writer, style report.Style) error {
	p := &printer{w: w, style: style}
	head := map[Source]string{FromEvent: "Event", FromDecision: "Decision"}[r.Source] + " " + r.ID
	if !r.Time.IsZero() {
		head += " of " + r.Time.UTC().Format(time.RFC3339)
	}
	p.line(safetext.Text(head))
	then := "the record does not say"
	if r.Then.Allowed != nil {
		then = verdictOf(*r.Then.Allowed)
	}
	if r.Then.Reason != "" {
		then += fmt.Sprintf(" (%s, %s)", r.Then.Reason, r.Then.Layer)
	}
	if r.Then.Sentence != "" {
		then += ": " + r.Then.Sentence
	}
	p.indent("then  "+then, "  ")
	ink := map[string]report.Ink{verdictAllowed: report.Good, verdictDenied: report.Bad, verdictUnknown: report.Doubt}[r.Verdict]
	p.line("  now   " + style.Paint(ink, r.Verdict))
	p.items("Otherwise than then:", r.Differs)
	p.items("Not told by the record:", r.Unknown)
	if r.Now.Version == 0 {
		r.Then.told(p)
		return p.err
	}
	p.line("")
	if r.Verdict == verdictUnknown {
		p.wrap("As far as the record goes, with values that no policy names where it masks some:")
		p.line("")
	}
	if p.err != nil {
		return p.err
	}
	return r.Now.WriteText(w, style)
}

func (p *printer) items(title string, list []string) {
	if len(list) == 0 {
		return
	}
	p.line("")
	p.line(title)
	for _, text := range list {
		p.indent("- "+text, "  ")
	}
}

// reveal gives a pair of the encryption context the value that a record hides.
func reveal(q *decision.Question, h caseline.Pair) {
	name, isPair := cutPrefixFold(h.Key, contextPrefix)
	if !isPair {
		return
	}
	own := map[string]string{}
	for k, v := range q.EncryptionContext {
		own[k] = v
	}
	own[name] = h.Values[0]
	q.EncryptionContext = own
	setContext(q, contextPrefix+strings.ToLower(name), h.Values)
}

func cutPrefixFold(text, prefix string) (rest string, found bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return "", false
	}
	return text[len(prefix):], true
}

// setContext gives a question a condition key, or takes it away.
func setContext(q *decision.Question, key string, values []string) {
	own := make(map[string][]string, len(q.Context)+1)
	for k, v := range q.Context {
		own[k] = v
	}
	if own[key] = slices.Clone(values); len(values) == 0 {
		delete(own, key)
	}
	q.Context = own
}
