package engine_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEncryptedIsDecrypted(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	material := *b.describe(key).CurrentKeyMaterialId
	for _, c := range []struct {
		name      string
		plaintext []byte
		pairs     map[string]string
	}{
		{"one byte", []byte{0}, nil},
		{"the longest plaintext (SYM-02)", bytes.Repeat([]byte("x"), 4096), map[string]string{"dept": "finance"}},
		{"a context of any characters (EC-06)", []byte("p"), map[string]string{"": "", "Straße ☃": "\u0000\n", "aws:ebs:id": "vol-1"}},
	} {
		sealed, err := b.as(alice).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: c.plaintext, EncryptionContext: c.pairs})
		require.NoError(t, err, c.name)
		assert.Less(t, len(sealed.CiphertextBlob)-len(c.plaintext), 2048, "SYM-03")
		assert.Equal(t, types.EncryptionAlgorithmSpecSymmetricDefault, sealed.EncryptionAlgorithm)
		again, err := b.as(alice).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: c.plaintext, EncryptionContext: c.pairs})
		require.NoError(t, err)
		assert.NotEqual(t, sealed.CiphertextBlob, again.CiphertextBlob, "SYM-10")
		for _, name := range []*string{nil, &key, aws.String(id(key))} {
			opened, err := b.as(alice).Decrypt(b.ctx, &kms.DecryptInput{KeyId: name, CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: c.pairs})
			require.NoError(t, err, c.name)
			assert.Equal(t, c.plaintext, opened.Plaintext)
			assert.Equal(t, key, *opened.KeyId)
			assert.Equal(t, material, *opened.KeyMaterialId, "NEW-08")
			assert.Equal(t, types.EncryptionAlgorithmSpecSymmetricDefault, opened.EncryptionAlgorithm)
		}
	}
}

func TestAbsentContextIsAnEmptyOne(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	sealed, err := b.as(alice).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("p"), EncryptionContext: map[string]string{}})
	require.NoError(t, err)
	assert.NoError(t, second(b.as(alice).Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})), "EC-13")
}

// TestCiphertextThatDoesNotOpen: SYM-06, SYM-09, EC-02, EC-03.
func TestCiphertextThatDoesNotOpen(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	f.pairs = map[string]string{"dept": "finance", "year": "2026"}
	sealed, err := b.as(alice).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &f.key, Plaintext: f.plaintext, EncryptionContext: f.pairs})
	require.NoError(t, err)
	blob := sealed.CiphertextBlob
	decrypt := func(key string, blob []byte, pairs map[string]string) func() error {
		return func() error {
			in := &kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: pairs}
			if key != "" {
				in.KeyId = &key
			}
			return second(b.as(alice).Decrypt(b.ctx, in))
		}
	}
	flipped := bytes.Clone(blob)
	flipped[len(flipped)-1] ^= 1
	const invalid = "InvalidCiphertextException"
	const wrong = "IncorrectKeyException: The key ID in the request does not identify a CMK that can perform this operation."
	answers(t, []ask{
		{"as it was", decrypt("", blob, f.pairs), "ok"},
		{"without its context", decrypt("", blob, nil), invalid},
		{"with a part of its context", decrypt("", blob, map[string]string{"dept": "finance"}), invalid},
		{"with more than its context", decrypt("", blob, map[string]string{"dept": "finance", "year": "2026", "x": "y"}), invalid},
		{"with a name in other case", decrypt("", blob, map[string]string{"Dept": "finance", "year": "2026"}), invalid},
		{"with a value in other case", decrypt("", blob, map[string]string{"dept": "Finance", "year": "2026"}), invalid},
		{"with a bit flipped", decrypt("", flipped, f.pairs), invalid},
		{"with a bit flipped, and the key named", decrypt(f.key, flipped, f.pairs), invalid},
		{"cut short", decrypt(f.key, blob[:len(blob)/2], f.pairs), invalid},
		{"of another format", decrypt("", []byte("AQICAHh not ours"), f.pairs), invalid},
		{"of another format, and a key named", decrypt(f.key, []byte("AQICAHh not ours"), f.pairs), invalid},
		{"with another key named (SYM-06, CT-091)", decrypt(f.other, blob, f.pairs), wrong},
		{"with an alias that moved meanwhile (SYM-14)", func() error {
			require.NoError(t, second(b.as(alice).UpdateAlias(b.ctx, &kms.UpdateAliasInput{AliasName: &f.alias, TargetKeyId: &f.other})))
			return decrypt(f.alias, blob, f.pairs)()
		}, wrong},
	})
}

