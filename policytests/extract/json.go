package extract

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxNesting is how deep values may stand in each other; encoding/json has a
// bound of its own, which is larger.
const maxNesting = 200

// readJSON reads the whole text as one JSON value.
func readJSON(s *Source) (*node, error) {
	text := bytes.TrimPrefix(s.Text, []byte("\ufeff"))
	skipped := len(s.Text) - len(text)
	if !json.Valid(text) {
		var syntax *json.SyntaxError
		if err := json.Unmarshal(text, new(json.RawMessage)); errors.As(err, &syntax) {
			return nil, s.fail(skipped+max(0, int(syntax.Offset)-1), "not JSON: "+syntax.Error())
		}
		return nil, s.fail(0, "not JSON")
	}
	r := &jsonReader{text: s.Text, at: skipped}
	n := r.value(0)
	if r.deep {
		return nil, s.fail(0, "nested more than "+strconv.Itoa(maxNesting)+" levels deep")
	}
	return n, nil
}

// A jsonReader walks text that is known to be valid JSON.
type jsonReader struct {
	text []byte
	at   int
	deep bool
}

func (r *jsonReader) space() {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[r.at]) >= 0 {
		r.at++
	}
}

func (r *jsonReader) value(depth int) *node {
	r.space()
	n := &node{start: r.at}
	r.deep = r.deep || depth > maxNesting
	switch r.text[r.at] {
	case '{':
		n.kind = objectNode
		r.members(n, '}', depth)
	case '[':
		n.kind = listNode
		r.members(n, ']', depth)
	case '"':
		r.str(n)
	case 't', 'f':
		n.kind = boolNode
		r.word(n)
	case 'n':
		r.word(n)
	default:
		n.kind = numberNode
		r.word(n)
	}
	n.end = r.at
	return n
}

func (r *jsonReader) members(n *node, closing byte, depth int) {
	r.at++
	for r.space(); !r.deep && r.text[r.at] != closing; r.space() {
		if n.kind == listNode {
			n.items = append(n.items, r.value(depth+1))
			continue
		}
		name := r.value(depth + 1)
		n.fields = append(n.fields, field{name, r.value(depth + 1)})
	}
	r.at++
}

func (r *jsonReader) word(n *node) {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n,]}", r.text[r.at]) < 0 {
		r.at++
	}
	n.text = string(r.text[n.start:r.at])
}

// str reads a string and notes where each stretch without escapes stands.
func (r *jsonReader) str(n *node) {
	n.kind = stringNode
	r.at++
	var b strings.Builder
	for begin := r.at; ; {
		if c := r.text[r.at]; c != '"' && c != '\\' {
			r.at++
			continue
		}
		if r.at > begin {
			n.parts = append(n.parts, segment{at: b.Len(), n: r.at - begin, from: begin, to: r.at})
			b.Write(r.text[begin:r.at])
		}
		if r.text[r.at] == '"' {
			break
		}
		begin = r.at
		decoded := r.escape()
		n.parts = append(n.parts, segment{at: b.Len(), n: utf8.RuneLen(decoded), from: begin, to: r.at, loose: true})
		b.WriteRune(decoded)
		begin = r.at
	}
	r.at++
	n.text = b.String()
}

var escapes = map[byte]rune{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads what a backslash starts. Half a surrogate pair is the
// replacement character.
func (r *jsonReader) escape() rune {
	r.at++
	c := r.text[r.at]
	r.at++
	if c != 'u' {
		return escapes[c]
	}
	first := r.hex()
	if !utf16.IsSurrogate(first) {
		return first
	}
	if r.at+1 < len(r.text) && r.text[r.at] == '\\' && r.text[r.at+1] == 'u' {
		before := r.at
		r.at += 2
		if pair := utf16.DecodeRune(first, r.hex()); pair != utf8.RuneError {
			return pair
		}
		r.at = before
	}
	return utf8.RuneError
}

func (r *jsonReader) hex() rune {
	u, err := strconv.ParseUint(string(r.text[r.at:r.at+4]), 16, 16)
	if err != nil {
		return utf8.RuneError // the text is valid JSON, so there are four digits
	}
	r.at += 4
	return rune(u)
}
