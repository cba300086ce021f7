package engine_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine"
	"github.com/keyreeve/keyreeve/engine/enginetest"
)

const (
	storageKey = "alias/aws/s3"
	volumeKey  = "alias/aws/ebs"
)

// dataKey asks for a data key.
func (b bench) dataKey(c *kms.Client, key string) (*kms.GenerateDataKeyOutput, error) {
	return c.GenerateDataKey(b.ctx, &kms.GenerateDataKeyInput{KeyId: &key, KeySpec: types.DataKeySpecAes256})
}

// namedKeys are acme's by name, with their targets.
func (b bench) namedKeys(limit int32) map[string]string {
	b.t.Helper()
	found := map[string]string{}
	var marker *string
	for {
		out, err := b.as(alice).ListAliases(b.ctx, &kms.ListAliasesInput{Limit: &limit, Marker: marker})
		require.NoError(b.t, err)
		require.LessOrEqual(b.t, len(out.Aliases), int(limit))
		for _, a := range out.Aliases {
			require.NotContains(b.t, found, *a.AliasName)
			require.Equal(b.t, a.TargetKeyId == nil, a.CreationDate == nil && a.LastUpdatedDate == nil, "without a target no dates")
			found[*a.AliasName] = aws.ToString(a.TargetKeyId)
		}
		if marker = out.NextMarker; marker == nil {
			return found
		}
	}
}

func TestAWSManagedKeyComesIntoBeingWithItsFirstUse(t *testing.T) {
	b := newServices(t)
	predefined := map[string]string{storageKey: "", volumeKey: "", "alias/aws/dynamodb": "", "alias/aws/logs": ""}
	assert.Equal(t, predefined, b.namedKeys(100))
	notFound := "NotFoundException: Alias arn:aws:kms:us-east-1:111122223333:" + storageKey + " is not found."
	forAlice := b.via(storage, b.token(alice, "s3.amazonaws.com"))
	answers(t, []ask{
		{"a principal directly", func() error { return second(b.dataKey(b.as(alice), storageKey)) }, notFound},
		{"another service", func() error {
			return second(b.dataKey(b.via(machines, b.token(alice, "ec2.amazonaws.com")), storageKey))
		}, notFound},
		{"a dry run", func() error {
			return second(forAlice.GenerateDataKey(b.ctx, &kms.GenerateDataKeyInput{KeyId: aws.String(storageKey), KeySpec: types.DataKeySpecAes256, DryRun: aws.Bool(true)}))
		}, "DryRunOperationException: The request would have succeeded, but the DryRun option is set."},
		{"a call that is wrong", func() error {
			return second(forAlice.GenerateDataKey(b.ctx, &kms.GenerateDataKeyInput{KeyId: aws.String(storageKey)}))
		}, "ValidationException: Please specify either number of bytes or key spec."},
	})
	assert.Equal(t, predefined, b.namedKeys(100), "a call that fails makes no key")

	var made *kms.GenerateDataKeyOutput
	events, err := b.recorded(func() (err error) { made, err = b.dataKey(forAlice, storageKey); return err })
	require.NoError(t, err)
	require.Len(t, events, 2)
	assert.Equal(t, []string{"CreateKey", "GenerateDataKey"}, []string{events[0].EventName, events[1].EventName})
	assert.JSONEq(t, `{"accountId":"111122223333","invokedBy":"AWS Internal"}`, string(events[0].UserIdentity))
	assert.Equal(t, *made.KeyId, events[1].Resources[0].ARN)

	predefined[storageKey] = id(*made.KeyId)
	for limit := int32(1); limit < 6; limit++ {
		assert.Equal(t, predefined, b.namedKeys(limit), "pages of %d", limit)
	}
	assert.Equal(t, []string{*made.KeyId}, b.listedKeys(), "LST-01")
	again, err := b.dataKey(b.via(storage, b.token(nobody, "s3.amazonaws.com")), storageKey)
	require.NoError(t, err, "all principals of the account, through the service")
	assert.Equal(t, *made.KeyId, *again.KeyId)
	opened, err := forAlice.Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: made.CiphertextBlob})
	require.NoError(t, err)
	assert.Equal(t, made.Plaintext, opened.Plaintext)
}

