package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
	"github.com/keyreeve/keyreeve/engine/throttle"
)

const throttled = "ThrottlingException: You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls." // THR-01

func quotas(t *testing.T, text string) throttle.Table {
	t.Helper()
	table, err := throttle.Read(strings.NewReader(text))
	require.NoError(t, err)
	return table
}

// TestCallsBeyondTheQuotaAreThrottled: RPS-01 to RPS-04, RPS-09, THR-01, THR-02, CT-002.
func TestCallsBeyondTheQuotaAreThrottled(t *testing.T) {
	t.Parallel()
	b := start(t, enginetest.Config{World: worldText, RequestQuotas: quotas(t, "crypto-symmetric 3 1 *\ncrypto-ecc-sm2 1 1 *\nListKeys 1 1 *")})
	key := b.newKey(open)
	out, err := b.as(alice).CreateKey(b.ctx, &kms.CreateKeyInput{KeySpec: types.KeySpecEccNistP256, KeyUsage: types.KeyUsageTypeSignVerify})
	require.NoError(t, err)
	list := func() error { return second(b.as(alice).ListKeys(b.ctx, &kms.ListKeysInput{})) }
	sign := func() error {
		return second(b.as(alice).Sign(b.ctx, &kms.SignInput{KeyId: out.KeyMetadata.KeyId, Message: []byte("m"), SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256}))
	}
	answers(t, []ask{
		{"a call", b.encrypts(alice, key, nil), "ok"},
		{"a dry run counts (RPS-09)", func() error {
			return second(b.as(alice).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("p"), DryRun: aws.Bool(true)}))
		}, "DryRunOperationException: The request would have succeeded, but the DryRun option is set."},
		{"another principal of the account", func() error {
			return second(b.as(bob).GenerateRandom(b.ctx, &kms.GenerateRandomInput{NumberOfBytes: aws.Int32(1)}))
		},
			"AccessDeniedException: User: " + bobARN + " is not authorized to perform: kms:GenerateRandom because no identity-based policy allows the kms:GenerateRandom action"},
		{"one too many", b.encrypts(alice, key, nil), throttled},
		{"of who is refused anyway", func() error {
			return second(b.as(bob).GenerateRandom(b.ctx, &kms.GenerateRandomInput{NumberOfBytes: aws.Int32(1)}))
		}, throttled},
		{"another account's call on the same key (RPS-02)", b.encrypts(carol, key, nil), "ok"},
		{"another Region", func() error {
			return second(b.in(europe).GenerateRandom(b.ctx, &kms.GenerateRandomInput{NumberOfBytes: aws.Int32(1)}))
		}, "ok"},
		{"a key of another kind (RPS-04)", sign, "ok"},
		{"that too often", sign, throttled},
		{"management (RPS-03)", list, "ok"},
		{"too often", list, throttled},
		{"an alias that there is not (RPS-1)", b.encrypts(alice, "alias/absent", nil), throttled},
		{"a token that is none", func() error {
			return second(b.as(alice).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("p"), GrantTokens: []string{"none"}}))
		}, throttled},
		{"without a quota", func() error { return second(b.as(alice).ListAliases(b.ctx, &kms.ListAliasesInput{})) }, "ok"},
	})
	records := b.records("ListKeys")
	assert.Equal(t, "ThrottlingException", records[len(records)-1].ErrorCode, "CT-002")
	b.Clock.Advance(time.Second)
	answers(t, []ask{{"the next second", b.encrypts(alice, key, nil), "ok"}, {"of all", list, "ok"}})
}

// TestCallsOnTwoRegionsCountInBoth: RPS-08.
func TestCallsOnTwoRegionsCountInBoth(t *testing.T) {
	t.Parallel()
	b := start(t, enginetest.Config{World: worldText, RequestQuotas: quotas(t, "CreateKey 2 1 eu-west-1\nUpdatePrimaryRegion 1 1 *")})
	key := b.newMultiRegion()
	b.replicate(key, europe)
	create := func() error { return second(b.in(europe).CreateKey(b.ctx, &kms.CreateKeyInput{})) }
	assert.Equal(t, throttled, said(create()), "a replica takes two")
	b.Clock.Advance(time.Second)
	require.NoError(t, b.movePrimary(key, europe))
	assert.Equal(t, throttled, said(b.movePrimary(elsewhere(key, europe), region)), "one is taken in each")
	require.NoError(t, create())
	other := b.newMultiRegion()
	assert.Equal(t, throttled, said(second(b.as(alice).ReplicateKey(b.ctx, &kms.ReplicateKeyInput{KeyId: &other, ReplicaRegion: aws.String(europe)}))))
}

func TestDataKeyPairsCountByTheirSpec(t *testing.T) {
	t.Parallel()
	b := start(t, enginetest.Config{World: worldText, RequestQuotas: throttle.AWS()})
	key := b.newKey("")
	pair := func(s types.DataKeyPairSpec) func() error {
		return func() error {
			return second(b.as(alice).GenerateDataKeyPairWithoutPlaintext(b.ctx, &kms.GenerateDataKeyPairWithoutPlaintextInput{KeyId: &key, KeyPairSpec: s}))
		}
	}
	answers(t, []ask{
		{"RSA", pair(types.DataKeyPairSpecRsa2048), "ok"},
		{"RSA again", pair(types.DataKeyPairSpecRsa2048), throttled},
		{"a curve", pair(types.DataKeyPairSpecEccNistP256), "ok"},
	})
}
