package policy

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads a string in double quotes and decodes its escapes. The text is
// valid UTF-8 already. Half a surrogate pair is refused: it stands for no
// character, and readers that replace it would disagree with this one.
func (r *reader) str(path string) (string, *halt) {
	at := r.here()
	r.off++
	start := r.off
	var b strings.Builder
	for r.off < len(r.text) {
		switch c := r.text[r.off]; {
		case c == '"':
			s := r.text[start:r.off]
			r.off++
			if b.Len() == 0 {
				return s, nil
			}
			s = b.String() + s
			if _, bad := badCharacter(s, r.latin); bad {
				r.faults.add(CodeCharacter, at.pos(path), "an escape stands for a character that this kind of policy does not hold")
			}
			return s, nil
		case c == '\\':
			b.WriteString(r.text[start:r.off])
			c, err := r.escape(path)
			if err != nil {
				return "", err
			}
			b.WriteRune(c)
			start = r.off
		case c < 0x20:
			return "", r.fail(path, "a string holds a control character (%s)", r.found())
		default:
			_, size := utf8.DecodeRuneInString(r.text[r.off:])
			r.off += size
		}
	}
	return "", r.fail(path, "the text ends inside a string")
}

var escapes = map[byte]rune{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads what a backslash starts.
func (r *reader) escape(path string) (rune, *halt) {
	if r.off+1 >= len(r.text) {
		return 0, r.fail(path, "the text ends inside a string")
	}
	c := r.text[r.off+1]
	if plain, ok := escapes[c]; ok {
		r.off += 2
		return plain, nil
	}
	if c != 'u' {
		return 0, r.fail(path, "a string holds an unknown escape")
	}
	first, ok := r.unit()
	if !ok {
		return 0, r.fail(path, "a string holds a \\u escape without four hexadecimal digits")
	}
	if !utf16.IsSurrogate(first) {
		r.off += 6
		return first, nil
	}
	r.off += 6
	second, ok := r.unit()
	pair := utf16.DecodeRune(first, second)
	if !ok || pair == utf8.RuneError {
		r.off -= 6
		return 0, r.fail(path, "a string holds half a surrogate pair")
	}
	r.off += 6
	return pair, nil
}

// unit is the UTF-16 unit of the \uXXXX at the offset.
func (r *reader) unit() (rune, bool) {
	if r.off+6 > len(r.text) || r.text[r.off] != '\\' || r.text[r.off+1] != 'u' {
		return 0, false
	}
	digits := r.text[r.off+2 : r.off+6]
	u, err := strconv.ParseUint(digits, 16, 16)
	return rune(u), err == nil && !strings.ContainsAny(digits, "+-_")
}
