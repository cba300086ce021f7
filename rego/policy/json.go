package policy

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds nesting. The deepest value of any valid policy, one in a
// list under a condition key, is at depth 8.
const maxDepth = 16

// A node is one JSON value, where it starts and the offset where it ends.
type node struct {
	kind   nodeKind
	text   string // decoded string; literal of a number or boolean
	fields []field
	items  []node
	at     place
	end    int
}

type nodeKind int

const (
	objectNode nodeKind = iota + 1
	arrayNode
	stringNode
	numberNode
	boolNode
	nullNode
)

func (k nodeKind) String() string {
	return [...]string{"nothing", "an object", "a list", "a string", "a number", "a boolean", "null"}[k]
}

// A field is one member of an object.
type field struct {
	name  string
	at    place
	end   int // of the name
	value node
}

// A place is where a value starts, without its path.
type place struct{ line, column, offset int }

func (p place) pos(path string) Pos {
	return Pos{Path: path, Line: p.line, Column: p.column, Offset: p.offset}
}

// A reader reads one JSON text (RFC 8259) and keeps positions. Syntax ends the
// reading at once; duplicate names are gathered, and the first one counts.
type reader struct {
	text string
	off  int
	// mark is a place already computed; places are asked for in ascending
	// order, so counting lines and columns is linear over the whole text.
	mark   place
	latin  bool
	faults *faults
}

// A halt is a fault that ends the reading.
type halt struct {
	code    Code
	message string
	pos     Pos
}

// readJSON reads text; ok is false if it is not JSON, and f says why. If latin,
// strings keep to the characters of latinOne also where they are escaped.
func readJSON(text string, latin bool, f *faults) (root node, ok bool) {
	r := &reader{text: text, mark: place{line: 1, column: 1}, latin: latin, faults: f}
	root, err := r.document()
	if err != nil {
		f.add(err.code, err.pos, "%s", err.message)
		return node{}, false
	}
	return root, true
}

func (r *reader) document() (node, *halt) {
	r.space()
	root, err := r.value("$", 1)
	if err != nil {
		return node{}, err
	}
	r.space()
	if r.off < len(r.text) {
		return node{}, r.fail("$", "unexpected %s after the document", r.found())
	}
	return root, nil
}

// here is the place of the next byte.
func (r *reader) here() place {
	for r.mark.offset < r.off {
		c, size := utf8.DecodeRuneInString(r.text[r.mark.offset:])
		r.mark.offset += size
		r.mark.column++
		if c == '\n' {
			r.mark.line++
			r.mark.column = 1
		}
	}
	return r.mark
}

func (r *reader) fail(path, format string, args ...any) *halt {
	return &halt{CodeSyntax, fmt.Sprintf(format, args...), r.here().pos(path)}
}

// found names the next character for a message.
func (r *reader) found() string {
	if r.off >= len(r.text) {
		return "end of the text"
	}
	c, _ := utf8.DecodeRuneInString(r.text[r.off:])
	return strconv.QuoteRune(c)
}

func (r *reader) space() {
	for r.off < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.off]) >= 0 {
		r.off++
	}
}

// take steps over c if it is next.
func (r *reader) take(c byte) bool {
	if r.off < len(r.text) && r.text[r.off] == c {
		r.off++
		return true
	}
	return false
}

func (r *reader) value(path string, depth int) (node, *halt) {
	n, err := r.open(path, depth)
	n.end = r.off
	return n, err
}

// open reads a value, whose end is where it leaves off.
func (r *reader) open(path string, depth int) (node, *halt) {
	at := r.here()
	if depth > maxDepth {
		return node{}, &halt{CodeTooDeep, fmt.Sprintf("nested more than %d levels deep", maxDepth), at.pos(path)}
	}
	if r.off >= len(r.text) {
		return node{}, r.fail(path, "the text ends where a value is expected")
	}
	switch c := r.text[r.off]; {
	case c == '{':
		return r.object(path, depth)
	case c == '[':
		return r.array(path, depth)
	case c == '"':
		s, err := r.str(path)
		return node{kind: stringNode, text: s, at: at}, err
	case c == '-' || c >= '0' && c <= '9':
		s, err := r.number(path)
		return node{kind: numberNode, text: s, at: at}, err
	default:
		return r.word(path)
	}
}

