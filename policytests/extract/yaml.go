package extract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// readYAML reads the documents of a YAML file.
func readYAML(s *Source) (documents []*node, err error) {
	defer func() { // the parser panics on some broken texts
		if recover() != nil {
			documents, err = nil, s.fail(0, "not YAML")
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(s.Text))
	r := &yamlReader{source: s, done: map[*yaml.Node]*node{}}
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		switch {
		case errors.Is(err, io.EOF):
			return documents, nil
		case err != nil:
			return nil, r.problem(err)
		case len(document.Content) == 1:
			documents = append(documents, r.node(document.Content[0], 0))
		}
		if r.deep {
			return nil, s.fail(0, "nested more than "+strconv.Itoa(maxNesting)+" levels deep")
		}
	}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// problem gives an error of the parser its place.
func (r *yamlReader) problem(err error) error {
	text := err.Error()
	m := yamlLine.FindStringSubmatch(text)
	if m == nil {
		return r.source.fail(0, "not YAML: "+text)
	}
	e := Error{File: r.source.Name, Message: "not YAML: " + text[len(m[0]):]}
	if line, err := strconv.Atoi(m[1]); err == nil {
		e.Line, e.Column = line, 1
	}
	return e
}

// A yamlReader turns the parser's nodes into ours, which know their bytes.
type yamlReader struct {
	source *Source
	lines  []int // as the parser counts lines
	done   map[*yaml.Node]*node
	deep   bool
}

// offset of a line and column as the parser counts them: columns in
// characters.
func (r *yamlReader) offset(line, column int) int {
	if r.lines == nil {
		r.lines = yamlStarts(r.source.Text)
	}
	if line < 1 || line > len(r.lines) {
		return len(r.source.Text)
	}
	at := r.lines[line-1]
	for i := 1; i < column && at < len(r.source.Text); i++ {
		_, size := utf8.DecodeRune(r.source.Text[at:])
		at += size
	}
	return at
}

// yamlStarts are the offsets of lines, which YAML ends in more ways than one.
func yamlStarts(text []byte) []int {
	lines := []int{0}
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		lines[0] = len("\ufeff")
	}
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRune(text[i:])
		i += size
		switch {
		case c == '\r' && i < len(text) && text[i] == '\n':
		case c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029:
			lines = append(lines, i)
		}
	}
	return lines
}

func (r *yamlReader) node(y *yaml.Node, depth int) *node {
	if n, ok := r.done[y]; ok {
		return n
	}
	n := &node{start: r.offset(y.Line, y.Column), yaml: true}
	n.end = n.start
	r.done[y] = n // an alias within its own anchor sees what is there so far
	if depth > maxNesting {
		r.deep = true
		return n
	}
	if y.Style&yaml.TaggedStyle != 0 && !strings.HasPrefix(y.Tag, "!!") {
		n.tag = y.Tag
		n.start = r.afterTag(n.start)
	}
	var merged []*node
	switch y.Kind {
	case yaml.MappingNode:
		n.kind = objectNode
		for i := 0; i+1 < len(y.Content); i += 2 {
			if y.Content[i].ShortTag() == "!!merge" {
				merged = append(merged, r.node(y.Content[i+1], depth+1).elements()...)
				continue
			}
			n.fields = append(n.fields, field{r.node(y.Content[i], depth+1), r.node(y.Content[i+1], depth+1)})
		}
	case yaml.SequenceNode:
		n.kind = listNode
		for _, c := range y.Content {
			n.items = append(n.items, r.node(c, depth+1))
		}
	case yaml.AliasNode:
		*n = *r.node(y.Alias, depth+1)
	default:
		r.scalar(y, n)
	}
	n.end = max(n.end, r.lastEnd(n, y))
	n.merge(merged)
	return n
}

// merge takes the fields that n lacks from the values of its merge keys (<<),
// the first that has one.
func (n *node) merge(others []*node) {
	have := map[string]bool{}
	for _, f := range n.fields {
		have[f.name.text] = true
	}
	for _, other := range others {
		for _, f := range other.fields {
			if !have[f.name.text] {
				have[f.name.text] = true
				n.fields = append(n.fields, f)
			}
		}
	}
}

