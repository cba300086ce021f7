package world

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parseJSON reads a JSON document as the nodes that YAML has: the YAML parser
// knows neither all escapes of JSON nor all that JSON forbids.
func parseJSON(name string, text []byte) (*yaml.Node, error) {
	if !json.Valid(text) {
		return nil, jsonProblem(name, text)
	}
	r := &jsonReader{text: text, decoder: json.NewDecoder(bytes.NewReader(text)), line: 1}
	r.decoder.UseNumber()
	node, err := r.value(0)
	if err != nil {
		return nil, Problem{File: name, Line: r.line, Column: 1, Message: err.Error()}
	}
	return node, nil
}

func jsonProblem(name string, text []byte) Problem {
	var syntax *json.SyntaxError
	p := Problem{File: name, Message: "not JSON"}
	if err := json.Unmarshal(text, new(json.RawMessage)); errors.As(err, &syntax) {
		before := text[:min(int(syntax.Offset), len(text))]
		p.Line = 1 + bytes.Count(before, []byte("\n"))
		p.Column = max(1, utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]))
	}
	return p
}

// A jsonReader walks valid JSON token by token and keeps count of lines.
type jsonReader struct {
	text    []byte
	decoder *json.Decoder
	at      int
	line    int // of the byte at
	column  int // characters of that line before it
}

// place moves to the next token and says where it begins.
func (r *jsonReader) place() (line, column int) {
	next := int(r.decoder.InputOffset())
	for next < len(r.text) && bytes.IndexByte([]byte(" \t\r\n,:"), r.text[next]) >= 0 {
		next++
	}
	for ; r.at < next; r.at++ {
		switch b := r.text[r.at]; {
		case b == '\n':
			r.line++
			r.column = 0
		case utf8.RuneStart(b):
			r.column++
		}
	}
	return r.line, 1 + r.column
}

func (r *jsonReader) value(depth int) (*yaml.Node, error) {
	n := &yaml.Node{}
	n.Line, n.Column = r.place()
	token, err := r.decoder.Token()
	if err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if depth > maxDepth {
		return nil, errors.New("nested too deeply")
	}
	switch token := token.(type) {
	case json.Delim:
		n.Kind = yaml.SequenceNode
		if token == '{' {
			n.Kind = yaml.MappingNode
		}
		return n, r.members(n, depth)
	case string:
		n.Tag, n.Value = "!!str", token
	case json.Number:
		n.Tag, n.Value = "!!float", token.String()
	case bool:
		n.Tag, n.Value = "!!bool", fmt.Sprint(token)
	default:
		n.Tag = "!!null"
	}
	n.Kind = yaml.ScalarNode
	return n, nil
}

// members reads up to the end of an object or array; the names in an object
// are values like others.
func (r *jsonReader) members(n *yaml.Node, depth int) error {
	for r.decoder.More() {
		member, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.Content = append(n.Content, member)
	}
	_, err := r.decoder.Token()
	return err
}
