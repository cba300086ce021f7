package engine_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/testtool"
	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// The policies of the samples, by the languages that have them: one statement
// for a role; two with one Sid, the first for an IAM user who is called root;
// two, the first for the account.
const (
	policyOfJava = `{"Version": "2012-10-17", "Statement": [{"Sid": "Allow access for ExampleRole", "Effect": "Allow",
		"Principal": {"AWS": "` + samplesUser + `"},
		"Action": ["kms:Encrypt", "kms:GenerateDataKey*", "kms:Decrypt", "kms:DescribeKey", "kms:ReEncrypt*"], "Resource": "*"}]}`
	usersOfSamples = `{"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": "` + samplesUser + `"},
		"Action": ["kms:Encrypt*", "kms:GenerateDataKey*", "kms:Decrypt*", "kms:DescribeKey*", "kms:ReEncrypt*"], "Resource": "*"}]}`
	policyOfPHP = "\n   " + `{"Version": "2012-10-17", "Id": "custom-policy-2016-12-07", "Statement": [
		{"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/root"}, "Action": ["kms:*"], "Resource": "*"},
		` + usersOfSamples + "\n  "
	policyOfNode = `{"Version": "2012-10-17", "Id": "custom-policy-2016-12-07", "Statement": [
		{"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"},
		` + usersOfSamples
)

// put puts a policy as somebody; bypass skips the lockout check.
func put(who enginetest.Keys, policy string, bypass bool) func(context.Context, *testing.T, *sampled) error {
	return func(ctx context.Context, t *testing.T, s *sampled) error {
		key, err := s.CreateKey(ctx, &kms.CreateKeyInput{})
		require.NoError(t, err)
		err = second(s.KMS(who, samplesRegion).PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{
			KeyId: key.KeyMetadata.Arn, PolicyName: aws.String("default"), Policy: &policy, BypassPolicyLockoutSafetyCheck: bypass,
		}))
		return err
	}
}

var samplesOfPolicies = []sample{
	{"PG-16", "a key has one policy", func(ctx context.Context, t *testing.T, s *sampled) error {
		out, err := s.ListKeyPolicies(ctx, &kms.ListKeyPoliciesInput{KeyId: &s.key})
		require.NoError(t, err)
		assert.Equal(t, []string{"default"}, out.PolicyNames)
		return nil
	}, "ok"},
	{"PG-17", "which is read", func(ctx context.Context, t *testing.T, s *sampled) error {
		out, err := s.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: &s.key, PolicyName: aws.String("default")})
		require.NoError(t, err)
		assert.Contains(t, *out.Policy, "arn:aws:iam::111122223333:root")
		return nil
	}, "ok"},
	{"PG-17", "by that name only", func(ctx context.Context, _ *testing.T, s *sampled) error {
		return second(s.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: &s.key, PolicyName: aws.String("mine")}))
	}, "NotFoundException"},
	{"PG-18", "the policy of Node.js and PowerShell, which leaves the account in", put(alice, policyOfNode, false), "ok"},
	{"PG-30", "the policy of Java, C#, Python and Ruby, which locks its author out", put(alice, policyOfJava, false), "MalformedPolicyDocumentException"},
	{"PG-30", "the same for who says that this is meant", put(alice, policyOfJava, true), "ok"},
	{"PG-30", "the policy of PHP, which leaves in a user whose name is root, put by another", put(alice, policyOfPHP, false), "MalformedPolicyDocumentException"},
	{"PG-30", "the same, put by that user", put(userRoot, policyOfPHP, false), "ok"},
	{"PG-31", "wildcards, one Sid twice, an Id and blanks around the text are read, and come back as they were", func(ctx context.Context, t *testing.T, s *sampled) error {
		key, err := s.CreateKey(ctx, &kms.CreateKeyInput{Policy: aws.String(policyOfPHP), BypassPolicyLockoutSafetyCheck: true})
		require.NoError(t, err)
		out, err := s.KMS(userRoot, samplesRegion).GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: key.KeyMetadata.Arn})
		require.NoError(t, err)
		assert.Equal(t, policyOfPHP, *out.Policy)
		return nil
	}, "ok"},
}

