package world

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A mark says where in a world file a part of an inline policy's JSON stands.
type mark struct{ offset, line, column int }

// locate finds the place of a position: that of the last part that begins at
// or before it. Without marks the text is the file's own.
func locate(marks []mark, pos policy.Pos) (line, column int) {
	if len(marks) == 0 {
		return pos.Line, pos.Column
	}
	i, found := slices.BinarySearchFunc(marks, pos.Offset, func(m mark, offset int) int { return m.offset - offset })
	if !found && i > 0 {
		i--
	}
	return marks[min(i, len(marks)-1)].line, marks[min(i, len(marks)-1)].column
}

// inlineJSON writes a policy given in YAML as JSON, with a mark for each part.
// It answers with the node at fault if there is a key that JSON cannot have.
func inlineJSON(n *yaml.Node) (text []byte, marks []mark, wrong *yaml.Node) {
	w := &inlineWriter{}
	w.write(n)
	return w.text.Bytes(), w.marks, w.wrong
}

type inlineWriter struct {
	text  bytes.Buffer
	marks []mark
	wrong *yaml.Node
}

func (w *inlineWriter) write(n *yaml.Node) {
	w.marks = append(w.marks, mark{w.text.Len(), n.Line, n.Column})
	switch n.Kind {
	case yaml.MappingNode:
		w.list(n, '{', '}')
	case yaml.SequenceNode:
		w.list(n, '[', ']')
	default:
		w.text.WriteString(scalarJSON(n))
	}
}

func (w *inlineWriter) list(n *yaml.Node, open, end byte) {
	w.text.WriteByte(open)
	for i, c := range n.Content {
		isKey := n.Kind == yaml.MappingNode && i%2 == 0
		switch {
		case isKey && c.Kind != yaml.ScalarNode:
			w.wrong = c
			return
		case n.Kind == yaml.MappingNode && !isKey:
			w.text.WriteString(": ")
		case i > 0:
			w.text.WriteString(", ")
		}
		if isKey {
			w.marks = append(w.marks, mark{w.text.Len(), c.Line, c.Column})
			w.text.WriteString(quoted(c.Value))
		} else {
			w.write(c)
		}
	}
	w.text.WriteByte(end)
}

var (
	jsonNumber = regexp.MustCompile(`^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$`)
	accountID  = regexp.MustCompile(`^[0-9]{12}$`)
)

// scalarJSON keeps booleans and numbers what they are, save a number of twelve
// digits: that is an account id. All else, dates included, is text.
func scalarJSON(n *yaml.Node) string {
	switch {
	case n.Tag == "!!null":
		return "null"
	case n.Tag == "!!bool" && (n.Value == "true" || n.Value == "false"):
		return n.Value
	case (n.Tag == "!!int" || n.Tag == "!!float") && jsonNumber.MatchString(n.Value) && !accountID.MatchString(n.Value):
		return n.Value
	}
	return quoted(n.Value)
}

func quoted(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string always encodes
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