func (r *reader) object(path string, depth int) (node, *halt) {
	n := node{kind: objectNode, at: r.here()}
	r.off++
	r.space()
	if r.take('}') {
		return n, nil
	}
	seen := map[string]bool{}
	for {
		f, err := r.member(path, depth)
		if err != nil {
			return node{}, err
		}
		if seen[f.name] {
			r.faults.add(CodeDuplicateKey, f.at.pos(child(path, f.name)), "the name %q appears twice in one object", brief(f.name))
		} else {
			seen[f.name] = true
			n.fields = append(n.fields, f)
		}
		if r.space(); r.take('}') {
			return n, nil
		}
		if !r.take(',') {
			return node{}, r.fail(path, "found %s where a comma or a closing brace is expected", r.found())
		}
		r.space()
	}
}

func (r *reader) member(path string, depth int) (field, *halt) {
	f := field{at: r.here()}
	if r.off >= len(r.text) || r.text[r.off] != '"' {
		return f, r.fail(path, "found %s where a name in double quotes is expected", r.found())
	}
	var err *halt
	if f.name, err = r.str(path); err != nil {
		return f, err
	}
	f.end = r.off
	if r.space(); !r.take(':') {
		return f, r.fail(path, "found %s where a colon is expected", r.found())
	}
	r.space()
	f.value, err = r.value(child(path, f.name), depth+1)
	return f, err
}

func (r *reader) array(path string, depth int) (node, *halt) {
	n := node{kind: arrayNode, at: r.here()}
	r.off++
	r.space()
	if r.take(']') {
		return n, nil
	}
	for {
		v, err := r.value(path, depth+1)
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, v)
		if r.space(); r.take(']') {
			return n, nil
		}
		if !r.take(',') {
			return node{}, r.fail(path, "found %s where a comma or a closing bracket is expected", r.found())
		}
		r.space()
	}
}

func (r *reader) word(path string) (node, *halt) {
	at := r.here()
	for _, word := range []string{"true", "false", "null"} {
		if !strings.HasPrefix(r.text[r.off:], word) {
			continue
		}
		r.off += len(word)
		if word == "null" {
			return node{kind: nullNode, at: at}, nil
		}
		return node{kind: boolNode, text: word, at: at}, nil
	}
	return node{}, r.fail(path, "found %s where a value is expected", r.found())
}

// number steps over a number as RFC 8259 section 6 spells it.
func (r *reader) number(path string) (string, *halt) {
	start := r.off
	r.take('-')
	if whole := r.digits(); whole == 0 {
		return "", r.fail(path, "found %s where a digit is expected", r.found())
	} else if whole > 1 && r.text[r.off-whole] == '0' {
		return "", r.fail(path, "a number has a leading zero")
	}
	if r.take('.') && r.digits() == 0 {
		return "", r.fail(path, "found %s where a digit is expected", r.found())
	}
	if r.take('e') || r.take('E') {
		_ = r.take('+') || r.take('-')
		if r.digits() == 0 {
			return "", r.fail(path, "found %s where a digit is expected", r.found())
		}
	}
	return r.text[start:r.off], nil
}

func (r *reader) digits() int {
	start := r.off
	for r.off < len(r.text) && r.text[r.off] >= '0' && r.text[r.off] <= '9' {
		r.off++
	}
	return r.off - start
}

// maxName bounds the bytes of a name in a path, so that a long one in front of
// a long list does not multiply.
const maxName = 128

// child is the path of a member. A name too long for it ends in "…".
func child(path, name string) string {
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "") + "…"
	}
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c < '0' || c > '9' || i == 0) && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return path + "['" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name) + "']"
		}
	}
	if name == "" {
		return path + "['']"
	}
	return path + "." + name
}

// item is the path of an element of a list.
func item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
