package extract

import (
	"strings"

	"github.com/keyreeve/keyreeve/rego/slip"
)

// misnamed are the statements of a document that is meant as a policy and has
// no Statement: they stand under a name that is a slip of it (statement,
// Statemen, Statements), or anywhere in an object that has Version or Id. None
// for anything else.
func misnamed(n *node) []*node {
	if !n.isObject() || n.isPolicy() {
		return nil
	}
	versioned := n.get("Version") != nil || n.get("Id") != nil
	for _, f := range n.fields {
		if slip.Nearest(f.name.text, []string{"Statement"}, 2) == "" {
			continue
		}
		var all []*node
		for _, s := range f.value.elements() {
			if isStatement(s) {
				all = append(all, s)
			}
		}
		if len(all) > 0 {
			return all
		}
	}
	if versioned {
		return statementsBelow(n, 0)
	}
	return nil
}

// statementsBelow are the statements at or below a value, without those of
// policy documents there.
func statementsBelow(n *node, depth int) []*node {
	switch {
	case n == nil || depth > maxNesting || n.isPolicy():
		return nil
	case isStatement(n):
		return []*node{n}
	}
	var all []*node
	for _, f := range n.fields {
		all = append(all, statementsBelow(f.value, depth+1)...)
	}
	for _, item := range n.items {
		all = append(all, statementsBelow(item, depth+1)...)
	}
	return all
}

// isStatement tells whether an object looks like a statement, in whatever case
// its names are.
func isStatement(n *node) bool {
	if !n.isObject() {
		return false
	}
	var effect, about bool
	for _, f := range n.fields {
		switch strings.ToLower(f.name.text) {
		case "effect":
			effect = effect || strings.EqualFold(f.value.str(), "Allow") || strings.EqualFold(f.value.str(), "Deny")
		case "principal", "notprincipal", "action", "notaction":
			about = true
		}
	}
	return effect && about
}

// folded is the value of a field in whatever case its name is, nil without one.
func (n *node) folded(name string) *node {
	if v := n.get(name); v != nil || n == nil {
		return v
	}
	for _, f := range n.fields {
		if strings.EqualFold(f.name.text, name) {
			return f.value
		}
	}
	return nil
}
