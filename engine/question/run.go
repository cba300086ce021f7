package question

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// maxLine bounds one question in bytes.
const maxLine = 4 << 20

// An Answer is one line of output. Error says why there is no decision: that
// is neither a yes nor a no.
type Answer struct {
	ID       string             `json:"id,omitempty"`
	Line     int                `json:"line"` // of the question
	Allowed  *bool              `json:"allowed,omitempty"`
	Sentence string             `json:"sentence,omitempty"` // of a refusal, as clients read it
	Evidence *decision.Evidence `json:"evidence,omitempty"`
	Error    string             `json:"error,omitempty"`
}

// Run decides each line of in and writes one line for each to out. It returns
// how many could not be decided, and an error if in or out failed.
func Run(ctx context.Context, e *decision.Engine, in io.Reader, out io.Writer) (undecided int, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	buffered := bufio.NewWriter(out)
	enc := json.NewEncoder(buffered)
	enc.SetEscapeHTML(false)
	r := &reader{}
	for n := 1; lines.Scan(); n++ {
		if ctx.Err() != nil {
			return undecided, errors.Join(ctx.Err(), buffered.Flush())
		}
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		answer := r.answer(ctx, e, lines.Bytes())
		answer.Line = n
		if answer.Error != "" {
			undecided++
		}
		if err := enc.Encode(answer); err != nil {
			return undecided, fmt.Errorf("writing decisions: %w", err)
		}
	}
	if err := lines.Err(); err != nil {
		return undecided, errors.Join(fmt.Errorf("reading questions: %w", err), buffered.Flush())
	}
	return undecided, buffered.Flush()
}

// shapes are the JSON types as people call them.
var shapes = map[reflect.Kind]string{
	reflect.Struct: "an object", reflect.Map: "an object", reflect.Slice: "a list", reflect.String: "a string", reflect.Bool: "true or false",
	reflect.Int: "a number", reflect.Pointer: "an object",
}

// fault tells an error of the JSON by its field and place.
func fault(err error) string {
	wrong := new(json.UnmarshalTypeError)
	if !errors.As(err, &wrong) {
		said := strings.TrimPrefix(err.Error(), "json: ")
		switch said {
		case `unknown field "caller"`, `unknown field "target"`:
			said += "; names are for the input of a bundle, a question brings principal, resource and policies with it (decide --schema)"
		}
		return said
	}
	return fmt.Sprintf("$.%s is %s, not a %s (at byte %d)", wrong.Field, cmp.Or(shapes[wrong.Type.Kind()], "of another type"), wrong.Value, wrong.Offset)
}

func (r *reader) answer(ctx context.Context, e *decision.Engine, line []byte) Answer {
	var q Question
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&q); err != nil {
		return Answer{Error: "this line is not a question: " + fault(err)}
	}
	asked, err := r.read(q)
	if err != nil {
		return Answer{ID: q.ID, Error: err.Error()}
	}
	d, err := e.Decide(ctx, asked)
	if err != nil {
		return Answer{ID: q.ID, Error: err.Error()}
	}
	evidence := d.Evidence()
	a := Answer{ID: q.ID, Allowed: &d.Allowed, Evidence: &evidence}
	if !d.Allowed {
		a.Sentence = d.Sentence()
	}
	return a
}
