package wire

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of a body beside MaxBody, far above what any input needs.
const (
	maxDepth  = 32    // nesting of lists and objects
	maxValues = 65536 // values in a body, of every kind
)

// errSyntax is every fault of a body that is not the JSON we read: the service
// tells no more either.
var errSyntax = errors.New("not valid JSON")

type kind uint8

const (
	kindNull kind = iota + 1
	kindTrue
	kindFalse
	kindNumber
	kindString
	kindList
	kindObject
)

// A node is one parsed JSON value. Object members keep their order; names[i]
// belongs to items[i].
type node struct {
	kind  kind
	text  string // of a string decoded, of a number as it was written
	names []string
	items []node
}

// member returns the member of that exact name, or nil.
func (n *node) member(name string) *node {
	for i := range n.names {
		if n.names[i] == name {
			return &n.items[i]
		}
	}
	return nil
}

// parse reads a JSON text more strictly than encoding/json: valid UTF-8 only,
// no lone surrogates, no name twice in an object. Two clients can otherwise
// mean different things by the same bytes, an encryption context for one.
func parse(body []byte) (*node, error) {
	p := &parser{in: string(body)}
	p.space()
	n, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.at != len(p.in) {
		return nil, errSyntax
	}
	return &n, nil
}

// A parser reads one text. The strings of its nodes are parts of it, so that
// few of them take memory of their own.
type parser struct {
	in     string
	at     int
	values int
}

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.at < len(p.in) {
		return p.in[p.at]
	}
	return 0
}

func (p *parser) space() {
	for p.at < len(p.in) {
		switch p.in[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// take consumes c, white space before it and after it, if it is next.
func (p *parser) take(c byte) bool {
	p.space()
	if p.peek() != c {
		return false
	}
	p.at++
	p.space()
	return true
}

func (p *parser) value(depth int) (node, error) {
	if p.values++; depth > maxDepth || p.values > maxValues {
		return node{}, errSyntax
	}
	switch c := p.peek(); c {
	case '{':
		return p.object(depth)
	case '[':
		return p.list(depth)
	case '"':
		s, err := p.str()
		return node{kind: kindString, text: s}, err
	case 't':
		return p.word("true", kindTrue)
	case 'f':
		return p.word("false", kindFalse)
	case 'n':
		return p.word("null", kindNull)
	default:
		return p.number()
	}
}

func (p *parser) word(w string, k kind) (node, error) {
	if !strings.HasPrefix(p.in[p.at:], w) {
		return node{}, errSyntax
	}
	p.at += len(w)
	return node{kind: k}, nil
}

// usual is room for as many members as most inputs have.
const usual = 8

func (p *parser) object(depth int) (node, error) {
	n := node{kind: kindObject}
	seen := names{}
	p.take('{')
	if p.take('}') {
		return n, nil
	}
	if depth == 0 {
		n.names, n.items = make([]string, 0, usual), make([]node, 0, usual)
	}
	for {
		if p.peek() != '"' {
			return n, errSyntax
		}
		name, err := p.str()
		if err != nil || !seen.add(n.names, name) || !p.take(':') {
			return n, errSyntax
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return n, err
		}
		n.names, n.items = append(n.names, name), append(n.items, v)
		switch {
		case p.take(','):
		case p.take('}'):
			return n, nil
		default:
			return n, errSyntax
		}
	}
}

func (p *parser) list(depth int) (node, error) {
	n := node{kind: kindList}
	p.take('[')
	if p.take(']') {
		return n, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return n, err
		}
		n.items = append(n.items, v)
		switch {
		case p.take(','):
		case p.take(']'):
			return n, nil
		default:
			return n, errSyntax
		}
	}
}

// number reads a number as RFC 8259, section 6, writes it.
func (p *parser) number() (node, error) {
	start := p.at
	if p.peek() == '-' {
		p.at++
	}
	switch c := p.peek(); {
	case c == '0':
		p.at++
	case !p.digits():
		return node{}, errSyntax
	}
	if p.peek() == '.' {
		if p.at++; !p.digits() {
			return node{}, errSyntax
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.at++
		if c := p.peek(); c == '+' || c == '-' {
			p.at++
		}
		if !p.digits() {
			return node{}, errSyntax
		}
	}
	return node{kind: kindNumber, text: p.in[start:p.at]}, nil
}

func (p *parser) digits() bool {
	start := p.at
	for c := p.peek(); '0' <= c && c <= '9'; c = p.peek() {
		p.at++
	}
	return p.at > start
}

// str reads a string from its opening quote past its closing one.
func (p *parser) str() (string, error) {
	p.at++
	start := p.at
	for p.at < len(p.in) {
		switch c := p.in[p.at]; {
		case c == '"':
			s := p.in[start:p.at]
			p.at++
			if !utf8.ValidString(s) {
				return "", errSyntax
			}
			return s, nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", errSyntax
		}
		p.at++
	}
	return "", errSyntax
}

// escaped reads a string that has an escape at p.at; it began at start.
func (p *parser) escaped(start int) (string, error) {
	out := append([]byte(nil), p.in[start:p.at]...)
	for p.at < len(p.in) {
		c := p.in[p.at]
		p.at++
		switch {
		case c == '"':
			if !utf8.Valid(out) {
				return "", errSyntax
			}
			return string(out), nil
		case c == '\\':
			r, ok := p.escape()
			if !ok {
				return "", errSyntax
			}
			out = utf8.AppendRune(out, r)
		case c < ' ':
			return "", errSyntax
		default:
			out = append(out, c)
		}
	}
	return "", errSyntax
}

var escapes = map[byte]rune{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads what follows a backslash.
func (p *parser) escape() (rune, bool) {
	c := p.peek()
	p.at++
	if c != 'u' {
		r, ok := escapes[c]
		return r, ok
	}
	r, ok := p.hex()
	if !ok || r < 0xD800 || r > 0xDFFF {
		return r, ok
	}
	if r > 0xDBFF || len(p.in)-p.at < 2 || p.in[p.at] != '\\' || p.in[p.at+1] != 'u' {
		return 0, false
	}
	p.at += 2
	low, ok := p.hex()
	if !ok || low < 0xDC00 || low > 0xDFFF {
		return 0, false
	}
	return 0x10000 + (r-0xD800)<<10 + (low - 0xDC00), true
}

func (p *parser) hex() (rune, bool) {
	if len(p.in)-p.at < 4 {
		return 0, false
	}
	v, err := strconv.ParseUint(p.in[p.at:p.at+4], 16, 16)
	p.at += 4
	return rune(v), err == nil
}

// names finds repeated names: by comparison while they are few, in a set after.
type names struct{ set map[string]bool }

func (s *names) add(have []string, name string) bool {
	if s.set == nil && len(have) < 16 {
		for _, h := range have {
			if h == name {
				return false
			}
		}
		return true
	}
	if s.set == nil {
		s.set = make(map[string]bool, 2*len(have))
		for _, h := range have {
			s.set[h] = true
		}
	}
	if s.set[name] {
		return false
	}
	s.set[name] = true
	return true
}
