package draft

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A tree is a file that describes the world, parsed so that it can be changed.
type tree struct {
	file string
	root *yaml.Node // a mapping
}

// describes tells whether a file says what is in the world: see
// engine/world/FORMAT.md.
func describes(name string) bool {
	base := path.Base(name)
	switch path.Ext(name) {
	case ".yaml", ".yml":
		return true
	case ".json":
		return base == "world.json" || strings.HasSuffix(base, ".world.json")
	}
	return false
}

// trees parses the files that describe the world, in the order of their names.
func (d Draft) trees() ([]tree, error) {
	var all []tree
	for _, name := range d.Names() {
		if !describes(name) {
			continue
		}
		root, err := parseTree(name, d.files[name])
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		if root != nil && root.Kind == yaml.MappingNode {
			all = append(all, tree{name, root})
		}
	}
	return all, nil
}

func parseTree(name string, text []byte) (*yaml.Node, error) {
	if path.Ext(name) == ".json" {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		return nodeOf(value), nil
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil || len(document.Content) == 0 {
		return nil, err
	}
	return document.Content[0], nil
}

// nodeOf is a JSON value as a YAML node, objects sorted by name.
func nodeOf(value any) *yaml.Node {
	switch value := value.(type) {
	case map[string]any:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			n.Content = append(n.Content, textNode(name), nodeOf(value[name]))
		}
		return n
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range value {
			n.Content = append(n.Content, nodeOf(item))
		}
		return n
	case string:
		return textNode(value)
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!float", Value: value.String()}
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(value)}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
}

// textNode is a text, in quotes so that it cannot be taken for anything else.
func textNode(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Style: yaml.DoubleQuotedStyle}
}

// text is the file as it has become.
func (t tree) text() (string, error) {
	if path.Ext(t.file) != ".json" {
		var b bytes.Buffer
		e := yaml.NewEncoder(&b)
		e.SetIndent(2)
		if err := e.Encode(t.root); err != nil {
			return "", err
		}
		return b.String(), e.Close()
	}
	text, err := json.MarshalIndent(valueOf(t.root), "", "  ")
	return string(text) + "\n", err
}

// valueOf is a node that nodeOf made as a value that JSON can have.
func valueOf(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			object[n.Content[i].Value] = valueOf(n.Content[i+1])
		}
		return object
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = valueOf(item)
		}
		return list
	}
	switch n.Tag {
	case "!!float", "!!int":
		return json.Number(n.Value)
	case "!!bool":
		return n.Value == "true"
	case "!!null":
		return nil
	}
	return n.Value
}

// field returns the value of a field of a mapping, nil if there is none.
func field(n *yaml.Node, name string) *yaml.Node {
	if i := place(n, name); i >= 0 {
		return n.Content[i+1]
	}
	return nil
}

func place(n *yaml.Node, name string) int {
	if n == nil || n.Kind != yaml.MappingNode {
		return -1
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return i
		}
	}
	return -1
}

// set gives a field of a mapping a value.
func set(n *yaml.Node, name string, value *yaml.Node) {
	if i := place(n, name); i >= 0 {
		n.Content[i+1] = value
		return
	}
	n.Content = append(n.Content, textNode(name), value)
}

// remove takes a field out of a mapping, and tells whether it was there.
func remove(n *yaml.Node, name string) bool {
	i := place(n, name)
	if i < 0 {
		return false
	}
	n.Content = slices.Delete(n.Content, i, i+2)
	return true
}

// mapping is a field of a mapping that is a mapping itself, made if it is not
// there.
func mapping(n *yaml.Node, name string) *yaml.Node {
	m := field(n, name)
	if m == nil || m.Kind != yaml.MappingNode {
		m = &yaml.Node{Kind: yaml.MappingNode}
		set(n, name, m)
	}
	return m
}

// walk follows names through mappings; nil if one is not there.
func walk(n *yaml.Node, names ...string) *yaml.Node {
	for _, name := range names {
		n = field(n, name)
	}
	return n
}

// find is the tree in which names lead somewhere, and where they lead.
func (d Draft) find(names ...string) (tree, *yaml.Node, error) {
	trees, err := d.trees()
	if err != nil {
		return tree{}, nil, err
	}
	for _, t := range trees {
		if n := walk(t.root, names...); n != nil && n.Tag != "!!null" {
			return t, n, nil
		}
	}
	return tree{}, nil, fmt.Errorf("the world describes no %s", strings.Join(names, " "))
}

// keep is the draft with a tree as it has become.
func (d Draft) keep(t tree) (Draft, error) {
	text, err := t.text()
	if err != nil {
		return Draft{}, fmt.Errorf("writing %s: %w", t.file, err)
	}
	return d.With(t.file, text), nil
}
