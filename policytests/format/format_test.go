package format_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/format"
	"github.com/keyreeve/keyreeve/policytests/guide"
	"github.com/keyreeve/keyreeve/rego/policy"
)

func TestPolicyIsLaidOut(t *testing.T) {
	for name, row := range map[string]struct{ text, want string }{
		"elements have an order, statements and values keep theirs": {
			`{"Statement":[{"Condition":{"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:CallerAccount":["111122223333"]},"Bool":{"aws:SecureTransport":true}},` +
				`"Resource":"*","Action":["kms:Encrypt","kms:Decrypt"],"Principal":{"Service":"s3.amazonaws.com","AWS":"*"},"Effect":"Allow","Sid":"Caf\u00e9"},{"Effect":"Deny"}],"Version":"2012-10-17"}`,
			`{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Caf\u00e9",
      "Effect": "Allow",
      "Principal": {"AWS": "*", "Service": "s3.amazonaws.com"},
      "Action": ["kms:Encrypt", "kms:Decrypt"],
      "Resource": "*",
      "Condition": {
        "Bool": {"aws:SecureTransport": true},
        "StringEquals": {
          "kms:CallerAccount": ["111122223333"],
          "kms:ViaService": "s3.eu-west-1.amazonaws.com"
        }
      }
    },
    {
      "Effect": "Deny"
    }
  ]
}
`},
		"one statement stays one": {`{"Statement": {"Effect": "Allow"}}`, "{\n  \"Statement\": {\n    \"Effect\": \"Allow\"\n  }\n}\n"},
		"a long list is broken": {`{"Statement": [{"Action": ["kms:CreateAlias", "kms:CreateGrant", "kms:CreateKey", "kms:Decrypt", "kms:DeleteAlias", "kms:DescribeKey"]}]}`,
			"{\n  \"Statement\": [\n    {\n      \"Action\": [\n        \"kms:CreateAlias\",\n        \"kms:CreateGrant\",\n        \"kms:CreateKey\",\n" +
				"        \"kms:Decrypt\",\n        \"kms:DeleteAlias\",\n        \"kms:DescribeKey\"\n      ]\n    }\n  ]\n}\n"},
		"what is unknown comes last": {`{"Zzz": 1, "Aaa": [], "Version": "x"}`, "{\n  \"Version\": \"x\",\n  \"Zzz\": 1,\n  \"Aaa\": []\n}\n"},
		"an empty document":          {` { } `, "{}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := format.Policy([]byte(row.text))
			require.NoError(t, err)
			assert.Equal(t, row.want, string(got))
			again, err := format.Policy(got)
			require.NoError(t, err)
			assert.Equal(t, string(got), string(again), "laid out twice is laid out once")
		})
	}
}

func TestWhatIsNotLaidOut(t *testing.T) {
	for name, text := range map[string]string{"no JSON": `{"a": `, "a name twice": `{"a": 1, "a": 2}`, "a list": `[]`} {
		_, err := format.Policy([]byte(text))
		var faults policy.Errors
		assert.ErrorAs(t, err, &faults, name)
	}
}

func TestMeaningIsKept(t *testing.T) {
	prints, err := guide.Prints()
	require.NoError(t, err)
	for _, p := range prints {
		kind, text, err := guide.Read(p.File)
		require.NoError(t, err)
		got, err := format.Policy(text)
		require.NoError(t, err)
		same, known := format.Same(kind, text, got)
		assert.True(t, same && known, p.File)
	}
	same, known := format.Same(policy.Key, []byte(`{`), []byte(`{`))
	assert.False(t, same || known)
}

func FuzzPolicy(f *testing.F) {
	f.Add(`{"Statement":[{"Condition":{"StringEquals":{"b":["x"],"A":1}},"Principal":{"Service":"s","AWS":"*"}}],"Version":"2012-10-17"}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := format.Policy([]byte(text))
		if err != nil {
			return
		}
		again, err := format.Policy(got)
		require.NoError(t, err)
		assert.Equal(t, string(got), string(again))
		squeeze := func(s string) int { return len(strings.Join(strings.Fields(s), "")) }
		assert.Equal(t, squeeze(text), squeeze(string(got)), "nothing is lost")
		if same, known := format.Same(policy.Key, []byte(text), got); known {
			assert.True(t, same)
		}
	})
}
