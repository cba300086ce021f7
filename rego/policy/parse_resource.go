package policy

import "strings"

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
	if negated && f.value.kind == arrayNode && len(f.value.items) == 0 {
		p.faults.add(CodeEmptyNegation, pos, "%s names nothing, which would match everything", f.name)
	}
}