func TestPlaintextHasItsLimits(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	encrypt := func(size int) func() error {
		return func() error {
			return second(b.as(alice).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: bytes.Repeat([]byte("s"), size)}))
		}
	}
	const at = "ValidationException: 1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length "
	answers(t, []ask{
		{"4,097 bytes", encrypt(4097), at + "less than or equal to 4096"},
		{"none", encrypt(0), at + "greater than or equal to 1"},
		{"an algorithm of other keys (SPEC-09)", func() error {
			return second(b.as(alice).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("p"), EncryptionAlgorithm: types.EncryptionAlgorithmSpecRsaesOaepSha256}))
		}, "InvalidKeyUsageException: Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT."},
	})
}

// TestReEncryptMovesACiphertext: SYM-13, across contexts and keys.
func TestReEncryptMovesACiphertext(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	audit := map[string]string{"dept": "audit"}
	for _, destination := range []string{f.other, id(f.other), f.key, f.alias} {
		out, err := b.as(alice).ReEncrypt(b.ctx, &kms.ReEncryptInput{
			CiphertextBlob: f.blob, SourceEncryptionContext: f.pairs, DestinationKeyId: &destination, DestinationEncryptionContext: audit,
		})
		require.NoError(t, err, destination)
		target := f.other
		if destination == f.key || destination == f.alias {
			target = f.key
		}
		assert.Equal(t, f.key+" "+target, *out.SourceKeyId+" "+*out.KeyId, "KID-16")
		assert.Equal(t, *b.describe(f.key).CurrentKeyMaterialId, *out.SourceKeyMaterialId)
		assert.Equal(t, *b.describe(target).CurrentKeyMaterialId, *out.DestinationKeyMaterialId)
		opened, err := b.as(alice).Decrypt(b.ctx, &kms.DecryptInput{KeyId: &target, CiphertextBlob: out.CiphertextBlob, EncryptionContext: audit})
		require.NoError(t, err)
		assert.Equal(t, f.plaintext, opened.Plaintext)
	}
	reEncrypt := func(change func(*kms.ReEncryptInput)) func() error {
		in := &kms.ReEncryptInput{SourceKeyId: &f.key, CiphertextBlob: f.blob, SourceEncryptionContext: f.pairs, DestinationKeyId: &f.other}
		change(in)
		return func() error { return second(b.as(alice).ReEncrypt(b.ctx, in)) }
	}
	answers(t, []ask{
		{"a source that is another key", reEncrypt(func(in *kms.ReEncryptInput) { in.SourceKeyId = &f.other }),
			"IncorrectKeyException: The key ID in the request does not identify a CMK that can perform this operation."},
		{"another context", reEncrypt(func(in *kms.ReEncryptInput) { in.SourceEncryptionContext = nil }), "InvalidCiphertextException"},
		{"a damaged ciphertext", reEncrypt(func(in *kms.ReEncryptInput) { in.CiphertextBlob = f.blob[1:] }), "InvalidCiphertextException"},
		{"an algorithm that the destination lacks", reEncrypt(func(in *kms.ReEncryptInput) {
			in.DestinationEncryptionAlgorithm = types.EncryptionAlgorithmSpecRsaesOaepSha1
		}), "InvalidKeyUsageException: Algorithm RSAES_OAEP_SHA_1 is incompatible with key spec SYMMETRIC_DEFAULT."},
		{"a destination that is disabled (KST-09)", func() error {
			b.arrange(fixture{key: f.other}, types.KeyStateDisabled)
			return reEncrypt(func(*kms.ReEncryptInput) {})()
		}, "DisabledException: " + f.other + " is disabled."},
	})
}

