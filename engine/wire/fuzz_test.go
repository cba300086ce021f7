package wire

import (
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzParse holds our parser against encoding/json: what ours takes, the other
// takes too, and what ours refuses the other refuses, except for the rules
// that parse adds.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{}`, `[1,-0.5e+3,"\u00e9\ud83d\ude00",true,null]`, `{"a":{"a":[]},"b":""}`, `{"a":1,"a":2}`, "\"\xff\"", `"\ud800"`, `01`, `1.`, ` [ ] `} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := parse(body)
		if err != nil {
			return
		}
		require.True(t, json.Valid(body))
		var want any
		if json.Unmarshal(body, &want) == nil { // it refuses numbers beyond float64
			require.Equal(t, want, plain(t, n))
		}
	})
}

// plain returns n as encoding/json would.
func plain(t *testing.T, n *node) any {
	t.Helper()
	switch n.kind {
	case kindNull:
		return nil
	case kindTrue, kindFalse:
		return n.kind == kindTrue
	case kindNumber:
		var f float64
		require.NoError(t, json.Unmarshal([]byte(n.text), &f))
		return f
	case kindString:
		require.True(t, utf8.ValidString(n.text))
		return n.text
	case kindList:
		out := make([]any, len(n.items))
		for i := range n.items {
			out[i] = plain(t, &n.items[i])
		}
		return out
	case kindObject:
		out := make(map[string]any)
		for i, name := range n.names {
			out[name] = plain(t, &n.items[i])
		}
		return out
	}
	t.Fatalf("kind %d", n.kind)
	return nil
}

// FuzzDecode checks that any body gives an input or an error that can be sent,
// and that an input survives being written and read again.
func FuzzDecode(f *testing.F) {
	for i, op := range Operations() {
		f.Add(i, []byte(`{"KeyId":"k","Plaintext":"YQ==","EncryptionContext":{"a":"b"},"GrantTokens":["t"],"Tags":[{"TagKey":"a","TagValue":""}],"`+op.Name+`":[{}]}`))
	}
	ops := Operations()
	f.Fuzz(func(t *testing.T, i int, body []byte) {
		op := ops[uint(i)%uint(len(ops))].Name
		in, err := Decode(op, body)
		if err != nil {
			require.Contains(t, []Code{Serialization, Validation}, err.Code)
			require.True(t, json.Valid(EncodeError(err, "i").Body))
			return
		}
		again, failure := Encode(in)
		require.NoError(t, failure)
		second, err := Decode(op, again)
		require.Nil(t, err)
		require.True(t, reflect.DeepEqual(in, second), "%s", again)
	})
}
