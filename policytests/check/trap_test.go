package check_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/check"
	"github.com/keyreeve/keyreeve/rego/lint"
)

func TestATrapIsShownByARequestThatGetsThrough(t *testing.T) {
	const role = `"Principal": {"AWS": "arn:aws:iam::111122223333:role/app"}, "Resource": "*"`
	for name, row := range map[string]struct {
		file, statement, rule string
		severity              lint.Severity
		want                  []string // case lines
	}{
		"a pattern on kms:ViaService lets in more than one service": {"a.key.json",
			`{"Effect": "Allow", ` + role + `, "Action": "kms:Decrypt", "Condition": {"StringLike": {"kms:ViaService": "s*.amazonaws.com"}}}`,
			"KR_VIASERVICE_WILDCARD", lint.Security, []string{
				"allow  role/app@111122223333  kms:Decrypt  key/this  via service s3.amazonaws.com",
				"allow  role/app@111122223333  kms:Decrypt  key/this  via service sagemaker.amazonaws.com"}},
		"a pattern on kms:ViaService that fits no service that is known": {"a.key.json",
			`{"Effect": "Allow", ` + role + `, "Action": "kms:Decrypt", "Condition": {"StringLike": {"kms:ViaService": "zz*.us-east-1.amazonaws.com"}}}`,
			"KR_VIASERVICE_WILDCARD", lint.Security, []string{"allow  role/app@111122223333  kms:Decrypt  key/this  via service zz.amazonaws.com"}},
		"ForAllValues lets a request without the key through": {"a.key.json",
			`{"Effect": "Allow", ` + role + `, "Action": "kms:Decrypt", "Condition": {"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": "a"}}}`,
			"KR_FORALLVALUES_NO_NULL_CHECK", lint.Security, []string{"allow  role/app@111122223333  kms:Decrypt  key/this"}},
		"ForAllValues before a key with one value": {"a.key.json",
			`{"Effect": "Allow", ` + role + `, "Action": "kms:Decrypt", "Condition": {"ForAllValues:StringEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"}}}`,
			"FORALLVALUES_WITH_SINGLE_VALUED_KEY", lint.Security, []string{"allow  role/app@111122223333  kms:Decrypt  key/this"}},
		"an action that does not hold the key passes a negated condition": {"a.key.json",
			`{"Effect": "Allow", ` + role + `, "Action": ["kms:Decrypt", "kms:Sign"], "Condition": {"StringNotEquals": {"kms:EncryptionContext:a": "b"}}}`,
			"UNSUPPORTED_ACTION_FOR_CONDITION_KEY", lint.Security, []string{"allow  role/app@111122223333  kms:Sign  key/this"}},
		"a tag that no request carries": {"a.iam.json",
			`{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:aws:kms:us-east-1:111122223333:key/1", "Condition": {"StringNotEquals": {"aws:RequestTag/a": "b"}}}`,
			"ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", lint.Security, []string{"allow  user/any-user@111122223333  kms:Decrypt  key/this"}},
		"a Deny that closes the trap makes it a suggestion": {"a.key.json",
			`{"Effect": "Allow", ` + role + `, "Action": "kms:Decrypt", "Condition": {"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": "a"}}},
			 {"Effect": "Deny", "Principal": "*", "Resource": "*", "Action": "kms:Decrypt", "Condition": {"Null": {"kms:EncryptionContextKeys": "true"}}}`,
			"KR_FORALLVALUES_NO_NULL_CHECK", lint.Suggestion, nil},
		"a trap in a policy with a fault elsewhere": {"a.key.json",
			`{"Effect": "Allow", ` + role + `, "Action": "kms:Decrypt", "Condition": {"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": "a"}}},
			 {"Effect": "Allow", "Principal": "*", "Resource": "*", "Action": 7}`,
			"KR_FORALLVALUES_NO_NULL_CHECK", lint.Security, []string{"allow  role/app@111122223333  kms:Decrypt  key/this"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := document(row.statement)
			if row.file == "a.key.json" {
				text = document(delegate, row.statement)
			}
			r, err := check.Text(t.Context(), row.file, []byte(text), check.Options{Now: now})
			require.NoError(t, err)
			var lines []string
			seen := false
			for _, f := range r.Findings {
				if f.Rule != row.rule {
					continue
				}
				seen = true
				assert.Equal(t, row.severity, f.Severity, f.Message)
				assert.False(t, f.Unknown)
				for _, w := range f.Witness {
					assert.True(t, w.Allowed)
					assert.NotEmpty(t, w.Question)
					lines = append(lines, w.Case)
				}
			}
			assert.True(t, seen, "%v", told(r))
			assert.Equal(t, row.want, lines)
		})
	}
}
