// Package format lays out policies in one canonical order, so that differences between two versions are those of meaning.
package format

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// Width is how many columns a line may have before it is broken.
const Width = 100

// orders of the elements that people read in a fixed order; others follow in
// the order of the text.
var (
	documentOrder  = []string{"Version", "Id", "Statement"}
	statementOrder = []string{"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
	principalOrder = []string{"AWS", "Service", "Federated", "CanonicalUser"}
)

// Policy lays out the text of a policy of any kind: elements in a fixed order,
// operators and condition keys by name, two blanks of indent, short values on
// one line. Statements, values and the spelling of everything stay as they
// are. The error is policy.Errors; text that is no JSON object, or has a name
// twice, is not laid out.
func Policy(text []byte) ([]byte, error) {
	root, err := policy.ReadJSON(text)
	if err != nil {
		return nil, err
	}
	if root.Kind != policy.ObjectNode {
		return nil, policy.Errors{{Code: policy.CodeDataType, Message: "a policy is an object", Pos: root.Pos}}
	}
	p := &printer{text: text}
	p.value(root, "document", "")
	p.out.WriteByte('\n')
	return p.out.Bytes(), nil
}

// Same tells whether two texts of a kind say the same, for callers that make
// sure of it. Of texts that are no policies of the kind nothing is known.
func Same(k policy.Kind, a, b []byte) (same, known bool) {
	first, errA := policy.Parse(k, a)
	second, errB := policy.Parse(k, b)
	if errA != nil || errB != nil {
		return false, (errA == nil) != (errB == nil)
	}
	return sorted(first).Digest() == sorted(second).Digest(), true
}

// sorted is a document with the conditions of each statement, all of which
// must hold, in a fixed order.
func sorted(d *policy.Document) *policy.Document {
	c := *d
	c.Statements = slices.Clone(d.Statements)
	for i := range c.Statements {
		conditions := slices.Clone(c.Statements[i].Conditions)
		slices.SortStableFunc(conditions, func(a, b policy.Condition) int {
			return cmp.Or(strings.Compare(a.OperatorText(), b.OperatorText()), strings.Compare(a.Key, b.Key))
		})
		c.Statements[i].Conditions = conditions
	}
	return &c
}

// A printer writes values. What a value is decides its order and layout:
// "document", "statements", "statement", "principal", "condition", or "" for
// anything else.
type printer struct {
	text []byte
	out  bytes.Buffer
}

// parts names what the members of a value are.
var parts = map[string]map[string]string{
	"document":  {"Statement": "statements"},
	"statement": {"Principal": "principal", "NotPrincipal": "principal", "Condition": "condition"},
	"condition": {},
}

func (p *printer) value(n *policy.Node, what, indent string) {
	if what == "statements" && n.Kind == policy.ObjectNode {
		what = "statement"
	}
	always := what == "document" || what == "statements" || what == "statement"
	if line := p.line(n, what); !always && p.column()+utf8.RuneCountInString(line) < Width {
		p.out.WriteString(line)
		return
	}
	switch n.Kind {
	case policy.ObjectNode:
		p.object(n, what, indent)
	case policy.ArrayNode:
		p.list(n, what, indent)
	default:
		p.out.Write(p.raw(n.Pos, n.End))
	}
}

// column is how much of the last line is written.
func (p *printer) column() int {
	written := p.out.Bytes()
	return utf8.RuneCount(written[bytes.LastIndexByte(written, '\n')+1:])
}

func (p *printer) raw(from, to policy.Pos) []byte { return p.text[from.Offset:to.Offset] }

func (p *printer) object(n *policy.Node, what, indent string) {
	if len(n.Members) == 0 {
		p.out.WriteString("{}")
		return
	}
	p.out.WriteString("{")
	for i, m := range ordered(n.Members, what) {
		if i > 0 {
			p.out.WriteString(",")
		}
		p.out.WriteString("\n" + indent + "  ")
		p.out.Write(p.raw(m.Pos, m.End))
		p.out.WriteString(": ")
		p.value(&m.Value, inside(what, m.Name), indent+"  ")
	}
	p.out.WriteString("\n" + indent + "}")
}

func (p *printer) list(n *policy.Node, what, indent string) {
	if len(n.Items) == 0 {
		p.out.WriteString("[]")
		return
	}
	if what == "statements" {
		what = "statement"
	}
	p.out.WriteString("[")
	for i := range n.Items {
		if i > 0 {
			p.out.WriteString(",")
		}
		p.out.WriteString("\n" + indent + "  ")
		p.value(&n.Items[i], what, indent+"  ")
	}
	p.out.WriteString("\n" + indent + "]")
}

// inside tells what a member is.
func inside(what, name string) string {
	if what == "condition" {
		return "operator"
	}
	return parts[what][name]
}

// line is a value on one line.
func (p *printer) line(n *policy.Node, what string) string {
	var b strings.Builder
	switch n.Kind {
	case policy.ObjectNode:
		b.WriteString("{")
		for i, m := range ordered(n.Members, what) {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%s: %s", p.raw(m.Pos, m.End), p.line(&m.Value, inside(what, m.Name)))
		}
		b.WriteString("}")
	case policy.ArrayNode:
		b.WriteString("[")
		for i := range n.Items {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(p.line(&n.Items[i], what))
		}
		b.WriteString("]")
	default:
		b.Write(p.raw(n.Pos, n.End))
	}
	return b.String()
}

// ordered gives members in the order of what they are members of.
func ordered(members []policy.Member, what string) []policy.Member {
	var order []string
	switch what {
	case "document":
		order = documentOrder
	case "statement":
		order = statementOrder
	case "principal":
		order = principalOrder
	case "condition", "operator":
		byName := slices.Clone(members)
		slices.SortStableFunc(byName, func(a, b policy.Member) int {
			return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.Name, b.Name))
		})
		return byName
	default:
		return members
	}
	rank := func(name string) int {
		if i := slices.Index(order, name); i >= 0 {
			return i
		}
		return len(order)
	}
	byRank := slices.Clone(members)
	slices.SortStableFunc(byRank, func(a, b policy.Member) int { return cmp.Compare(rank(a.Name), rank(b.Name)) })
	return byRank
}
