package decision

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

func benchmark(b *testing.B, c Config, q Question) {
	b.Helper()
	e, err := New(c)
	require.NoError(b, err)
	d, err := e.Decide(b.Context(), q)
	require.NoError(b, err)
	require.True(b, d.Allowed)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Decide(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecide is the reference case: with programs compiled and nothing
// remembered, and with everything remembered.
func BenchmarkDecide(b *testing.B) {
	b.Run("plain", func(b *testing.B) { benchmark(b, Config{}, referenceQuestion(b)) })
	b.Run("remembered", func(b *testing.B) { benchmark(b, Config{Cache: true, VerifyEvery: 1000}, referenceQuestion(b)) })
}

// BenchmarkDecideFirst is the reference case with documents never seen before:
// parsed, but not compiled.
func BenchmarkDecideFirst(b *testing.B) {
	q := referenceQuestion(b)
	e, err := New(Config{Limit: PatientLimit})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		e.programs = newPrograms(256 << 20)
		if _, err := e.Decide(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLargeKeyPolicy has a key policy of 32 KB, whose last statement
// delegates.
func BenchmarkLargeKeyPolicy(b *testing.B) {
	q := referenceQuestion(b)
	q.KeyPolicy = ptr(largeKeyPolicy(b))
	benchmark(b, Config{}, q)
}

func largeKeyPolicy(t testing.TB) Policy {
	t.Helper()
	var text strings.Builder
	text.WriteString(`{"Version": "2012-10-17", "Statement": [`)
	for i := 0; text.Len() < 32_300; i++ {
		fmt.Fprintf(&text, `{"Sid": "Team %d", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::%012d:role/team-%d"}, `+
			`"Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*", `+
			`"Condition": {"StringEquals": {"kms:EncryptionContext:team": "team-%d"}}}, `, i, 200_000_000_000+i, i, i)
	}
	text.WriteString(`{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"}]}`)
	d, err := policy.Parse(policy.Key, []byte(text.String()))
	require.NoError(t, err)
	p := Policy{Name: "default", Owner: home, Document: d, Principals: map[string]string{}}
	for i, n := range namedIn(d) {
		p.Principals[n.Text] = fmt.Sprintf("AROATEAM%d", i)
	}
	return p
}
