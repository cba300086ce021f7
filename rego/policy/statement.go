package policy

import (
	"strings"
)

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

// An element of a statement: how it is read, and the one that excludes it.
type element struct {
	read func(p *parser, s *Statement, f *field, pos Pos)
	twin string
}

var elements map[string]element

func init() {
	elements = map[string]element{
		"Sid":          {read: (*parser).sid},
		"Effect":       {read: (*parser).effect},
		"Principal":    {read: (*parser).principals, twin: "NotPrincipal"},
		"NotPrincipal": {read: (*parser).principals, twin: "Principal"},
		"Action":       {read: (*parser).actions, twin: "NotAction"},
		"NotAction":    {read: (*parser).actions, twin: "Action"},
		"Resource":     {read: (*parser).resources, twin: "NotResource"},
		"NotResource":  {read: (*parser).resources, twin: "Resource"},
		"Condition":    {read: (*parser).conditions},
	}
}

func (p *parser) statement(n node, path string) Statement {
	s := Statement{Pos: n.at.pos(path)}
	seen := map[string]bool{}
	for i := range n.fields {
		f := &n.fields[i]
		pos := f.at.pos(child(path, f.name))
		e, ok := elements[f.name]
		switch {
		case !ok:
			p.faults.add(CodeElement, pos, "a statement has no element %q", brief(f.name))
		case p.refused(f.name, pos):
		case seen[e.twin]:
			p.faults.add(CodeElementCombination, pos, "a statement has %s or %s, not both", e.twin, f.name)
		default:
			e.read(p, &s, f, pos)
		}
		seen[f.name] = true
	}
	p.missing(s.Pos, seen)
	p.kindRules(&s, n)
	return s
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

func (p *parser) actions(s *Statement, f *field, pos Pos) {
	s.NotAction = f.name == "NotAction"
	p.notEmpty(s.NotAction, f, pos)
	p.each(f.value, pos.Path, func(n node, path string) {
		text, ok := p.str(n, path)
		if !ok {
			return
		}
		v := Value{Text: text, Parts: wildcards(text), Pos: n.at.pos(path)}
		if code, fault := actionFault(text); fault != "" {
			p.faults.add(code, v.Pos, "%s", fault)
		} else if p.kind == Trust && !foldPrefix(text, "sts:") {
			p.faults.add(CodeTrustAction, v.Pos, "a role trust policy names actions of sts only")
		} else if p.kind == RCP && text == "*" && s.Effect != Allow {
			s.Actions = append(s.Actions, v)
			return
		}
		s.Actions = append(s.Actions, v)
	})
}

// actionFault says why text is no action: "service:Name", wildcards in either,
// or "*" alone.
func actionFault(text string) (Code, string) {
	if strings.Contains(text, "${") {
		return CodeVariableElement, "an action has no policy variables"
	}
	service, name, found := strings.Cut(text, ":")
	switch {
	case strings.Trim(text, "*") == "" && text != "":
		return "", ""
	case !found || service == "" || name == "":
		return CodeAction, "an action is a service and a name with a colon between, or *"
	case strings.ContainsFunc(service+name, func(c rune) bool { return !alnum(c) && !strings.ContainsRune("-_.*?", c) }):
		return CodeAction, "an action holds letters, digits and the wildcards * and ?"
	default:
		return "", ""
	}
}

func foldPrefix(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}

func (p *parser) resources(s *Statement, f *field, pos Pos) {
	s.NotResource, s.HasResource = f.name == "NotResource", true
	p.notEmpty(s.NotResource, f, pos)
	p.each(f.value, pos.Path, func(n node, path string) {
		text, ok := p.str(n, path)
		if !ok {
			return
		}
		at := n.at.pos(path)
		parts, ok := p.split(text, at, true, true)
		if ok {
			p.checkResource(text, parts, at)
		}
		s.Resources = append(s.Resources, Value{Text: text, Parts: parts, Pos: at})
	})
}

// checkResource wants "*" or the pattern of an ARN. A pattern that ends in a
// wildcard may be shorter than six parts: its last * reaches over colons.
func (p *parser) checkResource(text string, parts []Part, at Pos) {
	fields := strings.SplitN(text, ":", 6)
	switch {
	case strings.Trim(text, "*") == "" && text != "":
	case fields[0] != "arn":
		p.faults.add(CodeARNPrefix, at, "a resource is an ARN or *")
	case len(fields) < 6 && !strings.HasSuffix(text, "*"):
		p.faults.add(CodeARNField, at, "the ARN of a resource has six parts")
	case variableBeforeResource(parts):
		p.faults.add(CodeVariableColon, at, "a policy variable stands only in the last part of an ARN, where it is replaced")
	}
}

func variableBeforeResource(parts []Part) bool {
	colons := 0
	for _, part := range parts {
		if part.Kind == Variable && colons < 5 {
			return true
		}
		if part.Kind == Literal {
			colons += strings.Count(part.Text, ":")
		}
	}
	return false
}

// notEmpty refuses an empty list after Not…, which would match everything
// though it reads like nothing.
func (p *parser) notEmpty(negated bool, f *field, pos Pos) {
	if negated && (f.value.kind == arrayNode && len(f.value.items) == 0 || f.value.kind == objectNode && len(f.value.fields) == 0) {
		p.faults.add(CodeEmptyNegation, pos, "%s names nothing, which would match everything", f.name)
	}
}

// kindRules are the rules of single kinds about whole statements.
func (p *parser) kindRules(s *Statement, n node) {
	if p.kind != RCP || s.fullAccess() {
		return
	}
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
		if !strings.Contains(a.Text, ":") {
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
