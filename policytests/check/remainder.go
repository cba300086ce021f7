package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A remainder is what can be asked about of a policy that has faults, or parts
// that only a deployment decides: the text with blanks in their place.
type remainder struct {
	kind policy.Kind
	text []byte
	doc  *policy.Document // nil: nothing can be asked about
	why  string           // without doc
	tree *policy.Node     // of the whole policy
	// without names the statements that are left out, or parts of which are.
	without []string
	// lessAllowed, lessDenied: what is left out may allow, or deny, something.
	lessAllowed, lessDenied bool
}

// remaining leaves out of a policy what is faulty or unsettled: a value of a
// list of actions, principals or resources by itself, otherwise the statement.
func remaining(p *extract.Policy) *remainder {
	r := &remainder{kind: p.Kind, text: bytes.Clone(p.Text)}
	_, tree, err := policy.Read(p.Kind, p.Text)
	if tree == nil {
		r.why = "it cannot be read"
		return r
	}
	r.tree = tree
	holes := holesOf(p, err)
	list, ok := child(tree, "Statement")
	if !ok {
		r.why = "it has no statements"
		return r
	}
	if list.Kind != policy.ArrayNode {
		r.why = "its only statement has faults or parts that a deployment decides"
		return r
	}
	kept := make([]bool, len(list.Items))
	for i := range list.Items {
		s := &list.Items[i]
		var mine []hole
		mine, holes = within(s, holes)
		kept[i] = len(mine) == 0 || r.mask(s, mine)
		if slices.ContainsFunc(mine, func(h hole) bool { return !h.harmless || notPrincipal(s) }) {
			r.lacks(s, i)
		}
	}
	if len(holes) > 0 {
		r.why = "a fault concerns the policy as a whole"
		return r
	}
	if !slices.Contains(kept, true) {
		r.why = "each of its statements has faults or parts that a deployment decides"
		return r
	}
	r.blankItems(list, kept)
	if r.doc, err = policy.Parse(p.Kind, r.text); err != nil {
		r.doc, r.why = nil, "what is right in it is no policy by itself"
	}
	return r
}

// A hole is a place at which a policy says nothing that could be asked about.
type hole struct {
	offset int
	// harmless: a principal that was deleted, which matches nobody.
	harmless bool
}

func holesOf(p *extract.Policy, err error) []hole {
	var all []hole
	var faults policy.Errors
	errors.As(err, &faults)
	for _, e := range faults {
		deleted := e.Code == "INVALID_USER_REFERENCE" || e.Code == "INVALID_ROLE_REFERENCE"
		all = append(all, hole{offset: e.Pos.Offset, harmless: deleted})
	}
	for _, u := range p.Unknown {
		all = append(all, hole{offset: u.Start})
	}
	return all
}

// within parts holes into those of a node and the others.
func within(n *policy.Node, holes []hole) (in, out []hole) {
	for _, h := range holes {
		if n.Pos.Offset <= h.offset && h.offset < n.End.Offset {
			in = append(in, h)
		} else {
			out = append(out, h)
		}
	}
	return in, out
}

func child(n *policy.Node, name string) (*policy.Node, bool) {
	i := slices.IndexFunc(n.Members, func(m policy.Member) bool { return m.Name == name })
	if i < 0 {
		return nil, false
	}
	return &n.Members[i].Value, true
}

func notPrincipal(s *policy.Node) bool {
	_, ok := child(s, "NotPrincipal")
	return ok
}

// mask blanks the values of a statement that hold holes, and tells whether
// what is left is a statement: each hole is one value among others of a list
// that means less without it.
func (r *remainder) mask(s *policy.Node, holes []hole) bool {
	var lists []*policy.Node
	for _, name := range []string{"Action", "Resource", "Principal"} {
		if v, ok := child(s, name); ok {
			lists = append(lists, v)
			for i := range v.Members {
				lists = append(lists, &v.Members[i].Value)
			}
		}
	}
	for _, list := range lists {
		kept := make([]bool, len(list.Items))
		some := false
		for i := range list.Items {
			in, out := within(&list.Items[i], holes)
			kept[i] = len(in) == 0
			some = some || kept[i]
			holes = out
		}
		if list.Kind == policy.ArrayNode && len(kept) > 0 && !some {
			return false
		}
		r.blankItems(list, kept)
	}
	return len(holes) == 0
}

// blankItems puts blanks in the place of items of a list, with their commas.
func (r *remainder) blankItems(list *policy.Node, kept []bool) {
	before := false // an item that is kept came before
	for i := range list.Items {
		item := &list.Items[i]
		if i > 0 && (!kept[i] || !before) {
			r.blank(list.Items[i-1].End.Offset, item.Pos.Offset)
		}
		if !kept[i] {
			r.blank(item.Pos.Offset, item.End.Offset)
		}
		before = before || kept[i]
	}
}