// granted makes a grant to the role of the samples.
func (s *sampled) granted(ctx context.Context, o types.GrantOperation, dry *bool) (*kms.CreateGrantOutput, error) {
	return s.CreateGrant(ctx, &kms.CreateGrantInput{
		KeyId: &s.key, GranteePrincipal: aws.String(samplesUser), Operations: []types.GrantOperation{o}, DryRun: dry,
	})
}

// grants are the ids of the grants of the key; empty grantee: of all.
func (s *sampled) grants(ctx context.Context, t *testing.T, in kms.ListGrantsInput) (ids []string) {
	t.Helper()
	in.KeyId, in.Limit = &s.key, aws.Int32(10)
	out, err := s.ListGrants(ctx, &in)
	require.NoError(t, err)
	for _, g := range out.Grants {
		ids = append(ids, *g.GrantId)
	}
	return ids
}

var samplesOfGrants = []sample{
	{"PG-19", "a grant is made, which answers with its id and token", func(ctx context.Context, t *testing.T, s *sampled) (err error) {
		s.grant, err = s.granted(ctx, types.GrantOperationGenerateDataKey, nil)
		require.NoError(t, err)
		assert.NotEmpty(t, *s.grant.GrantId)
		assert.NotEmpty(t, *s.grant.GrantToken)
		return nil
	}, "ok"},
	{"PG-20", "the grants of a key", func(ctx context.Context, t *testing.T, s *sampled) error {
		assert.Equal(t, []string{*s.grant.GrantId}, s.grants(ctx, t, kms.ListGrantsInput{}))
		return nil
	}, "ok"},
	{"PG-21", "those for somebody, and one by its id", func(ctx context.Context, t *testing.T, s *sampled) error {
		assert.Equal(t, []string{*s.grant.GrantId}, s.grants(ctx, t, kms.ListGrantsInput{GranteePrincipal: aws.String(samplesUser)}))
		assert.Empty(t, s.grants(ctx, t, kms.ListGrantsInput{GranteePrincipal: aws.String(aliceARN)}))
		assert.Equal(t, []string{*s.grant.GrantId}, s.grants(ctx, t, kms.ListGrantsInput{GrantId: s.grant.GrantId}))
		return nil
	}, "ok"},
	{"PG-21", "the sample of Node.js misspells the member that filters, which the service passes over", func(_ context.Context, t *testing.T, s *sampled) error {
		answer := s.Send(alice, samplesRegion, "ListGrants", `{"KeyId":"`+s.key+`","Grantee":"`+aliceARN+`"}`)
		assert.Contains(t, string(answer), *s.grant.GrantId)
		return nil
	}, "ok"},
	{"PG-36", "the grant counts at once for who brings its token", func(ctx context.Context, _ *testing.T, s *sampled) error {
		role := s.KMS(s.assumeIn(ctx), samplesRegion)
		return second(role.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
			KeyId: &s.key, KeySpec: types.DataKeySpecAes256, GrantTokens: []string{*s.grant.GrantToken},
		}))
	}, "ok"},
	{"PG-35", "a grant with a name, asked for again, is the same grant", func(ctx context.Context, t *testing.T, s *sampled) error {
		var ids []string
		for range 2 {
			out, err := s.CreateGrant(ctx, &kms.CreateGrantInput{
				KeyId: &s.other, GranteePrincipal: aws.String(samplesUser), Operations: operations("Decrypt"), Name: aws.String("once"),
			})
			require.NoError(t, err)
			ids = append(ids, *out.GrantId)
		}
		assert.Equal(t, ids[0], ids[1])
		return nil
	}, "ok"},
	{"PG-35", "what was just made is there: parameters for the import into a new key", func(ctx context.Context, t *testing.T, s *sampled) error {
		key, err := s.CreateKey(ctx, &kms.CreateKeyInput{Origin: types.OriginTypeExternal})
		require.NoError(t, err)
		return second(s.GetParametersForImport(ctx, &kms.GetParametersForImportInput{
			KeyId: key.KeyMetadata.KeyId, WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256, WrappingKeySpec: types.WrappingKeySpecRsa2048,
		}))
	}, "ok"},
	{"PG-22", "a grant is retired by its token", func(ctx context.Context, t *testing.T, s *sampled) error {
		require.NoError(t, second(s.RetireGrant(ctx, &kms.RetireGrantInput{GrantToken: s.grant.GrantToken})))
		assert.Empty(t, s.grants(ctx, t, kms.ListGrantsInput{}))
		return nil
	}, "ok"},
	{"PG-22", "another by its id and its key's ARN", func(ctx context.Context, t *testing.T, s *sampled) error {
		other, err := s.granted(ctx, types.GrantOperationDecrypt, nil)
		require.NoError(t, err)
		return second(s.RetireGrant(ctx, &kms.RetireGrantInput{GrantId: other.GrantId, KeyId: &s.key}))
	}, "ok"},
	{"PG-22", "another by its id and its key's id alone, which the guide does not promise", func(ctx context.Context, t *testing.T, s *sampled) error {
		other, err := s.granted(ctx, types.GrantOperationDecrypt, nil)
		require.NoError(t, err)
		return second(s.RetireGrant(ctx, &kms.RetireGrantInput{GrantId: other.GrantId, KeyId: aws.String(id(s.key))}))
	}, "ok"},
	{"PG-23", "the grant of the sample is not there", func(ctx context.Context, _ *testing.T, s *sampled) error {
		return second(s.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &s.key, GrantId: aws.String("grant1")}))
	}, "NotFoundException"},
	{"PG-23", "one that is there is revoked", func(ctx context.Context, t *testing.T, s *sampled) error {
		there, err := s.granted(ctx, types.GrantOperationDecrypt, nil)
		require.NoError(t, err)
		return second(s.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &s.key, GrantId: there.GrantId}))
	}, "ok"},
	{"PG-24", "a dry run fails if all is well, and changes nothing (PG-32 to PG-34 stand in complete_test.go and throttle_test.go)", func(ctx context.Context, t *testing.T, s *sampled) error {
		err := second(s.granted(ctx, types.GrantOperationDecrypt, aws.Bool(true)))
		assert.Empty(t, s.grants(ctx, t, kms.ListGrantsInput{}))
		return err
	}, "DryRunOperationException"},
	{"PG-33", "a dry run of who may not", func(ctx context.Context, t *testing.T, s *sampled) error {
		return second(s.KMS(s.assumeIn(ctx), samplesRegion).CreateGrant(ctx, &kms.CreateGrantInput{
			KeyId: &s.key, GranteePrincipal: aws.String(samplesUser), Operations: operations("Decrypt"), DryRun: aws.Bool(true),
		}))
	}, "AccessDeniedException"},
	{"PG-33", "a dry run of what is not well-formed", func(ctx context.Context, t *testing.T, s *sampled) error {
		return second(s.granted(ctx, "Burn", aws.Bool(true)))
	}, "ValidationException"},
}

