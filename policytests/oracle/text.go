package oracle

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A text is an operand ready to be compared: characters, of which some are
// wildcards. What a variable put in is never a wildcard.
type text []symbol

// A symbol is a character, or a wildcard if wild.
type symbol struct {
	char rune
	wild bool
}

// pattern reads `*` and `?` as wildcards and nothing else.
func pattern(s string) text { return characters(s, true) }

func characters(s string, wild bool) text {
	var t text
	for _, c := range s {
		t = append(t, symbol{c, wild && (c == '*' || c == '?')})
	}
	return t
}

// text replaces the policy variables of an operand. It is false if one
// is unresolved: then the operand is a null value, which nothing matches.
func (f facts) text(operand string, wild bool) (text, bool) {
	var t text
	for _, p := range f.pieces(operand) {
		if !p.variable {
			t = append(t, characters(p.text, wild)...)
			continue
		}
		put, ok := resolve(p.text, f.context)
		if !ok {
			return nil, false
		}
		t = append(t, characters(put, false)...)
	}
	return t, true
}

// ambiguous tells whether an operand has a variable whose key holds several
// values, as encryption context names can that differ only in case. What it
// stands for is then not known, and it is taken against the caller, as A-45
// takes such names.
func (f facts) ambiguous(operand string) bool {
	return slices.ContainsFunc(f.pieces(operand), func(p piece) bool {
		key, _, _ := strings.Cut(p.text, ",")
		return p.variable && len(f.context[strings.ToLower(key)]) > 1
	})
}

// A piece of an operand: text, or what stands between the braces of a variable.
type piece struct {
	text     string
	variable bool
}

// pieces takes an operand apart. Before Version 2012-10-17, ${…} is literal
//
func (f facts) pieces(operand string) []piece {
	if f.version != policy.Version2012 {
		return []piece{{text: operand}}
	}
	var all []piece
	for {
		before, rest, found := strings.Cut(operand, "${")
		all = append(all, piece{text: before})
		if !found {
			return all
		}
		name, after := variable(rest)
		all = append(all, piece{text: name, variable: true})
		operand = after
	}
}

// variable splits what follows `${` at the closing brace. A brace within the
// quotes of a default does not close.
func variable(s string) (name, after string) {
	quoted := false
	for i, c := range s {
		switch {
		case c == '\'':
			quoted = !quoted
		case c == '}' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// resolve gives the text that a variable stands for.
func resolve(name string, context map[string][]string) (string, bool) {
	if name == "*" || name == "?" || name == "$" {
		return name, true
	}
	key, fallback, hasDefault := strings.Cut(name, ",")
	values, present := context[strings.ToLower(key)]
	switch {
	case present:
		return values[0], true
	case hasDefault:
		return strings.Trim(strings.Trim(fallback, " "), "'"), true
	default:
		return "", false
	}
}

// literal is the text without regard to wildcards.
func (t text) literal() string {
	var b strings.Builder
	for _, s := range t {
		b.WriteRune(s.char)
	}
	return b.String()
}

// matches tells whether a value fits: `*` stands for any characters, also
// none, `?` for any one.
func (t text) matches(value string) bool {
	chars := []rune(value)
	// ends[j] tells whether the part of t read so far fits the first j characters.
	ends := make([]bool, len(chars)+1)
	ends[0] = true
	for _, s := range t {
		next := make([]bool, len(chars)+1)
		for j := range next {
			switch {
			case s.wild && s.char == '*':
				next[j] = ends[j] || j > 0 && next[j-1]
			case j > 0 && (s.wild || s.char == chars[j-1]):
				next[j] = ends[j-1]
			}
		}
		ends = next
	}
	return ends[len(chars)]
}

// arnParts splits at the first five colons. It is false if there are fewer.
func (t text) arnParts() ([]text, bool) {
	parts := []text{nil}
	for _, s := range t {
		if s.char == ':' && len(parts) < 6 {
			parts = append(parts, nil)
			continue
		}
		last := len(parts) - 1
		parts[last] = append(parts[last], s)
	}
	return parts, len(parts) == 6
}