// TestAWSManagedKeyIsForItsServiceAlone holds SV-007.
func TestAWSManagedKeyIsForItsServiceAlone(t *testing.T) {
	b := newServices(t)
	made, err := b.dataKey(b.via(machines, b.token(alice, "ec2.amazonaws.com")), volumeKey)
	require.NoError(t, err)
	key := *made.KeyId
	refused := func(who, action, why string) string {
		return deniedTo(who, action) + " on resource: " + key + " because no " + why + " policy allows the " + action + " action"
	}
	answers(t, []ask{
		{"an administrator directly", func() error { return second(b.dataKey(b.as(alice), volumeKey)) }, refused(aliceARN, "kms:GenerateDataKey", "resource-based")},
		{"the root user", func() error { return second(b.dataKey(b.as(root), key)) },
			refused("arn:aws:iam::111122223333:root", "kms:GenerateDataKey", "resource-based")},
		{"the service as itself", func() error { return second(b.dataKey(b.from(machines, "", acme), key)) },
			deniedTo("ec2.amazonaws.com", "kms:GenerateDataKey") + " on resource: " + key +
				" because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"},
		{"another service", func() error { return second(b.dataKey(b.via(storage, b.token(alice, "s3.amazonaws.com")), key)) }, refused(aliceARN, "kms:GenerateDataKey", "resource-based")},
		{"its metadata, by IAM policies", func() error { return describe(b, b.as(alice), key) }, "ok"},
		{"without", func() error { return describe(b, b.as(nobody), key) }, refused(nobodyARN, "kms:DescribeKey", "identity-based")},
	})
	out, err := b.as(alice).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: aws.String(volumeKey)})
	require.NoError(t, err)
	assert.Equal(t, types.KeyManagerTypeAws, out.KeyMetadata.KeyManager)
	assert.Equal(t, types.OriginTypeAwsKms, out.KeyMetadata.Origin)
	policy, err := b.as(alice).GetKeyPolicy(b.ctx, &kms.GetKeyPolicyInput{KeyId: &key})
	require.NoError(t, err)
	assert.Contains(t, *policy.Policy, `"kms:ViaService" : "ec2.us-east-1.amazonaws.com"`)
	assert.Contains(t, *policy.Policy, `"kms:CallerAccount" : "111122223333"`)
}

// TestNobodyChangesAnAWSManagedKey holds KCL-02, also where the key's policy
// would allow it.
func TestNobodyChangesAnAWSManagedKey(t *testing.T) {
	const listed = "-- managed.yaml --\naccounts:\n  \"111122223333\":\n    keys:\n" +
		"      volumes: {aws-managed: true, aliases: [alias/aws/ebs], description: of the world}\n" +
		"      open: {aws-managed: true, aliases: [alias/aws/rds], policy: policies/open.key.json}\n" +
		"-- policies/open.key.json --\n" + delegating + "\n"
	b := start(t, enginetest.Config{World: worldText + servicesText + listed})
	aliases, tried := b.namedKeys(100), 0
	for alias, want := range map[string]string{
		volumeKey:       "AccessDeniedException: User: ",
		"alias/aws/rds": "AccessDeniedException: arn:aws:kms:us-east-1:111122223333:key/" + aliases["alias/aws/rds"] + " is an AWS managed key, which nobody can change.",
	} {
		key := aliases[alias]
		require.NotEmpty(t, key, alias)
		f := b.newFixture("")
		f.key, f.policy = "arn:aws:kms:us-east-1:111122223333:key/"+key, delegating
		for _, operation := range sortedKeys(calls) {
			changes := slices.Contains([]string{
				"CancelKeyDeletion", "DisableKey", "EnableKey", "PutKeyPolicy", "ScheduleKeyDeletion", "TagResource", "UntagResource",
				"UpdateKeyDescription", "EnableKeyRotation", "DisableKeyRotation", "UpdateAlias", "CreateAlias", "RotateKeyOnDemand",
			}, operation)
			if !changes {
				continue
			}
			tried++
			for _, who := range []enginetest.Keys{alice, root} {
				got := said(calls[operation](b.ctx, b.as(who), f))
				assert.True(t, strings.HasPrefix(got, want), "%s on %s: %s", operation, alias, got)
			}
		}
	}
	assert.GreaterOrEqual(t, tried, 2*10)
	out, err := b.as(alice).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: aws.String(volumeKey)})
	require.NoError(t, err)
	assert.Equal(t, types.KeyManagerTypeAws, out.KeyMetadata.KeyManager)
	assert.Equal(t, "of the world", *out.KeyMetadata.Description)
	assert.True(t, out.KeyMetadata.Enabled)
	_, err = b.dataKey(b.via(machines, b.token(alice, "ec2.amazonaws.com")), volumeKey)
	assert.NoError(t, err, "through its service it is used")
}

