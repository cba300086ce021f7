package engine_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// samplesWorld has the principals that the samples of the guide name, so that
// their policies and grants name somebody who exists.
const samplesWorld = `
-- world.yaml --
version: 1
regions: [us-east-1, us-west-2]
accounts:
  "111122223333":
    users:
      alice:
        managed: ["arn:aws:iam::aws:policy/AdministratorAccess"]
        access-keys: {AKIAALICE: alice-secret}
      root:
        managed: ["arn:aws:iam::aws:policy/AdministratorAccess"]
        access-keys: {AKIAUSERROOT: user-root-secret}
    roles:
      ExampleKeyUserRole:
        trust: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "111122223333"}, Action: "sts:AssumeRole"}]}
`

const (
	samplesRegion = "us-west-2"
	samplesUser   = "arn:aws:iam::111122223333:role/ExampleKeyUserRole"
)

// userRoot is an IAM user whose name is root.
var userRoot = enginetest.Keys{ID: "AKIAUSERROOT", Secret: "user-root-secret"}

// A sampled is what the samples hand on to each other.
type sampled struct {
	bench
	*kms.Client
	key, other, alias string
	plaintext, blob   []byte
	dataKey           *kms.GenerateDataKeyOutput
	grant             *kms.CreateGrantOutput
}

func newSampled(t *testing.T) *sampled {
	t.Parallel()
	b := start(t, enginetest.Config{World: samplesWorld})
	return &sampled{bench: b, Client: b.KMS(alice, samplesRegion), alias: "alias/projectKey1", plaintext: []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 0}}
}

// A sample is one of the list: its id, what it shows, the call with what it
// says of the answer, and what must come of it: a code, or ok.
type sample struct {
	id, shows string
	run       func(context.Context, *testing.T, *sampled) error
	want      string
}

// coded is the code of what the service answered; texts have their own tests.
func coded(err error) string {
	code, _, _ := strings.Cut(said(err), ":")
	return code
}

// TestSamplesOfTheGuide runs the samples in their order, each on what those
// before it left (Guide, "Programming the AWS KMS API"; PG-01 to PG-24).
func TestSamplesOfTheGuide(t *testing.T) {
	s := newSampled(t)
	for _, list := range [][]sample{samplesOfKeys, samplesOfAliases, samplesOfCryptography, samplesOfPolicies, samplesOfGrants} {
		for _, row := range list {
			assert.Equal(t, row.want, coded(row.run(t.Context(), t, s)), "%s %s", row.id, row.shows)
		}
	}
}

