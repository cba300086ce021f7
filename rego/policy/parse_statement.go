package policy

import "strings"

func (p *parser) statements(n node) []Statement {
	const path = "$.Statement"
	var all []Statement
	p.sids = map[string]bool{}
	p.each(n, path, func(n node, path string) {
		if n.kind != objectNode {
			p.faults.add(CodeDataType, n.at.pos(path), "a statement is an object, not %s", n.kind)
			return
		}
		s := p.statement(n, path)
		s.Index = len(all)
		all = append(all, s)
	})
	if n.kind == arrayNode && len(n.items) == 0 {
		p.faults.add(CodeMissingStatement, n.at.pos(path), "a policy needs at least one statement")
	}
	return all
}

// twins exclude each other in one statement.
var twins = map[string]string{"Principal": "NotPrincipal", "NotPrincipal": "Principal", "Action": "NotAction",
	"NotAction": "Action", "Resource": "NotResource", "NotResource": "Resource"}

func (p *parser) statement(n node, path string) Statement {
	s := Statement{Pos: n.at.pos(path)}
	seen := map[string]bool{}
	for i := range n.fields {
		f := &n.fields[i]
		pos := f.at.pos(child(path, f.name))
		switch twin := twins[f.name]; {
		case p.refused(f.name, pos):
		case twin != "" && seen[twin]:
			p.faults.add(CodeElementCombination, pos, "a statement has %s or %s, not both", twin, f.name)
		default:
			p.element(&s, f, pos)
		}
		seen[f.name] = true
	}
	p.missing(s.Pos, seen)
	if p.kind == RCP && !s.fullAccess() {
		p.rcpStatement(&s, n)
	}
	return s
}

func (p *parser) element(s *Statement, f *field, pos Pos) {
	switch f.name {
	case "Sid":
		p.sid(s, f, pos)
	case "Effect":
		p.effect(s, f, pos)
	case "Principal", "NotPrincipal":
		p.principals(s, f, pos)
	case "Action", "NotAction":
		p.actions(s, f, pos)
	case "Resource", "NotResource":
		p.resources(s, f, pos)
	case "Condition":
		p.conditions(s, f, pos)
	default:
		p.faults.add(CodeElement, pos, "a statement has no element %q", brief(f.name))
	}
}

// refused reports an element that the kind does not have.
func (p *parser) refused(name string, pos Pos) bool {
	code := CodeUnsupportedPrincipal
	switch {
	case strings.HasSuffix(name, "Principal") && !p.schema.principal:
		if p.kind == SCP {
			code = CodeSCPPrincipal
		}
	case name == "NotPrincipal" && !p.schema.notPrincipal:
		code = CodeRCPPrincipal
		if p.kind == Trust {
			code = CodeTrustNotPrincipal
		}
	case name == "NotAction" && !p.schema.notAction:
		code = CodeRCPNotAction
		if p.kind == Trust {
			code = CodeTrustAction
		}
	case strings.HasSuffix(name, "Resource") && p.schema.resource == forbidden:
		code = CodeTrustResource
	default:
		return false
	}
	p.faults.add(code, pos, "%s has no %s", p.schema.title, name)
	return true
}

// missing reports the elements that every statement needs.
func (p *parser) missing(at Pos, seen map[string]bool) {
	if !seen["Effect"] {
		p.faults.add(CodeMissingEffect, at, "a statement needs an Effect")
	}
	if !seen["Action"] && !seen["NotAction"] {
		p.faults.add(CodeMissingAction, at, "a statement needs an Action or a NotAction")
	}
	if p.schema.principal && !seen["Principal"] && !seen["NotPrincipal"] {
		p.faults.add(CodeMissingPrincipal, at, "a statement of %s needs a Principal", p.schema.title)
	}
	if p.schema.resource == required && !seen["Resource"] && !seen["NotResource"] {
		p.faults.add(CodeMissingResource, at, "a statement of %s needs a Resource or a NotResource", p.schema.title)
	}
}

func (p *parser) sid(s *Statement, f *field, pos Pos) {
	sid, ok := p.str(f.value, pos.Path)
	if !ok {
		return
	}
	s.Sid = sid
	at := f.value.at.pos(pos.Path)
	if p.schema.sidAlnum && strings.ContainsFunc(sid, func(c rune) bool { return !alnum(c) }) {
		p.faults.add(CodeSid, at, "the Sid of a statement of %s holds letters and digits only", p.schema.title)
	}
	if p.schema.sidUnique && sid != "" && p.sids[sid] {
		p.faults.add(CodeUniqueSid, at, "the Sid %q names two statements", brief(sid))
	}
	p.sids[sid] = true
}

func alnum(c rune) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func (p *parser) effect(s *Statement, f *field, pos Pos) {
	text, ok := p.str(f.value, pos.Path)
	if !ok {
		return
	}
	switch text {
	case "Allow":
		s.Effect = Allow
	case "Deny":
		s.Effect = Deny
	default:
		p.faults.add(CodeEffect, f.value.at.pos(pos.Path), `the Effect is "Allow" or "Deny"`)
	}
}

// rcpStatement holds a statement of a resource control policy to its own
// rules (Organizations User Guide, RCP syntax).
func (p *parser) rcpStatement(s *Statement, n node) {
	for i := range n.fields {
		f := &n.fields[i]
		pos := f.value.at.pos(child(s.Pos.Path, f.name))
		switch {
		case f.name == "Effect" && s.Effect == Allow:
			p.faults.add(CodeRCPAllow, pos, "a resource control policy denies; only RCPFullAWSAccess allows")
		case f.name == "Principal" && (f.value.kind != stringNode || f.value.text != "*"):
			p.faults.add(CodeRCPPrincipal, pos, `the Principal of a resource control policy is "*"`)
		}
	}
	for _, a := range s.Actions {
		if strings.Trim(a.Text, "*") == "" {
			p.faults.add(CodeRCPAction, a.Pos, "an action of a resource control policy names its service")
		}
	}
}

// fullAccess tells the one statement of RCPFullAWSAccess.
func (s *Statement) fullAccess() bool {
	return s.Effect == Allow && len(s.Conditions) == 0 && !s.NotResource &&
		len(s.Principals) == 1 && s.Principals[0].Type == Everyone &&
		len(s.Actions) == 1 && s.Actions[0].Text == "*" && len(s.Resources) == 1 && s.Resources[0].Text == "*"
}