func (r *remainder) blank(from, to int) {
	for i := from; i < to; i++ {
		if r.text[i] != '\n' {
			r.text[i] = ' '
		}
	}
}

// lacks notes that a statement is left out, or a part of it.
func (r *remainder) lacks(s *policy.Node, i int) {
	name := strconv.Itoa(i + 1)
	if sid, ok := child(s, "Sid"); ok && sid.Text != "" {
		name += fmt.Sprintf(" (%q)", sid.Text)
	}
	r.without = append(r.without, name)
	effect, _ := child(s, "Effect")
	switch {
	case effect != nil && strings.EqualFold(effect.Text, "Allow"):
		r.lessAllowed = true
	case effect != nil && strings.EqualFold(effect.Text, "Deny"):
		r.lessDenied = true
	default:
		r.lessAllowed, r.lessDenied = true, true
	}
}

// What rules by meaning take for granted of the statements that are not there:
// that none allows more, or that none denies more. Rules in neither list hold
// whatever else there is.
var (
	takeNoMoreAllows = []string{"KR_LOCKOUT_ALL", "KR_LOCKOUT_CALLER", "KR_ROOT_DELEGATION_MISSING", "KR_ROOT_DELEGATION_NARROW",
		"KR_UNREACHABLE_ALLOW", "KR_DENY_WITHOUT_EFFECT", "KR_ALIAS_ACTION_HALF", "KR_VPCE_GRANTS_NOTHING"}
	takeNoMoreDenies = []string{"KR_PUBLIC_KEY", "KR_CROSS_ACCOUNT", "KR_STAR_IS_NOT_DELEGATION", "KR_ESCALATION_PUTKEYPOLICY",
		"KR_ESCALATION_CREATEGRANT", "KR_ADMIN_AND_USER", "KR_DELETE_UNGUARDED", "KR_ABAC_SELF_SERVICE", "KR_ALIAS_ACTION_HALF",
		"KR_ATTESTATION_NOT_ENFORCED", "KR_ATTESTATION_BYPASS", "KR_SOURCEIP_BREAKS_SERVICES", "KR_VPCE_SOURCEVPCE_MISMATCH"}
)

// byRemainder asks what the remainder of a policy decides, and shows what was
// found by form. What hangs on the parts that are left out is unknown, or not
// said.
func byRemainder(ctx context.Context, r *remainder, o lint.Options, byForm []lint.Finding) ([]lint.Finding, error) {
	if r.doc == nil {
		return []lint.Finding{leftOut(r.kind, "The checks by meaning were not made for this policy: "+r.why+".")}, nil
	}
	if !r.lessDenied {
		if err := show(ctx, r.doc, o, byForm, len(r.without) == 0); err != nil {
			return nil, err
		}
	}
	found, err := byDocument(ctx, r.doc, o)
	if len(r.without) == 0 {
		return r.placed(found), err
	}
	found = slices.DeleteFunc(found, func(f lint.Finding) bool { return r.lessAllowed && slices.Contains(takeNoMoreAllows, f.Rule) })
	for i := range found {
		if f := &found[i]; r.lessDenied && slices.Contains(takeNoMoreDenies, f.Rule) {
			f.Unknown = true
			f.Message += " That is so unless a Deny that was left out refuses it."
		}
	}
	statements := "statement " + r.without[0]
	if n := len(r.without); n > 1 {
		statements = "statements " + strings.Join(r.without[:n-1], ", ") + " and " + r.without[n-1]
	}
	why := "The checks by meaning were made without what is faulty or not settled in " + statements + "."
	if r.lessAllowed {
		why += " They do not say whether the policy locks everybody out, nor what else might be allowed there."
	}
	return append(r.placed(found), leftOut(r.kind, why)), err
}

// leftOut says that checks by meaning were not made, or not of all.
func leftOut(kind policy.Kind, why string) lint.Finding {
	f := undecided(kind, nil)
	f.Message = why
	return f
}

// placed gives findings the paths of the policy.
func (r *remainder) placed(found []lint.Finding) []lint.Finding {
	paths := map[int]string{}
	pathsOf(r.tree, paths)
	for i := range found {
		if path, ok := paths[found[i].Span.Start.Offset]; ok {
			found[i].Span.Path = path
		}
	}
	return found
}

// pathsOf gathers the paths of names and values by where they start. Of a list
// and what else starts there, the outermost counts.
func pathsOf(n *policy.Node, paths map[int]string) {
	if _, taken := paths[n.Pos.Offset]; !taken {
		paths[n.Pos.Offset] = n.Pos.Path
	}
	for i := range n.Members {
		m := &n.Members[i]
		paths[m.Pos.Offset] = m.Pos.Path
		pathsOf(&m.Value, paths)
	}
	for i := range n.Items {
		pathsOf(&n.Items[i], paths)
	}
}
