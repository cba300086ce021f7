package dump_test

import (
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
	"github.com/keyreeve/keyreeve/policytests/dump"
)

const served = `-- world.yaml --
accounts:
  "111122223333":
    users:
      ann: {managed: ["arn:aws:iam::aws:policy/AdministratorAccess"], access-keys: {AKIAANN: ann-secret}}
      bob: {policies: {list: list.json}, access-keys: {AKIABOB: bob-secret}}
    roles:
      nightly: {trust: trust.json}
-- list.json --
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["kms:ListKeys", "kms:DescribeKey"], "Resource": "*"}]}
-- trust.json --
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}]}
`

// serve starts a service with a key, and has the environment lead to it.
func serve(t *testing.T) *enginetest.Keyreeve {
	t.Helper()
	k := enginetest.New(t, enginetest.Config{World: served})
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_PROFILE", "")
	client := k.KMS(enginetest.Keys{ID: "AKIAANN", Secret: "ann-secret"}, "us-east-1")
	made, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{
		Description: aws.String("Salaries"), Tags: []types.Tag{{TagKey: aws.String("data"), TagValue: aws.String("salaries")}},
	})
	require.NoError(t, err)
	id := made.KeyMetadata.KeyId
	_, err = client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/payroll"), TargetKeyId: id})
	require.NoError(t, err)
	_, err = client.CreateGrant(t.Context(), &kms.CreateGrantInput{
		KeyId: id, GranteePrincipal: aws.String("arn:aws:iam::111122223333:role/nightly"), Name: aws.String("night"),
		Operations:  []types.GrantOperation{types.GrantOperationDecrypt},
		Constraints: &types.GrantConstraints{EncryptionContextSubset: map[string]string{"dept": "it"}},
	})
	require.NoError(t, err)
	return k
}

func as(t *testing.T, id, secret string) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", id)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	t.Setenv("AWS_SESSION_TOKEN", "")
}

func TestRunningServiceTellsOfItsKeys(t *testing.T) {
	k := serve(t)
	as(t, "AKIAANN", "ann-secret")
	c, err := dump.FromServer(t.Context(), k.URL)
	require.NoError(t, err)
	w := load(t, c)
	require.Len(t, w.Keys(), 1)
	key := w.Keys()[0]
	assert.Equal(t, "payroll", key.Name)
	assert.Equal(t, []string{"alias/payroll"}, key.Aliases)
	assert.Equal(t, map[string]string{"data": "salaries"}, key.Tags)
	assert.Equal(t, "Salaries", key.Description)
	assert.Contains(t, key.Policy.Document.Text, "Enable IAM User Permissions")
	require.Len(t, key.Grants, 1)
	assert.Equal(t, "night", key.Grants[0].Name)
	assert.Equal(t, map[string]string{"dept": "it"}, key.Grants[0].Subset)
	assert.Equal(t, []string{"arn:aws:iam::111122223333:role/nightly is named, and nothing is known of it: it is there without policies"}, c.Notes)
}

func TestWhatTheCallerMayNotReadIsTold(t *testing.T) {
	k := serve(t)
	as(t, "AKIABOB", "bob-secret")
	c, err := dump.FromServer(t.Context(), k.URL)
	require.NoError(t, err)
	w := load(t, c)
	assert.Empty(t, w.Keys(), "a key without its policy would answer wrongly")
	require.Len(t, c.Notes, 5)
	assert.Contains(t, c.Notes[0], "the policy of key arn:")
	assert.Contains(t, c.Notes[4], "left out: key arn:")
}

func TestServiceThatCannotBeAskedIsAnError(t *testing.T) {
	k := serve(t)
	as(t, "AKIAANN", "another-secret")
	_, err := dump.FromServer(t.Context(), k.URL)
	require.ErrorContains(t, err, "asking "+k.URL)
	as(t, "", "")
	_, err = dump.FromServer(t.Context(), k.URL)
	require.ErrorContains(t, err, "there are no credentials: set AWS_PROFILE")
	t.Setenv("AWS_REGION", "")
	_, err = dump.FromServer(t.Context(), k.URL)
	require.ErrorContains(t, err, "set AWS_REGION")
}
