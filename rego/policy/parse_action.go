package policy

import "strings"

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
