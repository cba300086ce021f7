package extract

import (
	"bytes"
	"encoding/json"
	"strings"
)

// maxDocument bounds the text that is written for one document; it is more
// than policy.Parse takes, which then says so.
const maxDocument = 1 << 18

// A resolver answers what a value stands for that is computed at deployment:
// the value in its place, which may be v itself. What it cannot tell comes back
// with why, and a nil value drops the part.
type resolver func(v *node, path []string) (value *node, unknown string)

// A writer writes a value as JSON and keeps track of where its parts stand.
type writer struct {
	text    bytes.Buffer
	marks   []segment
	unknown []Unknown
	resolve resolver
	large   bool
}

// document makes the text of a policy out of a value: the bytes of the file
// where that is JSON without anything to resolve.
func (p *Policy) document(v *node, resolve resolver) {
	if v.kind == stringNode {
		p.quoted(v)
		return
	}
	if !v.yaml && (resolve == nil || !computed(v, 0)) {
		p.Text = p.source.Text[v.start:v.end]
		p.marks = []segment{{n: v.end - v.start, from: v.start, to: v.end}}
		return
	}
	w := &writer{resolve: resolve}
	w.write(v, nil, 0)
	p.Text, p.marks, p.Unknown = w.text.Bytes(), w.marks, w.unknown
}

// quoted takes the text out of a string that holds a document.
func (p *Policy) quoted(v *node) {
	p.Text = []byte(v.text)
	p.marks = v.parts
	if len(p.marks) == 0 {
		p.marks = []segment{{n: len(v.text), from: v.start, to: v.end, loose: true}}
	}
}

func (w *writer) write(v *node, path []string, depth int) {
	if w.large = w.large || w.text.Len() > maxDocument || depth > maxNesting; w.large {
		w.text.WriteString("null")
		return
	}
	unknown := ""
	at := v
	if w.resolve != nil {
		if v, unknown = w.resolve(v, path); v == nil {
			v = &node{kind: nullNode, start: at.start, end: at.end}
		}
	}
	start := w.text.Len()
	switch v.kind {
	case objectNode:
		w.object(v, path, depth)
	case listNode:
		w.list(v, path, depth)
	default:
		w.scalar(v)
	}
	if unknown != "" {
		w.unknown = append(w.unknown, Unknown{Start: start, End: w.text.Len(), Message: unknown})
	}
}

// sign writes a bracket or what joins two parts: at a place of the file that
// is between others.
func (w *writer) sign(text string, from, to int) {
	w.marks = append(w.marks, segment{at: w.text.Len(), n: len(text), from: from, to: to, loose: true})
	w.text.WriteString(text)
}

func (w *writer) object(v *node, path []string, depth int) {
	w.sign("{", v.start, v.start)
	written := false
	for _, f := range v.fields {
		if w.drops(f.value, append(path, f.name.text)) {
			continue
		}
		if written {
			w.sign(", ", f.name.start, f.name.start)
		}
		written = true
		w.scalar(&node{kind: stringNode, text: f.name.text, start: f.name.start, end: f.name.end, parts: f.name.parts})
		w.sign(": ", f.name.end, f.name.end)
		w.write(f.value, append(path, f.name.text), depth+1)
	}
	w.sign("}", v.end, v.end)
}

func (w *writer) list(v *node, path []string, depth int) {
	w.sign("[", v.start, v.start)
	written := false
	for _, item := range v.items {
		if w.drops(item, path) {
			continue
		}
		if written {
			w.sign(", ", item.start, item.start)
		}
		written = true
		w.write(item, path, depth+1)
	}
	w.sign("]", v.end, v.end)
}

// drops tells whether a value stands for its own absence, as AWS::NoValue does.
func (w *writer) drops(v *node, path []string) bool {
	if w.resolve == nil {
		return false
	}
	value, unknown := w.resolve(v, path)
	return value == nil && unknown == ""
}

func (w *writer) scalar(v *node) {
	var text string
	switch v.kind {
	case nullNode:
		text = "null"
	case boolNode, numberNode:
		text = v.text
	default:
		text = jsonString(v.text)
	}
	inner := strings.TrimSuffix(strings.TrimPrefix(text, `"`), `"`)
	if len(v.parts) != 1 || v.parts[0].n != len(inner) || inner != v.text || v.kind != stringNode {
		w.sign(text, v.start, max(v.start, v.end))
		return
	}
	w.sign(`"`, v.start, v.parts[0].from)
	w.marks = append(w.marks, segment{at: w.text.Len(), n: len(inner), from: v.parts[0].from, to: v.parts[0].to})
	w.text.WriteString(inner)
	w.sign(`"`, v.parts[0].to, v.end)
}

func jsonString(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string always encodes
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
