package analysis

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

func parse(t testing.TB, k policy.Kind, text string) *policy.Document {
	t.Helper()
	d, err := policy.Parse(k, []byte(text))
	require.NoError(t, err)
	return d
}

func loose(t testing.TB, k policy.Kind, text string) *Universe {
	t.Helper()
	u, err := OfDocument(Loose{Document: parse(t, k, text)}, Config{})
	require.NoError(t, err)
	return u
}

func TestWho(t *testing.T) {
	start := time.Now()
	u := loose(t, policy.Key, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},
	{"Effect":"Allow","Principal":"*","Action":["kms:Decrypt","kms:CreateGrant"],"Resource":"*","Condition":{"StringLike":{"kms:ViaService":"s3.*.amazonaws.com","kms:EncryptionContext:dept":"fin*"},"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/Admin*"}}}]}`)
	t.Log("made", time.Since(start))
	for _, c := range u.Callers() {
		t.Log(c.Name, c.Variation, c.Outside)
	}
	for range 2 {
		start = time.Now()
		a, err := Find(context.Background(), Query{Allowed: []*Universe{u}, Callers: func(c Caller) bool { return c.Outside }})
		require.NoError(t, err)
		t.Log(time.Since(start), a.State, a.Why)
		if a.Witness != nil {
			t.Log(a.Witness.Caller.Name, a.Witness.Action, a.Witness.Keys, a.Witness.Question.Context)
		}
	}
}
