// Package jsontext appends JSON to buffers, byte for byte as encoding/json
// writes it without escapes for HTML.
package jsontext

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendString appends a string. What is not UTF-8 becomes U+FFFD.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start, i := 0, 0
	for i < len(s) && plain[s[i]] {
		i++
	}
	for i < len(s) {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < ' ' || c == '"' || c == '\\' {
				b = appendEscaped(append(b, s[start:i]...), c)
				start = i + 1
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || r == '\u2028' || r == '\u2029' {
			b = append(append(b, s[start:i]...), `\u`...)
			for shift := 12; shift >= 0; shift -= 4 {
				b = append(b, digits[r>>shift&15])
			}
			start = i + size
		}
		i += size
	}
	return append(append(b, s[start:]...), '"')
}

// plain are the characters of ASCII that stand for themselves.
var plain = func() (is [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		is[c] = c != '"' && c != '\\'
	}
	return is
}()

const digits = "0123456789abcdef"

// appendEscaped appends a character of ASCII that cannot stand in a string.
func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	return append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
}

// AppendStrings appends a list of strings; a nil one is empty.
func AppendStrings[S ~string](b []byte, list []S) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, string(s))
	}
	return append(b, ']')
}

// few is room for as many members as most maps have.
const few = 24

// AppendMap appends an object with its names in order; value appends one value.
func AppendMap[V any](b []byte, m map[string]V, value func(b []byte, name string, v V) []byte) []byte {
	var space [few]member[V]
	members := space[:0]
	for name, v := range m {
		members = append(members, member[V]{name, v})
	}
	slices.SortFunc(members, func(x, y member[V]) int { return strings.Compare(x.name, y.name) })
	b = append(b, '{')
	for i := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = value(append(AppendString(b, members[i].name), ':'), members[i].name, members[i].value)
	}
	return append(b, '}')
}

type member[V any] struct {
	name  string
	value V
}

// An Object is a JSON object that is being appended to a buffer. Its members
// come in the order of the calls.
type Object struct{ buffer []byte }

// Begin begins an object at the end of b.
func Begin(b []byte) Object { return Object{append(b, '{')} }

// End ends the object, and returns the buffer.
func (o *Object) End() []byte { return append(o.buffer, '}') }

// Name begins a member whose value the caller appends to what it returns and
// gives to Value. Names are constants that need no escapes.
func (o *Object) Name(name string) []byte {
	b := o.buffer
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(append(append(b, '"'), name...), '"', ':')
}

// Value takes the buffer of Name back, with the value.
func (o *Object) Value(b []byte) { o.buffer = b }

// String appends a member.
func (o *Object) String(name, value string) { o.buffer = AppendString(o.Name(name), value) }

// Some appends a member unless it is empty.
func (o *Object) Some(name, value string) {
	if value != "" {
		o.String(name, value)
	}
}

// Bool appends a member.
func (o *Object) Bool(name string, value bool) { o.buffer = strconv.AppendBool(o.Name(name), value) }

// Int appends a member.
func (o *Object) Int(name string, value int) {
	o.buffer = strconv.AppendInt(o.Name(name), int64(value), 10)
}

// Raw appends a member whose value is JSON already; without any it is null.
func (o *Object) Raw(name string, value []byte) {
	if len(value) == 0 {
		value = []byte("null")
	}
	o.buffer = append(o.Name(name), value...)
}