func TestDescribeKeyMakesThePredefinedKey(t *testing.T) {
	b := newServices(t)
	_, err := b.as(nobody).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: aws.String(storageKey)})
	assert.Contains(t, said(err), "is not authorized to perform: kms:DescribeKey")
	assert.Empty(t, b.namedKeys(100)[storageKey], "a refusal makes no key")
	out, err := b.as(alice).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: aws.String(storageKey)})
	require.NoError(t, err)
	assert.Equal(t, types.KeyManagerTypeAws, out.KeyMetadata.KeyManager)
	assert.Equal(t, *out.KeyMetadata.KeyId, b.namedKeys(100)[storageKey])
	_, err = b.as(carol).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: aws.String("arn:aws:kms:us-east-1:111122223333:" + volumeKey)})
	assert.Contains(t, said(err), "is not authorized", "nobody makes keys of another account")
	assert.Empty(t, b.namedKeys(100)[volumeKey])
	_, err = b.as(alice).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/aws/unheard-of")})
	assert.Equal(t, "NotFoundException: Alias arn:aws:kms:us-east-1:111122223333:alias/aws/unheard-of is not found.", said(err))
}

// TestRCPsDoNotBindAWSManagedKeys holds A-11.
func TestRCPsDoNotBindAWSManagedKeys(t *testing.T) {
	b := start(t, enginetest.Config{World: worldText + servicesText + estateText})
	c := b.via(machines, b.token(alice, "ec2.amazonaws.com"))
	made, err := b.dataKey(c, volumeKey)
	require.NoError(t, err)
	_, err = c.Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: made.CiphertextBlob})
	require.NoError(t, err)
	_, err = b.as(alice).UntagResource(b.ctx, &kms.UntagResourceInput{KeyId: made.KeyId, TagKeys: []string{"team"}})
	_, message := failure(t, err)
	assert.Contains(t, message, "no resource-based policy allows", "not: an explicit deny in a resource control policy")
}

func TestFirstUsesAtTheSameTimeMakeOneKey(t *testing.T) {
	b := newServices(t)
	token := b.token(alice, "s3.amazonaws.com")
	results := make(chan string, 8)
	for range cap(results) {
		go func() {
			out, err := b.dataKey(b.via(storage, token), storageKey)
			if err != nil {
				results <- err.Error()
				return
			}
			results <- *out.KeyId
		}()
	}
	first := <-results
	for range cap(results) - 1 {
		assert.Equal(t, first, <-results, "uses at the same time make one key")
	}
	assert.Equal(t, []string{first}, b.listedKeys())
	var document map[string]any
	policy, err := b.as(alice).GetKeyPolicy(b.ctx, &kms.GetKeyPolicyInput{KeyId: &first})
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(*policy.Policy), &document))
	assert.Equal(t, "auto-s3-1", document["Id"])
}

// TestAWSManagedKeysDoNotCount holds KCL-07.
func TestAWSManagedKeysDoNotCount(t *testing.T) {
	b := start(t, enginetest.Config{World: worldText + servicesText, Quotas: engine.Quotas{Keys: 1}})
	_, err := b.dataKey(b.via(storage, b.token(alice, "s3.amazonaws.com")), storageKey)
	require.NoError(t, err)
	b.newKey("")
	_, err = b.as(alice).CreateKey(b.ctx, &kms.CreateKeyInput{})
	assert.Contains(t, said(err), "LimitExceededException")
	_, err = b.dataKey(b.via(machines, b.token(alice, "ec2.amazonaws.com")), volumeKey)
	assert.NoError(t, err)
}
