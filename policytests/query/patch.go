package query

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// An object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value json.RawMessage
}

func (o *object) UnmarshalJSON(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("%.20s is no JSON object", text)
	}
	*o = object{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		m := member{name: name.(string)} // an object's names are strings
		if err := dec.Decode(&m.value); err != nil {
			return err
		}
		*o = append(*o, m)
	}
	return nil
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(jsonOf(m.name))
		b.WriteByte(':')
		b.Write(m.value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func (o object) at(name string) int {
	return slices.IndexFunc(o, func(m member) bool { return m.name == name })
}

// with is a copy of o in which a member has a value.
func (o object) with(name string, value json.RawMessage) object {
	own := slices.Clone(o)
	if i := own.at(name); i >= 0 {
		own[i].value = value
		return own
	}
	return append(own, member{name, value})
}

// without is a copy of o that lacks a member.
func (o object) without(name string) object {
	return slices.DeleteFunc(slices.Clone(o), func(m member) bool { return m.name == name })
}

// object is the object that a member holds; empty if it holds none.
func (o object) object(name string) object {
	var inner object
	if i := o.at(name); i < 0 || json.Unmarshal(o[i].value, &inner) != nil {
		return object{}
	}
	return inner
}

// jsonOf writes a value without escapes that only HTML needs.
func jsonOf(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return json.RawMessage("null") // plain data always has a JSON form
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// appended adds a value to one that is a scalar or a list, and says how as an
// operation on the place of the list.
func appended(list json.RawMessage, value any, pointer string) (json.RawMessage, operation) {
	var items []json.RawMessage
	if json.Unmarshal(list, &items) == nil && items != nil {
		return jsonOf(append(items, jsonOf(value))), operation{Op: "add", Path: pointer + "/-", Value: jsonOf(value)}
	}
	both := jsonOf([]json.RawMessage{list, jsonOf(value)})
	return both, operation{Op: "replace", Path: pointer, Value: both}
}

// An operation is one of a JSON Patch (RFC 6902).
type operation struct {
	Op    string          `json:"op"`
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value,omitempty"`
}

// pointer is a JSON path of a statement as a JSON pointer (RFC 6901).
func pointer(path string) string {
	return strings.NewReplacer("$.", "/", "[", "/", "]", "").Replace(path)
}

// step is one name in a JSON pointer.
func step(name string) string {
	return "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// span is where a statement stands in the text of its document.
func span(d *policy.Document, statement int) (start, end int, err error) {
	start = d.Statements[statement].Pos.Offset
	dec := json.NewDecoder(strings.NewReader(d.Text[start:]))
	var text json.RawMessage
	if err := dec.Decode(&text); err != nil {
		return 0, 0, fmt.Errorf("reading statement %d: %w", statement, err)
	}
	return start, start + int(dec.InputOffset()), nil
}

// A rewrite is a changed document.
type rewrite struct {
	text  string // of the whole document
	patch []operation
	value json.RawMessage // the statement at hand
}

// replaced is the document with another statement in the place of one. change
// works on the statement and tells how; the pointers of its operations begin at
// the statement.
func replaced(d *policy.Document, statement int, change func(object) (object, []operation)) (rewrite, error) {
	start, end, err := span(d, statement)
	if err != nil {
		return rewrite{}, err
	}
	var before object
	if err := json.Unmarshal([]byte(d.Text[start:end]), &before); err != nil {
		return rewrite{}, err
	}
	after, operations := change(before)
	at := pointer(d.Statements[statement].Pos.Path)
	for i := range operations {
		operations[i].Path = at + operations[i].Path
	}
	r := rewrite{patch: operations, value: jsonOf(after)}
	r.text = d.Text[:start] + string(r.value) + d.Text[end:]
	return r, nil
}

// extended is the document with one statement more, at the end.
func extended(d *policy.Document, statement object) (rewrite, error) {
	value := jsonOf(statement)
	list, add, err := statementsOf(d)
	if err != nil {
		return rewrite{}, err
	}
	list = append(list, value)
	operation := operation{Op: "add", Path: "/Statement/-", Value: value}
	if !add {
		operation.Op, operation.Path, operation.Value = "replace", "/Statement", jsonOf(list)
	}
	return restated(d, list, operation, value)
}

// shortened is the document without one of its statements.
func shortened(d *policy.Document, statement int) (rewrite, error) {
	list, _, err := statementsOf(d)
	if err != nil {
		return rewrite{}, err
	}
	value := list[statement]
	list = slices.Delete(list, statement, statement+1)
	return restated(d, list, operation{Op: "remove", Path: pointer(d.Statements[statement].Pos.Path)}, value)
}

// statementsOf are the statements of a document, and whether they are a list.
func statementsOf(d *policy.Document) (all []json.RawMessage, list bool, err error) {
	var document object
	if err := json.Unmarshal([]byte(d.Text), &document); err != nil {
		return nil, false, err
	}
	i := document.at("Statement")
	if i < 0 {
		return nil, false, fmt.Errorf("the policy has no statements")
	}
	if json.Unmarshal(document[i].value, &all) == nil {
		return all, true, nil
	}
	return []json.RawMessage{document[i].value}, false, nil
}

func restated(d *policy.Document, list []json.RawMessage, o operation, value json.RawMessage) (rewrite, error) {
	var document object
	if err := json.Unmarshal([]byte(d.Text), &document); err != nil {
		return rewrite{}, err
	}
	return rewrite{text: string(jsonOf(document.with("Statement", jsonOf(list)))), patch: []operation{o}, value: value}, nil
}
