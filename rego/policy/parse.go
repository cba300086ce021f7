package policy

import (
	"fmt"
	"unicode/utf8"
)

// Parse reads one document of kind k. The error is Errors: every fault found,
// in the order of their places. The document's time and memory are linear in
// the text, whose size is bounded.
func Parse(k Kind, text []byte) (*Document, error) {
	if !k.Valid() {
		return nil, fmt.Errorf("parsing a policy of unknown kind %d", int(k))
	}
	p := &parser{kind: k, schema: schemas[k]}
	root, ok := p.read(text)
	if !ok {
		return nil, p.faults.err()
	}
	doc := p.document(root)
	if err := p.faults.err(); err != nil {
		return nil, err
	}
	doc.Text = string(text)
	return doc, nil
}

// Read reads a document as Parse does, but also gives what it could read of
// one that has faults: a Document for tools that look for more to say, never
// one to decide by. What is faulty is left out of it; an Effect may be zero.
// The tree is that of the JSON. Both are nil if the text is no JSON. Neither
// size (up to four times what any document holds) nor characters that the kind
// refuses end the reading.
func Read(k Kind, text []byte) (*Document, *Node, error) {
	if !k.Valid() {
		return nil, nil, fmt.Errorf("reading a policy of unknown kind %d", int(k))
	}
	p := &parser{kind: k, schema: schemas[k], lenient: true, faults: faults{more: moreErrors}}
	root, ok := p.read(text)
	if !ok {
		return nil, nil, p.faults.err()
	}
	doc := p.document(root)
	doc.Text = string(text)
	tree := root.tree("$", doc.Text)
	return doc, &tree, p.faults.err()
}

// A parser turns nodes into a Document of one kind.
type parser struct {
	kind    Kind
	schema  schema
	version string
	sids    map[string]bool
	// lenient: a fault of size or of characters does not end the reading.
	lenient bool
	faults  faults
}

// start is the place of faults of the document as a whole.
var start = Pos{Path: "$", Line: 1, Column: 1}

// read checks size and characters and reads the JSON.
func (p *parser) read(text []byte) (node, bool) {
	size := Measure(p.kind, text)
	if size.Count > size.Max {
		p.faults.add(p.schema.limit.code, start, "%s holds at most %d %s; this one has %d", p.schema.title, size.Max, size.Unit, size.Count)
	} else if len(text) > maxText {
		p.faults.add(p.schema.limit.code, start, "a policy holds at most %d bytes; this one has %d", maxText, len(text))
	}
	if len(p.faults.all) > 0 && (!p.lenient || len(text) > 4*maxText) {
		return node{}, false
	}
	s := string(text)
	if at, bad := badCharacter(s, p.schema.latin); bad {
		r := reader{text: s, off: at, mark: place{line: 1, column: 1}}
		p.faults.add(CodeCharacter, r.here().pos("$"), "%s in %s", r.found(), p.schema.charset())
		if !p.lenient || !utf8.ValidString(s) {
			return node{}, false
		}
	}
	return readJSON(s, p.schema.latin, &p.faults)
}

func (s schema) charset() string {
	if s.latin {
		return s.title + ", which holds only printable ASCII and Latin-1, tab, line feed and carriage return"
	}
	return s.title + ", which is not valid UTF-8 there"
}

// badCharacter finds the first byte that starts no permitted character.
func badCharacter(s string, latin bool) (int, bool) {
	for i, c := range s {
		if c == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size <= 1 {
				return i, true
			}
		}
		if latin && !latinOne(c) {
			return i, true
		}
	}
	return 0, false
}

// latinOne tells the characters that A-30 permits.
func latinOne(c rune) bool {
	return c == '\t' || c == '\n' || c == '\r' || c >= 0x20 && c <= 0x7e || c >= 0xa0 && c <= 0xff
}

func (p *parser) document(root node) *Document {
	doc := &Document{Kind: p.kind, Version: Version2008}
	at := root.at.pos("$")
	if root.kind != objectNode {
		p.faults.add(CodeDataType, at, "a policy is an object, not %s", root.kind)
		return doc
	}
	var statements *field
	versioned := false
	// Version decides how the statements are read, wherever it stands.
	for i := range root.fields {
		f := &root.fields[i]
		pos := f.at.pos(child("$", f.name))
		switch f.name {
		case "Version":
			versioned = true
			doc.Version = p.readVersion(f, pos)
		case "Id":
			doc.ID, _ = p.str(f.value, pos.Path)
		case "Statement":
			statements = f
		default:
			p.faults.add(CodeElement, pos, "a policy has no element %q", brief(f.name))
		}
	}
	if !versioned && p.schema.current {
		p.faults.add(CodeMissingVersion, at, "%s needs the Version %q", p.schema.title, Version2012)
	}
	if p.version = doc.Version; statements == nil {
		p.faults.add(CodeMissingStatement, at, "a policy needs a Statement")
		return doc
	}
	doc.Statements = p.statements(statements.value)
	return doc
}

func (p *parser) readVersion(f *field, pos Pos) string {
	v, ok := p.str(f.value, pos.Path)
	switch {
	case !ok:
	case v != Version2008 && v != Version2012:
		p.faults.add(CodeVersion, f.value.at.pos(pos.Path), "the Version is %q or %q", Version2012, Version2008)
	case v == Version2008 && p.schema.current:
		p.faults.add(CodeVersion, f.value.at.pos(pos.Path), "the Version of %s is %q", p.schema.title, Version2012)
	}
	return v
}

// str wants a string.
func (p *parser) str(n node, path string) (string, bool) {
	if n.kind != stringNode {
		p.faults.add(CodeDataType, n.at.pos(path), "expected a string, found %s", n.kind)
		return "", false
	}
	return n.text, true
}

// each calls fn for a scalar, or for each element of a list, with its path.
func (p *parser) each(n node, path string, fn func(n node, path string)) {
	if n.kind != arrayNode {
		fn(n, path)
		return
	}
	for i := range n.items {
		if p.faults.full() {
			return
		}
		fn(n.items[i], item(path, i))
	}
}
