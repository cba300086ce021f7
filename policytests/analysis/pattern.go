package analysis

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A class says which characters a place of a pattern takes.
type class int

const (
	exact    class = iota // the place's own character
	foldCase              // the place's own character in either case
	anything
	noColon  // of the first five parts of an ARN
	digit    // 0-9
	hexDigit // 0-9a-f
	lower    // 0-9a-z and hyphen
	word     // of names in IAM: letters, digits, +=,.@_-
	pathWord // word and /
	upper    // 0-9A-Z, of unique ids
)

// A place of a pattern takes one character or, if many, any number of them.
type place struct {
	class class
	r     rune
	many  bool
}

// A pattern is a language: the texts whose characters its places take in turn.
type pattern []place

func (p place) takes(r rune) bool {
	switch p.class {
	case exact:
		return r == p.r
	case foldCase:
		return r == p.r || unicode.ToLower(r) == unicode.ToLower(p.r)
	case anything:
		return true
	case noColon:
		return r != ':'
	case digit:
		return r >= '0' && r <= '9'
	case hexDigit:
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'f'
	case lower:
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r == '-'
	case upper:
		return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z'
	case pathWord:
		return r == '/' || isWord(r)
	case word:
		return isWord(r)
	}
	return false
}

func isWord(r rune) bool {
	return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune("+=,.@_-", r)
}

// literal is the pattern of one text.
func literal(text string) pattern {
	p := make(pattern, 0, len(text))
	for _, r := range text {
		p = append(p, place{class: exact, r: r})
	}
	return p
}

// times is n places of a class.
func times(c class, n int) pattern {
	p := make(pattern, n)
	for i := range p {
		p[i] = place{class: c}
	}
	return p
}

// some is one place or more of a class.
func some(c class) pattern { return pattern{{class: c}, {class: c, many: true}} }

func join(parts ...pattern) pattern {
	var all pattern
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// ofParts is the pattern of an operand, with the values of its variables in
// place. It is false if a variable has none.
func ofParts(parts []policy.Part, resolve func(string) (string, bool)) (pattern, bool) {
	var all pattern
	for _, p := range parts {
		switch p.Kind {
		case policy.Literal:
			all = append(all, literal(p.Text)...)
		case policy.AnyText:
			all = append(all, place{class: anything, many: true})
		case policy.AnyChar:
			all = append(all, place{class: anything})
		case policy.Variable:
			text, ok := resolve(p.Text)
			if !ok && !p.HasDefault {
				return nil, false
			}
			if !ok {
				text = p.Default
			}
			all = append(all, literal(text)...)
		}
	}
	return all, true
}

// folded takes letters of either case.
func (p pattern) folded() pattern {
	out := make(pattern, len(p))
	for i, x := range p {
		if out[i] = x; x.class == exact && unicode.IsLetter(x.r) {
			out[i].class = foldCase
		}
	}
	return out
}

// arn makes wildcards of the first five parts stop at colons. It is
// false for a pattern without six parts, which matches nothing.
func (p pattern) arn() (pattern, bool) {
	out := make(pattern, len(p))
	colons := 0
	for i, x := range p {
		out[i] = x
		switch {
		case x.class == exact && x.r == ':':
			colons++
		case x.class == anything && colons < 5:
			out[i].class = noColon
		}
	}
	return out, colons >= 5
}

// text is what the pattern stands for if it stands for one text only.
func (p pattern) text() (string, bool) {
	var b strings.Builder
	for _, x := range p {
		if x.class != exact {
			return "", false
		}
		b.WriteRune(x.r)
	}
	return b.String(), true
}

// example is a text that fits: nothing in the place of what may be empty.
func (p pattern) example() string {
	var b strings.Builder
	for _, x := range p {
		switch {
		case x.many:
		case x.class == exact || x.class == foldCase:
			b.WriteRune(x.r)
		default:
			b.WriteByte('x')
		}
	}
	return b.String()
}

// matches tells whether the pattern takes a value.
func (p pattern) matches(value string) bool {
	plain := true
	for _, x := range p {
		if x.many && x.class != anything {
			plain = false
			break
		}
	}
	if !plain {
		return p.simulate(value)
	}
	// After a mismatch only the last wildcard is widened: it takes anything.
	i, at, star, from := 0, 0, -1, 0
	for i < len(p) || at < len(value) {
		if i < len(p) && p[i].many {
			star, from = i, at
			i++
			continue
		}
		if i < len(p) && at < len(value) {
			r, size := utf8.DecodeRuneInString(value[at:])
			if p[i].takes(r) {
				i, at = i+1, at+size
				continue
			}
		}
		if star < 0 || from >= len(value) {
			return false
		}
		_, size := utf8.DecodeRuneInString(value[from:])
		from += size
		i, at = star+1, from
	}
	return true
}

// simulate is matches for any pattern: it follows all places at once.
func (p pattern) simulate(value string) bool {
	now := p.closure(make(places, wordsFor(len(p)+1)), 0)
	for _, r := range value {
		now = p.step(now, r)
	}
	return now.has(len(p))
}

// places is a set of places of a pattern; the one after the last accepts.
type places []uint64

func wordsFor(n int) int { return (n + 63) / 64 }

func (s places) has(i int) bool { return s[i/64]>>(i%64)&1 == 1 }
func (s places) add(i int)      { s[i/64] |= 1 << (i % 64) }

// closure adds place i and those that are reached without a character.
func (p pattern) closure(s places, i int) places {
	for s.add(i); i < len(p) && p[i].many; i++ {
		s.add(i + 1)
	}
	return s
}

// step is where the pattern can be after one more character.
func (p pattern) step(s places, r rune) places {
	next := make(places, len(s))
	for i, x := range p {
		if !s.has(i) || !x.takes(r) {
			continue
		}
		if x.many {
			p.closure(next, i)
		} else {
			p.closure(next, i+1)
		}
	}
	return next
}