// assumeIn takes on the role of the samples.
func (s *sampled) assumeIn(_ context.Context) enginetest.Keys {
	return s.assume(alice, samplesUser, "sample")
}

// TestSamplesInOtherLanguages runs testdata/conformance.py with boto3 and
// testdata/conformance.sh with the AWS CLI, where these are installed: what
// those clients do in their own way.
func TestSamplesInOtherLanguages(t *testing.T) {
	if testing.Short() {
		t.Skip("starts other programs")
	}
	s := newSampled(t)
	config := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(config, []byte("[default]\nregion = "+samplesRegion+"\noutput = json\n"), 0o600))
	env := []string{
		"AWS_ENDPOINT_URL=" + s.URL, "AWS_REGION=" + samplesRegion, "AWS_DEFAULT_REGION=" + samplesRegion, "AWS_CONFIG_FILE=" + config,
		"AWS_SHARED_CREDENTIALS_FILE=" + config, "AWS_ACCESS_KEY_ID=" + alice.ID, "AWS_SECRET_ACCESS_KEY=" + alice.Secret,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=",
	}
	for _, c := range []struct{ installed, run []string }{
		{[]string{"python3", "-c", "import boto3"}, []string{"python3", "testdata/conformance.py"}},
		{[]string{"aws", "--version"}, []string{"bash", "testdata/conformance.sh"}},
	} {
		t.Run(strings.Join(c.run, " "), func(t *testing.T) {
			testtool.Client(t, c.installed...)
			command := exec.CommandContext(t.Context(), c.run[0], c.run[1:]...)
			command.Env = append(os.Environ(), env...)
			out, err := command.CombinedOutput()
			require.NoError(t, err, "%s", out)
		})
	}
}