var samplesOfKeys = []sample{
	{"PG-02", "a key is made, which is symmetric, enabled and without an alias", func(ctx context.Context, t *testing.T, s *sampled) error {
		for _, arn := range []*string{&s.key, &s.other} {
			out, err := s.CreateKey(ctx, &kms.CreateKeyInput{Description: aws.String("Key for protecting critical data")})
			require.NoError(t, err)
			assert.Equal(t, types.KeySpecSymmetricDefault, out.KeyMetadata.KeySpec)
			assert.Equal(t, types.KeyStateEnabled, out.KeyMetadata.KeyState)
			*arn = *out.KeyMetadata.Arn
		}
		out, err := s.ListAliases(ctx, &kms.ListAliasesInput{KeyId: &s.key})
		require.NoError(t, err)
		assert.Empty(t, out.Aliases)
		return nil
	}, "ok"},
	{"PG-03", "a data key, in plaintext and encrypted", func(ctx context.Context, t *testing.T, s *sampled) (err error) {
		s.dataKey, err = s.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &s.key, KeySpec: types.DataKeySpecAes256})
		require.NoError(t, err)
		assert.Len(t, s.dataKey.Plaintext, 32)
		assert.Equal(t, s.key, *s.dataKey.KeyId)
		return nil
	}, "ok"},
	{"PG-03", "a spec and a length together", func(ctx context.Context, _ *testing.T, s *sampled) error {
		return second(s.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &s.key, KeySpec: types.DataKeySpecAes256, NumberOfBytes: aws.Int32(32)}))
	}, "ValidationException"},
	{"PG-04", "what there is to know of a key", func(ctx context.Context, t *testing.T, s *sampled) error {
		out, err := s.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &s.key})
		require.NoError(t, err)
		assert.Equal(t, s.key, *out.KeyMetadata.Arn)
		assert.Equal(t, "Key for protecting critical data", *out.KeyMetadata.Description)
		return nil
	}, "ok"},
	{"PG-05", "the keys of the account and Region", func(ctx context.Context, t *testing.T, s *sampled) error {
		out, err := s.ListKeys(ctx, &kms.ListKeysInput{Limit: aws.Int32(10)})
		require.NoError(t, err)
		assert.Len(t, out.Keys, 2)
		assert.False(t, out.Truncated)
		assert.Nil(t, out.NextMarker)
		return nil
	}, "ok"},
	{"PG-07", "a key is disabled", func(ctx context.Context, _ *testing.T, s *sampled) error {
		return second(s.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &s.key}))
	}, "ok"},
	{"PG-07", "and cannot be used then", func(ctx context.Context, _ *testing.T, s *sampled) error {
		return second(s.Encrypt(ctx, &kms.EncryptInput{KeyId: &s.key, Plaintext: s.plaintext}))
	}, "DisabledException"},
	{"PG-06", "a key is enabled", func(ctx context.Context, _ *testing.T, s *sampled) error {
		return second(s.EnableKey(ctx, &kms.EnableKeyInput{KeyId: aws.String(id(s.key))}))
	}, "ok"},
	{"PG-06", "not by an alias", func(ctx context.Context, _ *testing.T, s *sampled) error {
		return second(s.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &s.alias}))
	}, "NotFoundException"},
}

// aliased makes an alias of the first key.
func aliased(alias string) func(context.Context, *testing.T, *sampled) error {
	return func(ctx context.Context, _ *testing.T, s *sampled) error {
		return second(s.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &alias, TargetKeyId: &s.key}))
	}
}

// aliasesOf are the names of the aliases of a key; nil: of all.
func (s *sampled) aliasesOf(ctx context.Context, t *testing.T, key *string) (names []string) {
	t.Helper()
	out, err := s.ListAliases(ctx, &kms.ListAliasesInput{KeyId: key})
	require.NoError(t, err)
	for _, a := range out.Aliases {
		names = append(names, *a.AliasName)
	}
	return names
}

var samplesOfAliases = []sample{
	{"PG-08", "an alias is made", aliased("alias/projectKey1"), "ok"},
	{"PG-08", "a second time", aliased("alias/projectKey1"), "AlreadyExistsException"},
	{"PG-08", "in other letters, which is another alias", aliased("alias/PROJECTKEY1"), "ok"},
	{"PG-08", "with the prefix of AWS managed keys", aliased("alias/aws/projectKey1"), "InvalidAliasNameException"},
	{"PG-09", "the aliases of the account (those of AWS managed keys, some without a target, stand in managed_test.go)", func(ctx context.Context, t *testing.T, s *sampled) error {
		assert.ElementsMatch(t, []string{"alias/projectKey1", "alias/PROJECTKEY1"}, s.aliasesOf(ctx, t, nil))
		return nil
	}, "ok"},
	{"PG-10", "the aliases of a key", func(ctx context.Context, t *testing.T, s *sampled) error {
		assert.ElementsMatch(t, []string{"alias/projectKey1", "alias/PROJECTKEY1"}, s.aliasesOf(ctx, t, &s.key))
		assert.Empty(t, s.aliasesOf(ctx, t, &s.other))
		return nil
	}, "ok"},
	{"PG-10", "not of a key that is named by an alias", func(ctx context.Context, _ *testing.T, s *sampled) error {
		return second(s.ListAliases(ctx, &kms.ListAliasesInput{KeyId: &s.alias}))
	}, "NotFoundException"},
	{"PG-11", "an alias is moved", func(ctx context.Context, t *testing.T, s *sampled) error {
		require.NoError(t, second(s.UpdateAlias(ctx, &kms.UpdateAliasInput{AliasName: &s.alias, TargetKeyId: &s.other})))
		out, err := s.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &s.alias})
		require.NoError(t, err)
		assert.Equal(t, s.other, *out.KeyMetadata.Arn)
		return nil
	}, "ok"},
	{"PG-12", "an alias is deleted, and its key is as before", func(ctx context.Context, t *testing.T, s *sampled) error {
		require.NoError(t, second(s.DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: &s.alias})))
		out, err := s.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &s.other})
		require.NoError(t, err)
		assert.Equal(t, types.KeyStateEnabled, out.KeyMetadata.KeyState)
		return nil
	}, "ok"},
	{"PG-12", "an alias that is not there", func(ctx context.Context, _ *testing.T, s *sampled) error {
		return second(s.DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: &s.alias}))
	}, "NotFoundException"},
}

