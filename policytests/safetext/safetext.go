// Package safetext quotes what must not reach a terminal, or the log of a CI system, as it is.
package safetext

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Unsafe tells whether a character does something to whoever reads it as text,
// rather than to be seen: controls (C0, DEL, C1), the ends of lines and
// paragraphs, and marks that turn the direction of writing. A tab is safe.
func Unsafe(c rune) bool {
	switch {
	case c == '\t':
		return false
	case c < ' ', c >= 0x7f && c <= 0x9f:
		return true
	case c == 0x2028, c == 0x2029, c == 0x061c, c == 0x200e, c == 0x200f:
		return true
	}
	return c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069
}

// Text quotes what is unsafe in text that comes from outside, so that it is one
// line: \n, \x1b, \u202e. Bytes that are no UTF-8 are quoted too.
func Text(text string) string { return quote(text, false) }

// Lines quotes like Text but keeps the ends of lines, and lets no line begin a
// workflow command of GitHub's runners. It is for text whose lines are our own.
func Lines(text string) string {
	text = quote(text, true)
	if !strings.Contains(text, "::") && !strings.Contains(text, "##[") {
		return text
	}
	lines := strings.Split(strings.ReplaceAll(text, "##[", `##\x5b`), "\n")
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			lines[i] = strings.Replace(line, "::", `\x3a:`, 1)
		}
	}
	return strings.Join(lines, "\n")
}

func quote(text string, lines bool) string {
	var b strings.Builder
	for at := 0; at < len(text); {
		c, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case c == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[at])
		case c == '\n' && lines, !Unsafe(c):
			b.WriteString(text[at : at+size])
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c < 0x80:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			fmt.Fprintf(&b, `\u%04x`, c)
		}
		at += size
	}
	return b.String()
}
