package jsontext_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/jsontext"
)

// standard is what encoding/json writes.
func standard(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	require.NoError(t, e.Encode(v))
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func FuzzStringsAreThoseOfTheStandardLibrary(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\/<>&", "\x00\b\f\n\r\t\x1f\x7f", "é€😀", "\u2028\u2029\ufffd", "a\xffb\xc3", "\xed\xa0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		assert.Equal(t, standard(t, s), string(jsontext.AppendString(nil, s)))
	})
}

func TestListsAndMapsAreThoseOfTheStandardLibrary(t *testing.T) {
	for _, list := range [][]string{{}, {"a"}, {"a", "\"", ""}} {
		assert.Equal(t, standard(t, list), string(jsontext.AppendStrings(nil, list)))
	}
	assert.Equal(t, "[]", string(jsontext.AppendStrings[string](nil, nil)))
	many := map[string][]string{}
	for c := range byte(100) {
		many["n"+string(rune(c))] = []string{"v"}
	}
	for _, m := range []map[string][]string{{}, {"b": {"1"}, "a": {}, "c": {"\\"}}, many} {
		assert.Equal(t, standard(t, m), string(jsontext.AppendMap(nil, m, func(b []byte, _ string, v []string) []byte {
			return jsontext.AppendStrings(b, v)
		})))
	}
}

func TestObjectsHaveTheirMembersInOrder(t *testing.T) {
	o := jsontext.Begin([]byte("x"))
	o.Some("absent", "")
	o.Some("some", "1")
	o.String("text", "\"")
	o.Bool("yes", true)
	o.Int("number", -7)
	o.Raw("raw", []byte("[1]"))
	o.Raw("null", nil)
	o.Value(jsontext.AppendStrings(o.Name("list"), []string{"a"}))
	assert.Equal(t, `x{"some":"1","text":"\"","yes":true,"number":-7,"raw":[1],"null":null,"list":["a"]}`, string(o.End()))
	empty := jsontext.Begin(nil)
	assert.Equal(t, "{}", string(empty.End()))
}

func TestAnOrderMakesNoDifference(t *testing.T) {
	long := strings.Repeat("long", 100)
	many := map[string]string{}
	for c := range byte(100) {
		many["n"+string(rune(c))] = "v"
	}
	var o jsontext.Order
	value := func(b []byte, _, v string) []byte { return jsontext.AppendString(b, v) }
	for range 3 {
		for _, m := range []map[string]string{
			nil, {}, {"b": "1", "a": "2"}, {"b": "3", "a": "4"}, {"b": "1", "c": "2"}, {"a": "1", "\"": "2"}, {long: "1", "a": "2"}, {"a": "1"}, many,
		} {
			want := append(jsontext.AppendMap([]byte("x"), m, value), 'y')
			assert.Equal(t, string(want), string(append(jsontext.AppendMapInOrder([]byte("x"), &o, m, value), 'y')))
		}
	}
}
