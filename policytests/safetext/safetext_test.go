package safetext_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/keyreeve/keyreeve/policytests/safetext"
)

func TestWhatActsOnTheReaderIsQuoted(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"plain text stays", "payroll é 鍵\t\\", "payroll é 鍵\t\\"},
		{"escape sequences", "a\x1b[31mb\x1b]0;title\x07", `a\x1b[31mb\x1b]0;title\x07`},
		{"ends of lines", "a\r\nb\u2028c\u2029\u0085", `a\r\nb\u2028c\u2029\u0085`},
		{"DEL and C1", "\x7f\u009b31m", `\x7f\u009b31m`},
		{"a raw C1 byte is no UTF-8", "\x9b31m", `\x9b31m`},
		{"marks of direction", "\u202eabc\u2066\u200f\u061c", `\u202eabc\u2066\u200f\u061c`},
	} {
		assert.Equal(t, row.want, safetext.Text(row.text), row.name)
	}
}

func TestLinesStayAndCommandNone(t *testing.T) {
	assert.Equal(t, "a\nb\n", safetext.Lines("a\nb\n"))
	assert.Equal(t, "a\n  \\x3a:error ::b\n##\\x5berror]", safetext.Lines("a\n  ::error ::b\n##[error]"))
	assert.Equal(t, "arn:aws:iam::1:role/x", safetext.Lines("arn:aws:iam::1:role/x"))
	assert.Equal(t, `\x1b[2J`, safetext.Lines("\x1b[2J"))
}
