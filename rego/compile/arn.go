package compile

import (
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// arn says in which ways subject can be one of the ARNs: compared part by
// part, so that a wildcard in the first five parts stays in its part. What does
// not begin with "arn:" is none. ArnEquals and ArnLike are the same.
func (sc *scope) arn(subject *ast.Term, values []policy.Value) []conj {
	var plain []policy.Value
	var confined, loose, open []pattern
	for _, v := range values {
		within, colons := inFirstParts(v.Parts)
		scheme, settled := scheme(v.Parts)
		if settled && scheme != "arn" {
			continue
		}
		if settled && len(within) == 0 && colons >= 5 {
			plain = append(plain, v)
			continue
		}
		p := sc.pattern(v.Parts, false)
		p.within = within
		switch {
		case p.impossible:
		case colons < 5:
			open = append(open, p)
		case settled:
			confined = append(confined, p)
		default:
			loose = append(loose, p)
		}
	}
	all := append(sc.text(subject, plain, false), sc.wildcards(subject, confined)...)
	for _, c := range sc.wildcards(subject, loose) {
		all = append(all, append(conj{call(ast.StartsWith, subject, ast.StringTerm("arn:"))}, c...))
	}
	for _, c := range sc.wildcards(subject, open) {
		sc.expressions().Length += len(sixParts)
		all = append(all, append(conj{call(ast.RegexMatch, ast.StringTerm(sixParts), subject)}, c...))
	}
	return all
}

// scheme is the first part of an ARN, if it is written out.
func scheme(parts []policy.Part) (text string, settled bool) {
	if len(parts) == 0 || parts[0].Kind != policy.Literal {
		return "", false
	}
	text, _, settled = strings.Cut(parts[0].Text, ":")
	return text, settled
}

// sixParts matches what has the form of an ARN.
const sixParts = "^arn:(?:[^:]*:){4}"

// inFirstParts finds the wildcards that belong to one of the first five parts
// of an ARN, and counts the colons written in it. After a variable in an ARN
// that leaves colons to it, nobody can tell, and wildcards are free.
func inFirstParts(parts []policy.Part) (within map[int]bool, colons int) {
	for _, p := range parts {
		if p.Kind == policy.Literal {
			colons += strings.Count(p.Text, ":")
		}
	}
	before, variable := 0, false
	for i, p := range parts {
		switch p.Kind {
		case policy.Literal:
			before += strings.Count(p.Text, ":")
		case policy.Variable:
			variable = true
		default:
			if before < 5 && (colons >= 5 || !variable) {
				if within == nil {
					within = map[int]bool{}
				}
				within[i] = true
			}
		}
	}
	return within, colons
}
