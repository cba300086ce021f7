package extract_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/extract"
)

func TestMergeKeysOfYAMLAreMerged(t *testing.T) {
	found := extract.Text("t.yaml", []byte(`Resources:
  Base:
    Type: AWS::KMS::Key
    Properties: &p
      KeyPolicy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: "*", Action: "kms:*", Resource: "*"}]}
      KeySpec: RSA_2048
  Same:
    Type: AWS::KMS::Key
    Properties:
      <<: *p
      KeySpec: SYMMETRIC_DEFAULT
  First:
    Type: AWS::KMS::Key
    Properties:
      <<: [{KeySpec: ECC_NIST_P256}, *p]
`), extract.Options{})
	require.Empty(t, found.Errors)
	specs := map[string]string{}
	for _, p := range found.Policies {
		assert.Contains(t, string(p.Text), `"kms:*"`, p.Name)
		specs[p.Name] = p.Key.Spec
	}
	assert.Equal(t, map[string]string{"Resources.Base.Properties.KeyPolicy": "RSA_2048", "Resources.Same.Properties.KeyPolicy": "SYMMETRIC_DEFAULT",
		"Resources.First.Properties.KeyPolicy": "ECC_NIST_P256"}, specs)
}

func TestNamesThatStandTwiceAreAnError(t *testing.T) {
	const policy = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}]}`
	for name, text := range map[string]string{
		"t.json": `{"Resources": {"K": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": ` + policy + `, "KeyPolicy": {"Statement": []}}}}}`,
		"t.yaml": "Resources:\n  K:\n    Type: AWS::KMS::Key\n    Properties:\n      KeyPolicy: " + policy + "\n      KeyPolicy: {Statement: []}\n",
		"o.json": `{"KeyId": "x", "Policy": ` + policy + `, "Policy": {"Statement": []}}`,
		"p.yaml": "Statement: []\nStatement: []\n",
	} {
		found := extract.Text(name, []byte(text), extract.Options{})
		assert.Empty(t, found.Policies, name)
		require.Len(t, found.Errors, 1, name)
		assert.Contains(t, found.Errors[0].Message, "stands twice", name)
		assert.NotZero(t, found.Errors[0].Line, name)
	}
	found := extract.Text("p.json", []byte(`{"Statement": [], "Statement": [{"Effect": "Allow", "Action": "kms:*"}]}`), extract.Options{})
	assert.Len(t, found.Policies, 1, "the linter tells of it")
}
