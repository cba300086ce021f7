package check_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/keyreeve/keyreeve/policytests/check"
	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// FuzzText: whatever a file holds, findings lie in it, and mending JSON leaves
// JSON.
func FuzzText(f *testing.F) {
	f.Add("a.key.json", []byte(document(delegate, typo)))
	f.Add("a.grants.json", []byte(`{"Grants": [{"GranteePrincipal": "arn:aws:iam::111122223333:root", "Operations": ["Decrypt"]}]}`))
	f.Add("a.yaml", []byte("Resources: {K: {Type: AWS::KMS::Key, Properties: {KeyPolicy: {Statement: [!Ref X]}}}}"))
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		r, err := check.Text(t.Context(), name, text, check.Options{Now: now, FormOnly: true})
		if err != nil {
			return
		}
		for _, found := range r.Findings {
			assert.LessOrEqual(t, found.Span.Start.Offset, found.Span.End.Offset)
			assert.LessOrEqual(t, found.Span.End.Offset, len(text))
			assert.NotEmpty(t, found.Fingerprint)
		}
		for _, m := range r.Mend() {
			assert.True(t, !json.Valid(m.Before) || json.Valid(m.After))
		}
	})
}

// FuzzRemaining: what is left of a policy with faults is a policy, or it is told
// why it is not.
func FuzzRemaining(f *testing.F) {
	f.Add([]byte(document(delegate, typo, `{"Effect": "Alow"}`)), 60)
	f.Add([]byte(document(`{"Effect": "Allow", "Principal": {"AWS": ["AROAEXAMPLEEXAMPLEEX", 3, "*"]}, "Action": "kms:*", "Resource": "*"}`)), 0)
	f.Fuzz(func(t *testing.T, text []byte, unknown int) {
		p := &extract.Policy{Kind: policy.Key, Text: text}
		if unknown > 0 {
			p.Unknown = []extract.Unknown{{Start: unknown, End: unknown + 1}}
		}
		doc, why := check.Remaining(p)
		assert.Equal(t, doc == nil, why != "")
		if doc != nil {
			assert.Len(t, doc.Text, len(text))
		}
	})
}

// FuzzConfig: a configuration is read, or refused with a reason.
func FuzzConfig(f *testing.F) {
	f.Add([]byte("version: 1\nignore:\n- {rules: INVALID_ACTION, files: p/**, sids: x, policies: y, reason: new, expires: 2027-01-01}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if c, err := check.ParseConfig("c.yaml", ".", text); err != nil {
			assert.NotEmpty(t, err.Error())
		} else {
			assert.NotNil(t, c)
		}
	})
}