func TestDataKeys(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	pairs := map[string]string{"dept": "finance"}
	for _, c := range []struct {
		spec  types.DataKeySpec
		bytes *int32
		want  int
	}{
		{types.DataKeySpecAes128, nil, 16}, {types.DataKeySpecAes256, nil, 32}, {"", aws.Int32(1), 1}, {"", aws.Int32(1024), 1024},
	} {
		out, err := b.as(alice).GenerateDataKey(b.ctx, &kms.GenerateDataKeyInput{KeyId: &key, KeySpec: c.spec, NumberOfBytes: c.bytes, EncryptionContext: pairs})
		require.NoError(t, err)
		require.Len(t, out.Plaintext, c.want, "DK-02")
		opened, err := b.as(alice).Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob, EncryptionContext: pairs})
		require.NoError(t, err, "DK-12")
		assert.Equal(t, out.Plaintext, opened.Plaintext)
		assert.Equal(t, key, *out.KeyId)
		assert.NotEmpty(t, *out.KeyMaterialId)

		sealed, err := b.as(alice).GenerateDataKeyWithoutPlaintext(b.ctx,
			&kms.GenerateDataKeyWithoutPlaintextInput{KeyId: &key, KeySpec: c.spec, NumberOfBytes: c.bytes, EncryptionContext: pairs})
		require.NoError(t, err)
		opened, err = b.as(alice).Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: pairs})
		require.NoError(t, err, "DK-01")
		assert.Len(t, opened.Plaintext, c.want)
	}
	generate := func(spec types.DataKeySpec, size *int32) func() error {
		return func() error {
			return second(b.as(alice).GenerateDataKey(b.ctx, &kms.GenerateDataKeyInput{KeyId: &key, KeySpec: spec, NumberOfBytes: size}))
		}
	}
	const one = "ValidationException: Please specify either number of bytes or key spec."
	const value = "ValidationException: 1 validation error detected: Value "
	answers(t, []ask{
		{"no size (DK-02)", generate("", nil), one},
		{"two sizes", generate(types.DataKeySpecAes256, aws.Int32(32)), one},
		{"too many bytes", generate("", aws.Int32(1025)), value + "'1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or equal to 1024"},
		{"no bytes", generate("", aws.Int32(0)), value + "'0' at 'numberOfBytes' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"a spec that does not exist", generate("AES_192", nil), value + "'AES_192' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: [AES_256, AES_128]"},
		{"an enclave, which is not built", func() error {
			return second(b.as(alice).GenerateDataKey(b.ctx, &kms.GenerateDataKeyInput{
				KeyId: &key, KeySpec: types.DataKeySpecAes256,
				Recipient: &types.RecipientInfo{AttestationDocument: []byte("d"), KeyEncryptionAlgorithm: types.KeyEncryptionMechanismRsaesOaepSha256},
			}))
		}, "UnsupportedOperationException: keyreeve does not offer the Recipient parameter yet."},
	})
}

func TestRandomBytes(t *testing.T) {
	b := newBench(t)
	seen := map[string]bool{}
	for range 4 {
		out, err := b.as(alice).GenerateRandom(b.ctx, &kms.GenerateRandomInput{NumberOfBytes: aws.Int32(1024)})
		require.NoError(t, err)
		require.Len(t, out.Plaintext, 1024)
		seen[string(out.Plaintext)] = true
	}
	assert.Len(t, seen, 4)
	random := func(in kms.GenerateRandomInput) func() error {
		return func() error { return second(b.as(alice).GenerateRandom(b.ctx, &in)) }
	}
	answers(t, []ask{
		{"no number (DK-13)", random(kms.GenerateRandomInput{}), "ValidationException: NumberOfBytes is required."},
		{"too many", random(kms.GenerateRandomInput{NumberOfBytes: aws.Int32(1025)}), "ValidationException: 1 validation error detected: " +
			"Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or equal to 1024"},
		{"a key store", random(kms.GenerateRandomInput{NumberOfBytes: aws.Int32(1), CustomKeyStoreId: aws.String("cks-1")}),
			"CustomKeyStoreNotFoundException: The custom key store cks-1 does not exist."},
		{"without permission", func() error {
			return second(b.as(nobody).GenerateRandom(b.ctx, &kms.GenerateRandomInput{NumberOfBytes: aws.Int32(1)}))
		}, "AccessDeniedException: User: " + nobodyARN + " is not authorized to perform: kms:GenerateRandom because no identity-based policy allows the kms:GenerateRandom action"},
	})
}

