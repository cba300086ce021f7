package policy

import "unicode/utf8"

// A Node is one value of a JSON text with its place. It is for tools that need
// more of a document than Document holds: where a value ends, what an object
// holds that no policy may.
type Node struct {
	Kind NodeKind
	// Text of a string, decoded; of a number or boolean, its literal.
	Text    string
	Members []Member
	Items   []Node
	// Pos is where the value starts, End where the first byte after it stands;
	// the Path of both is that of the value.
	Pos, End Pos
}

// A Member is one name of an object with its value. Of two with one name, the
// first is there.
type Member struct {
	Name string
	// Pos and End enclose the name with its quotes.
	Pos, End Pos
	Value    Node
}

// NodeKind is the JSON type of a Node. The zero value is invalid.
type NodeKind int

// The kinds of nodes.
const (
	ObjectNode NodeKind = NodeKind(objectNode)
	ArrayNode  NodeKind = NodeKind(arrayNode)
	StringNode NodeKind = NodeKind(stringNode)
	NumberNode NodeKind = NodeKind(numberNode)
	BoolNode   NodeKind = NodeKind(boolNode)
	NullNode   NodeKind = NodeKind(nullNode)
)

// ReadJSON reads a JSON text that is no policy, such as a list of grants, with
// the reader of policies. The error is Errors; the Node is nil if the text is
// no JSON, and there also where names appear twice.
func ReadJSON(text []byte) (*Node, error) {
	f := faults{more: moreErrors}
	s := string(text)
	if at, bad := badCharacter(s, false); bad {
		r := reader{text: s, off: at, mark: place{line: 1, column: 1}}
		f.add(CodeSyntax, r.here().pos("$"), "the text is not valid UTF-8")
		return nil, f.err()
	}
	root, ok := readJSON(s, false, &f)
	if !ok {
		return nil, f.err()
	}
	tree := root.tree("$", s)
	return &tree, f.err()
}

// String names the type as in "a list".
func (k NodeKind) String() string { return nodeKind(k).String() }

// Member finds a member of an object by its name.
func (n *Node) Member(name string) (*Member, bool) {
	for i := range n.Members {
		if n.Members[i].Name == name {
			return &n.Members[i], true
		}
	}
	return nil, false
}

// Each gives the elements of a list, or the value alone where it is none, as
// policies allow it.
func (n *Node) Each() []Node {
	if n.Kind == ArrayNode {
		return n.Items
	}
	return []Node{*n}
}

// tree is n with its path and its end in text.
func (n node) tree(path, text string) Node {
	t := Node{Kind: NodeKind(n.kind), Text: n.text, Pos: n.at.pos(path)}
	last := n.at
	for i := range n.fields {
		f := &n.fields[i]
		p := child(path, f.name)
		m := Member{Name: f.name, Pos: f.at.pos(p), End: f.at.until(f.end, text).pos(p), Value: f.value.tree(p, text)}
		t.Members = append(t.Members, m)
		last = m.Value.End.place()
	}
	for i := range n.items {
		t.Items = append(t.Items, n.items[i].tree(item(path, i), text))
		last = t.Items[i].End.place()
	}
	t.End = last.until(n.end, text).pos(path)
	return t
}

func (p Pos) place() place { return place{p.Line, p.Column, p.Offset} }

// until moves p ahead to the offset end of text.
func (p place) until(end int, text string) place {
	for p.offset < end {
		c, size := utf8.DecodeRuneInString(text[p.offset:])
		p.offset += size
		p.column++
		if c == '\n' {
			p.line++
			p.column = 1
		}
	}
	return p
}
