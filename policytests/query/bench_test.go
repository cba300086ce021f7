package query_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/query"
)

// large is a world of 500 roles, each with two policies, and a key.
func large(b *testing.B) *query.Base {
	b.Helper()
	var text strings.Builder
	text.WriteString("accounts:\n  \"111122223333\":\n    keys: {main: {}}\n    roles:\n")
	for i := range 500 {
		fmt.Fprintf(&text, `      r%d:
        trust: {Version: 2012-10-17, Statement: {Effect: Allow, Principal: {AWS: 111122223333}, Action: "sts:AssumeRole"}}
        policies:
          one: {Version: 2012-10-17, Statement: {Effect: Allow, Action: "kms:Decrypt", Resource: "*", Condition: {StringEquals: {"kms:EncryptionContext:dept": d%d}}}}
          two: {Version: 2012-10-17, Statement: {Effect: Deny, Action: "kms:Decrypt", Resource: "*", Condition: {NotIpAddress: {"aws:SourceIp": 10.0.0.0/8}}}}
`, i, i)
	}
	w, err := world.LoadFS(fstest.MapFS{"world.yaml": {Data: []byte(text.String())}}, nil)
	require.NoError(b, err)
	base, err := query.New(query.Config{World: w, Engine: engine})
	require.NoError(b, err)
	return base
}

func BenchmarkExplain(b *testing.B) {
	base, r := large(b), one(b, "role/r7 kms:Decrypt key/main")
	for b.Loop() {
		_, err := query.Explain(b.Context(), base, r)
		require.NoError(b, err)
	}
}

func BenchmarkWhyNot(b *testing.B) {
	base, r := large(b), one(b, "role/r7 kms:Decrypt key/main")
	for b.Loop() {
		_, err := query.WhyNot(b.Context(), base, r)
		require.NoError(b, err)
	}
}

func BenchmarkAllowedWhen(b *testing.B) {
	base, r := large(b), one(b, "role/r7 kms:Decrypt key/main")
	for b.Loop() {
		_, _, err := query.AllowedWhen(b.Context(), base, r)
		require.NoError(b, err)
	}
}

func BenchmarkWhoCan(b *testing.B) {
	base := large(b)
	for b.Loop() {
		t, err := query.WhoCan(b.Context(), base, []string{"kms:Decrypt"}, "key/main", query.Filter{})
		require.NoError(b, err)
		require.Len(b, t.Rows, 502)
	}
}