// TestDryRunThatIgnoresTheCiphertext: NEW-09.
func TestDryRunThatIgnoresTheCiphertext(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	ignore := []types.DryRunModifierType{types.DryRunModifierTypeIgnoreCiphertext}
	const works = "DryRunOperationException: The request would have succeeded, but the DryRun option is set."
	decrypt := func(in kms.DecryptInput) func() error {
		return func() error { return second(b.as(alice).Decrypt(b.ctx, &in)) }
	}
	answers(t, []ask{
		{"Decrypt without a ciphertext", decrypt(kms.DecryptInput{KeyId: &f.key, DryRun: aws.Bool(true), DryRunModifiers: ignore}), works},
		{"Decrypt with one that does not open", decrypt(kms.DecryptInput{KeyId: &f.key, DryRun: aws.Bool(true), DryRunModifiers: ignore, CiphertextBlob: []byte("x")}), works},
		{"Decrypt without a key", decrypt(kms.DecryptInput{DryRun: aws.Bool(true), DryRunModifiers: ignore, CiphertextBlob: f.blob}),
			"ValidationException: KeyId is required when DryRunModifiers has IGNORE_CIPHERTEXT."},
		{"Decrypt in earnest", decrypt(kms.DecryptInput{KeyId: &f.key, DryRunModifiers: ignore, CiphertextBlob: f.blob, EncryptionContext: f.pairs}),
			"ValidationException: DryRunModifiers can be used only when DryRun is true."},
		{"Decrypt without ciphertext and modifier", decrypt(kms.DecryptInput{KeyId: &f.key, DryRun: aws.Bool(true)}),
			"ValidationException: 1 validation error detected: Value at 'ciphertextBlob' failed to satisfy constraint: Member must not be null"},
		{"a dry run with a ciphertext that does not open", decrypt(kms.DecryptInput{KeyId: &f.key, DryRun: aws.Bool(true), CiphertextBlob: f.blob}),
			"InvalidCiphertextException"},
		{"ReEncrypt without a ciphertext", func() error {
			return second(b.as(alice).ReEncrypt(b.ctx, &kms.ReEncryptInput{SourceKeyId: &f.key, DestinationKeyId: &f.other, DryRun: aws.Bool(true), DryRunModifiers: ignore}))
		}, works},
		{"without permission", func() error {
			return second(b.as(nobody).Decrypt(b.ctx, &kms.DecryptInput{KeyId: &f.key, DryRun: aws.Bool(true), DryRunModifiers: ignore}))
		}, "AccessDeniedException: User: " + nobodyARN + " is not authorized to perform: kms:Decrypt on resource: " + f.key +
			" because no identity-based policy allows the kms:Decrypt action"},
	})
}

// TestEncryptionContextInPolicies: EC-10, A-45.
func TestEncryptionContextInPolicies(t *testing.T) {
	b := newBench(t)
	f := b.newFixture(statement(`"Effect":"Allow","Principal":{"AWS":["` + nobodyARN + `","` + aliceARN + `"]},"Action":"kms:*","Resource":"*",
		"Condition":{"StringEqualsIfExists":{"kms:EncryptionContext:Dept":"finance"}}`))
	encrypt := func(pairs map[string]string) func() error {
		return func() error {
			return second(b.as(nobody).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &f.key, Plaintext: []byte("p"), EncryptionContext: pairs}))
		}
	}
	refused := "AccessDeniedException: User: " + nobodyARN + " is not authorized to perform: kms:Encrypt on resource: " + f.key +
		" because no resource-based policy allows the kms:Encrypt action"
	answers(t, []ask{
		{"the value that is wanted", encrypt(map[string]string{"dept": "finance"}), "ok"},
		{"its name in any case", encrypt(map[string]string{"DEPT": "finance"}), "ok"},
		{"its value in other case", encrypt(map[string]string{"dept": "Finance"}), refused},
		{"two names that differ in case, one with another value", encrypt(map[string]string{"dept": "finance", "DEPT": "sales"}), refused},
		{"another name", encrypt(map[string]string{"year": strings.Repeat("2026", 10)}), "ok"},
	})
}
