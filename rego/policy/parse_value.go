package policy

import (
	"strings"
)

// wildcards splits text at `*` and `?`. A run of stars is one AnyText.
func wildcards(text string) []Part {
	var b partBuilder
	for i := range len(text) {
		b.char(text[i], true)
	}
	return b.done()
}

// partBuilder joins characters to parts.
type partBuilder struct {
	parts []Part
	text  strings.Builder
}

func (b *partBuilder) char(c byte, pattern bool) {
	switch {
	case pattern && c == '*':
		b.add(Part{Kind: AnyText})
	case pattern && c == '?':
		b.add(Part{Kind: AnyChar})
	default:
		b.text.WriteByte(c)
	}
}

func (b *partBuilder) add(p Part) {
	b.flush()
	if p.Kind == AnyText && len(b.parts) > 0 && b.parts[len(b.parts)-1].Kind == AnyText {
		return
	}
	b.parts = append(b.parts, p)
}

func (b *partBuilder) flush() {
	if b.text.Len() > 0 {
		b.parts = append(b.parts, Part{Kind: Literal, Text: b.text.String()})
		b.text.Reset()
	}
}

func (b *partBuilder) done() []Part {
	b.flush()
	return b.parts
}

// split takes text apart: wildcards if pattern, policy variables if variables
// are replaced there and the document's version knows them.
func (p *parser) split(text string, at Pos, pattern, variables bool) ([]Part, bool) {
	if p.version != Version2012 || !variables {
		if pattern {
			return wildcards(text), true
		}
		return literal(text), true
	}
	var b partBuilder
	for i := 0; i < len(text); {
		if !strings.HasPrefix(text[i:], "${") {
			b.char(text[i], pattern)
			i++
			continue
		}
		v, size, code, fault := variable(text[i:])
		if fault != "" {
			p.faults.add(code, at, "%s", fault)
			return nil, false
		}
		if v.Kind == Literal {
			b.text.WriteString(v.Text)
		} else {
			b.add(v)
		}
		i += size
	}
	return b.done(), true
}

func literal(text string) []Part {
	if text == "" {
		return nil
	}
	return []Part{{Kind: Literal, Text: text}}
}

// variable reads the `${…}` that text starts with and tells its length.
func variable(text string) (v Part, size int, code Code, fault string) {
	rest := text[2:]
	end := strings.IndexAny(rest, ",}")
	if end < 0 {
		return Part{}, 0, CodeVariableBrace, "a policy variable has no closing brace"
	}
	key := rest[:end]
	size = 2 + end + 1
	v = Part{Kind: Variable, Text: strings.ToLower(key)}
	if rest[end] == ',' {
		var n int
		if v.Default, n, code, fault = defaultValue(rest[end+1:]); fault != "" {
			return Part{}, 0, code, fault
		}
		v.HasDefault = true
		size += n
	} else if key == "*" || key == "?" || key == "$" {
		return Part{Kind: Literal, Text: key}, size, "", ""
	}
	code, fault = variableKeyFault(key)
	return v, size, code, fault
}

// defaultValue reads ` 'text'}` and tells its length.
func defaultValue(text string) (value string, size int, code Code, fault string) {
	rest := strings.TrimLeft(text, " ")
	if !strings.HasPrefix(rest, "'") {
		return "", 0, CodeVariableQuote, "the default of a policy variable stands in single quotes"
	}
	value, after, closed := strings.Cut(rest[1:], "'")
	if !closed {
		return "", 0, CodeVariableQuote, "the default of a policy variable has no closing quote"
	}
	after = strings.TrimLeft(after, " ")
	if !strings.HasPrefix(after, "}") {
		return "", 0, CodeVariableBrace, "a policy variable has no closing brace"
	}
	return value, len(text) - len(after) + 1, "", ""
}

func variableKeyFault(key string) (Code, string) {
	switch {
	case key == "":
		return CodeVariableEmpty, "a policy variable is empty"
	case strings.ContainsAny(key, " \t"):
		return CodeVariableSpace, "a policy variable holds a space"
	case strings.ContainsFunc(key, func(c rune) bool { return !alnum(c) && !strings.ContainsRune(":/_.-+=@", c) }):
		return CodeVariableSymbol, "a policy variable is the name of a condition key"
	case !strings.Contains(key, ":"):
		return CodeVariableSymbol, "a policy variable is the name of a condition key, with a colon"
	case multiValued(key):
		return CodeVariableMany, "a condition key with many values cannot be a policy variable"
	default:
		return "", ""
	}
}