// lastEnd is where the last part of a value ends; in flow style a closing
// bracket follows.
func (r *yamlReader) lastEnd(n *node, y *yaml.Node) int {
	end := n.end
	for _, f := range n.fields {
		end = max(end, f.name.end, f.value.end)
	}
	for _, i := range n.items {
		end = max(end, i.end)
	}
	if y.Style&yaml.FlowStyle != 0 {
		rest := r.source.Text[end:]
		if i := bytes.IndexAny(rest, "]}"); i >= 0 {
			end += i + 1
		}
	}
	return end
}

// afterTag steps over a tag, where the parser says that a value begins.
func (r *yamlReader) afterTag(at int) int {
	text := r.source.Text
	if at >= len(text) || text[at] != '!' {
		return at
	}
	for at < len(text) && strings.IndexByte(" \t\r\n", text[at]) < 0 {
		at++
	}
	for at < len(text) && strings.IndexByte(" \t", text[at]) >= 0 {
		at++
	}
	return at
}

// scalar reads kind, text and bytes of a scalar. What looks like a number, a
// date or a boolean of old YAML is what the parser says; the account ids that
// people write without quotes stay texts.
func (r *yamlReader) scalar(y *yaml.Node, n *node) {
	n.text = y.Value
	switch y.ShortTag() {
	case "!!null":
		n.kind = nullNode
	case "!!bool":
		n.kind = boolNode
		n.text = strings.ToLower(y.Value)
	case "!!int", "!!float":
		n.kind = stringNode
		if jsonNumber.MatchString(y.Value) && !accountID.MatchString(y.Value) {
			n.kind = numberNode
		}
	default:
		n.kind = stringNode
	}
	r.bytesOf(y, n)
}

var (
	jsonNumber = regexp.MustCompile(`^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$`)
	accountID  = regexp.MustCompile(`^[0-9]{12}$`)
)

// bytesOf finds the bytes of a scalar in the file.
func (r *yamlReader) bytesOf(y *yaml.Node, n *node) {
	text, begin, quote := r.source.Text, n.start, 0
	switch {
	case y.Style&yaml.LiteralStyle != 0:
		r.literal(y, n)
		return
	case y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		quote = 1
	}
	begin += quote
	if begin <= len(text) && bytes.HasPrefix(text[begin:], []byte(y.Value)) {
		after := begin + len(y.Value)
		if quote == 0 || after < len(text) && text[after] == text[n.start] {
			n.parts = []segment{{n: len(y.Value), from: begin, to: after}}
			n.end = after + quote
			return
		}
	}
	n.end = r.endOfScalar(n.start, quote == 1)
}

// endOfScalar finds the closing quote, or the end of the line.
func (r *yamlReader) endOfScalar(at int, quoted bool) int {
	text := r.source.Text
	if at >= len(text) {
		return len(text)
	}
	if !quoted {
		return at + len(bytes.TrimRight(firstLine(text[at:]), " \t\r"))
	}
	quote := text[at]
	for i := at + 1; i < len(text); i++ {
		switch {
		case quote == '"' && text[i] == '\\':
			i++
		case text[i] == quote && quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		case text[i] == quote:
			return i + 1
		}
	}
	return len(text)
}

func firstLine(text []byte) []byte {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return text[:i]
	}
	return text
}

// literal finds the lines of a block scalar, which stand below its indicator
// with more indent, each as it is.
func (r *yamlReader) literal(y *yaml.Node, n *node) {
	text := r.source.Text
	at := n.start + len(firstLine(text[min(n.start, len(text)):])) + 1
	n.end = min(at, len(text))
	indent, length := -1, 0
	var parts []segment
	for line := range strings.SplitAfterSeq(y.Value, "\n") {
		if line == "" || at >= len(text) {
			break
		}
		raw := firstLine(text[at:])
		if indent < 0 && strings.TrimSpace(line) != "" {
			indent = max(0, bytes.Index(raw, []byte(strings.TrimSuffix(line, "\n"))))
		}
		from := at + min(max(indent, 0), len(raw))
		if !bytes.HasPrefix(text[from:], []byte(strings.TrimSuffix(line, "\n"))) {
			return // written in a way that is not followed here: the place is the block's
		}
		to := min(from+len(line), len(text))
		parts = append(parts, segment{at: length, n: len(line), from: from, to: to})
		length += len(line)
		at += len(raw) + 1
		n.end = to
	}
	n.parts = parts
}

// describe names a value for a message.
func (n *node) describe() string {
	switch n.kind {
	case objectNode:
		return "an object"
	case listNode:
		return "a list"
	}
	return fmt.Sprintf("%q", n.text)
}