// everyByte is one of each.
func everyByte() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return all
}

var samplesOfCryptography = []sample{
	{"PG-13", "ten bytes are encrypted", func(ctx context.Context, t *testing.T, s *sampled) error {
		out, err := s.Encrypt(ctx, &kms.EncryptInput{KeyId: &s.key, Plaintext: s.plaintext})
		require.NoError(t, err)
		s.blob = out.CiphertextBlob
		return nil
	}, "ok"},
	{"PG-13", "more than 4,096 bytes", func(ctx context.Context, _ *testing.T, s *sampled) error {
		return second(s.Encrypt(ctx, &kms.EncryptInput{KeyId: &s.key, Plaintext: make([]byte, 4097)}))
	}, "ValidationException"},
	{"PG-14", "what was encrypted opens, with and without the key's name", func(ctx context.Context, t *testing.T, s *sampled) error {
		for blob, want := range map[*[]byte][]byte{&s.blob: s.plaintext, &s.dataKey.CiphertextBlob: s.dataKey.Plaintext} {
			for _, key := range []*string{&s.key, nil} {
				out, err := s.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: *blob, KeyId: key})
				require.NoError(t, err)
				assert.Equal(t, want, out.Plaintext)
			}
		}
		return nil
	}, "ok"},
	{"PG-14", "the private key of a data key pair opens", func(ctx context.Context, t *testing.T, s *sampled) error {
		pair, err := s.GenerateDataKeyPair(ctx, &kms.GenerateDataKeyPairInput{KeyId: &s.key, KeyPairSpec: types.DataKeyPairSpecEccNistP256})
		require.NoError(t, err)
		out, err := s.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: pair.PrivateKeyCiphertextBlob})
		require.NoError(t, err)
		assert.Equal(t, pair.PrivateKeyPlaintext, out.Plaintext)
		return nil
	}, "ok"},
	{"PG-37", "another key is named than the one that encrypted", func(ctx context.Context, _ *testing.T, s *sampled) error {
		return second(s.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: s.blob, KeyId: &s.other}))
	}, "IncorrectKeyException"},
	{"PG-38", "each value of a byte comes back", func(ctx context.Context, t *testing.T, s *sampled) error {
		sealed, err := s.Encrypt(ctx, &kms.EncryptInput{KeyId: &s.key, Plaintext: everyByte()})
		require.NoError(t, err)
		out, err := s.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
		require.NoError(t, err)
		assert.Equal(t, everyByte(), out.Plaintext)
		return nil
	}, "ok"},
	{"PG-15", "a ciphertext moves to another key, and to the key that it has", func(ctx context.Context, t *testing.T, s *sampled) error {
		for _, source := range []*string{&s.key, nil} {
			for _, destination := range []string{s.other, s.key} {
				moved, err := s.ReEncrypt(ctx, &kms.ReEncryptInput{CiphertextBlob: s.blob, SourceKeyId: source, DestinationKeyId: &destination})
				require.NoError(t, err)
				out, err := s.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: moved.CiphertextBlob, KeyId: &destination})
				require.NoError(t, err)
				assert.Equal(t, s.plaintext, out.Plaintext)
			}
		}
		return nil
	}, "ok"},
	{"PG-39", "a data key makes codes, here", func(_ context.Context, t *testing.T, s *sampled) error {
		code := hmac.New(sha256.New, s.dataKey.Plaintext)
		assert.Len(t, code.Sum(nil), 32)
		return nil
	}, "ok"},
}
