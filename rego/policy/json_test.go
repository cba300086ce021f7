package policy

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestJSONThatIsNotJSONIsRefusedWhereItBreaks(t *testing.T) {
	tests := []struct {
		name, text string
		offset     int
	}{
		{"an open object", `{`, 1},
		{"an open list", `[1`, 2},
		{"an open string", `"abc`, 4},
		{"an open escape", `"abc\`, 4},
		{"a comma too many in a list", `[1,]`, 3},
		{"a comma too many in an object", `{"a":1,}`, 7},
		{"a name without quotes", `{a:1}`, 1},
		{"a missing colon", `{"a" 1}`, 5},
		{"a missing comma", `["a" "b"]`, 5},
		{"single quotes", `'a'`, 0},
		{"a comment", `/* */ 1`, 0},
		{"a byte order mark", "\ufeff1", 0},
		{"a leading zero", `01`, 2},
		{"a lonely minus", `-`, 1},
		{"a point without digits", `1.`, 2},
		{"an exponent without digits", `1e+`, 3},
		{"NaN", `NaN`, 0},
		{"True", `True`, 0},
		{"a word run on", `truest`, 4},
		{"a control character in a string", "\"a\tb\"", 2},
		{"an unknown escape", `"\x41"`, 1},
		{"a short escape", `"\u12"`, 1},
		{"an escape with a sign", `"\u+123"`, 1},
		{"half a surrogate pair", `"\ud83d"`, 1},
		{"half a pair and a letter", `"\ud83d\u0041"`, 1},
		{"the second half of a pair", `"\ude00"`, 1},
		{"more after the end", `1 2`, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f faults
			_, ok := readJSON(tt.text, false, &f)
			require.False(t, ok)
			require.Len(t, f.all, 1)
			assert.Equal(t, CodeSyntax, f.all[0].Code)
			assert.Equal(t, tt.offset, f.all[0].Pos.Offset, f.all[0].Message)
		})
	}
}

func TestNestingIsBounded(t *testing.T) {
	deep := strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth)
	var f faults
	_, ok := readJSON(deep, false, &f)
	assert.True(t, ok)
	_, ok = readJSON(strings.Repeat("[", 100000), false, &f)
	require.False(t, ok)
	assert.Equal(t, CodeTooDeep, f.all[0].Code)
	assert.Equal(t, maxDepth, f.all[0].Pos.Offset)
}

func TestEscapesAreDecoded(t *testing.T) {
	var f faults
	n, ok := readJSON(`"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀"`, false, &f)
	require.True(t, ok)
	assert.Equal(t, "a\"\\/\b\f\n\r\té😀é😀", n.text)
}

func TestPathsAreJSONPaths(t *testing.T) {
	assert.Equal(t, "$.a_1", child("$", "a_1"))
	assert.Equal(t, "$['1a']", child("$", "1a"))
	assert.Equal(t, "$['']", child("$", ""))
	assert.Equal(t, `$['kms:a\'\\']`, child("$", `kms:a'\`))
	assert.Equal(t, "$.a[7]", item("$.a", 7))
	long := child("$", strings.Repeat("é", 100))
	assert.Len(t, long, len("$['']")+maxName+len("…"))
	assert.True(t, utf8.ValidString(child("$", "a"+strings.Repeat("é", 100))), "a name is not cut inside a character")
}

// FuzzJSON checks the reader against encoding/json: what this one reads, that
// one reads as the same value; what only that one reads, this one refuses for a
// reason of its own.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-2.5e3,true,null,"x\u00e9\n"],"b":{}}`, `[[[]]]`, `"\ud83d\ude00"`, `{"a":1,"a":2}`, ` 0 `, `-0.0`, `{"`, "\x80"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return // Parse refuses it before
		}
		var found faults
		n, ok := readJSON(text, false, &found)
		if !ok || len(found.all) > 0 {
			if found.all[0].Code == CodeSyntax && !strings.Contains(found.all[0].Message, "surrogate") {
				assert.False(t, json.Valid([]byte(text)), "refused: %v", found.err())
			}
			assert.LessOrEqual(t, found.all[0].Pos.Offset, len(text))
			return
		}
		var want any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		require.NoError(t, d.Decode(&want))
		assert.Equal(t, want, plain(n))
		assert.True(t, errors.Is(found.err(), nil))
	})
}

// plain is n as encoding/json would have it.
func plain(n node) any {
	switch n.kind {
	case objectNode:
		m := map[string]any{}
		for _, f := range n.fields {
			m[f.name] = plain(f.value)
		}
		return m
	case arrayNode:
		l := []any{}
		for _, v := range n.items {
			l = append(l, plain(v))
		}
		return l
	case numberNode:
		return json.Number(n.text)
	case boolNode:
		return n.text == "true"
	case stringNode:
		return n.text
	default:
		return nil
	}
}
