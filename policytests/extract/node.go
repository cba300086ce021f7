package extract

import "strings"

// A node is a JSON or YAML value and the bytes that it is written in.
type node struct {
	kind nodeKind
	// tag of CloudFormation's short functions: "!Sub".
	tag  string
	text string // of a scalar, decoded
	// start and end of the value in the file, quotes included.
	start, end int
	// parts say where the bytes of text stand in the file; nil: not known in
	// detail.
	parts  []segment
	fields []field
	items  []*node
	// yaml: the value is written in YAML, so its bytes are not JSON.
	yaml bool
}

type field struct {
	name  *node
	value *node
}

type nodeKind int

const (
	nullNode nodeKind = iota
	objectNode
	listNode
	stringNode
	numberNode
	boolNode
)

// get is the value of a field, nil if n is no object or lacks it. Of fields
// that appear twice the last counts, as for most readers.
func (n *node) get(names ...string) *node {
	for _, name := range names {
		if n == nil || n.kind != objectNode {
			return nil
		}
		var next *node
		for _, f := range n.fields {
			if f.name.text == name {
				next = f.value
			}
		}
		n = next
	}
	return n
}

// twice is the first name that an object at or below n has a second time; nil
// if there is none. What was seen is not visited again.
func (n *node) twice(seen map[*node]bool) *node {
	if n == nil || seen[n] {
		return nil
	}
	seen[n] = true
	names := make(map[string]bool, len(n.fields))
	for _, f := range n.fields {
		if names[f.name.text] {
			return f.name
		}
		names[f.name.text] = true
		if name := f.value.twice(seen); name != nil {
			return name
		}
	}
	for _, item := range n.items {
		if name := item.twice(seen); name != nil {
			return name
		}
	}
	return nil
}

func (n *node) isObject() bool { return n != nil && n.kind == objectNode }
func (n *node) isList() bool   { return n != nil && n.kind == listNode }
func (n *node) isString() bool { return n != nil && n.kind == stringNode && n.tag == "" }

// str is the text of a string, empty for anything else.
func (n *node) str() string {
	if n.isString() {
		return n.text
	}
	return ""
}

// elements are the items of a list, or the value itself.
func (n *node) elements() []*node {
	if n.isList() {
		return n.items
	}
	if n == nil || n.kind == nullNode {
		return nil
	}
	return []*node{n}
}

// strings are the texts of a list, or of one string.
func (n *node) strings() []string {
	var all []string
	for _, e := range n.elements() {
		if e.isString() {
			all = append(all, e.text)
		}
	}
	return all
}

func (n *node) isTrue() bool {
	return n != nil && n.kind == boolNode && strings.EqualFold(n.text, "true")
}

func (n *node) isFalse() bool {
	return n != nil && n.kind == boolNode && strings.EqualFold(n.text, "false")
}

// isPolicy tells whether a value looks like a policy document.
func (n *node) isPolicy() bool { return n.get("Statement") != nil }
