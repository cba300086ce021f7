package grant

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/store"
)

// TestOperationsFitKeys has each grant operation with each kind of key. Guide,
// "Grants in AWS KMS"; Guide, "Key type reference".
func TestOperationsFitKeys(t *testing.T) {
	kinds := []struct {
		name  string
		spec  spec.KeySpec
		usage spec.Usage
	}{
		{"symmetric", spec.SymmetricDefault, spec.EncryptDecrypt}, {"RSA encryption", "RSA_2048", spec.EncryptDecrypt},
		{"signing", "ECC_NIST_P256", spec.SignVerify}, {"HMAC", "HMAC_256", spec.GenerateVerifyMAC}, {"agreement", "ECC_NIST_P384", spec.KeyAgreement},
	}
	for operation, fitting := range map[string]string{
		"Encrypt": "symmetric, RSA encryption", "Decrypt": "symmetric, RSA encryption", "ReEncryptFrom": "symmetric, RSA encryption",
		"ReEncryptTo": "symmetric, RSA encryption", "GenerateDataKey": "symmetric", "GenerateDataKeyWithoutPlaintext": "symmetric",
		"GenerateDataKeyPair": "symmetric", "GenerateDataKeyPairWithoutPlaintext": "symmetric", "Sign": "signing", "Verify": "signing",
		"GenerateMac": "HMAC", "VerifyMac": "HMAC", "DeriveSharedSecret": "agreement", "GetPublicKey": "RSA encryption, signing, agreement",
		"CreateGrant": "symmetric, RSA encryption, signing, HMAC, agreement", "DescribeKey": "symmetric, RSA encryption, signing, HMAC, agreement",
		"RetireGrant": "symmetric, RSA encryption, signing, HMAC, agreement", "ScheduleKeyDeletion": "",
	} {
		var fit []string
		for _, k := range kinds {
			if Check([]string{operation}, nil, k.spec, k.usage) == nil {
				fit = append(fit, k.name)
			}
		}
		assert.Equal(t, fitting, strings.Join(fit, ", "), operation)
	}
}

func TestConstraintsFitSymmetricKeysAlone(t *testing.T) {
	pairs := map[string]string{"dept": "IT"}
	sign := []string{"Sign"}
	err := Check(sign, &wire.GrantConstraints{EncryptionContextEquals: pairs}, "RSA_2048", spec.SignVerify)
	require.Error(t, err)
	assert.Equal(t, wire.Validation, wire.AsError(err).Code)
	assert.NoError(t, Check(sign, &wire.GrantConstraints{}, "RSA_2048", spec.SignVerify), "empty constraints are none")
	assert.NoError(t, Check([]string{"Decrypt", "DescribeKey"}, &wire.GrantConstraints{EncryptionContextSubset: pairs}, spec.SymmetricDefault, spec.EncryptDecrypt),
		"DescribeKey may stand beside a constraint")
}

func TestPartiesAreReadAsWritten(t *testing.T) {
	for _, p := range []decision.Party{
		{}, {Via: decision.ViaUser, ID: "AIDA1"}, {Via: decision.ViaRole, ID: "AROA1"}, {Via: decision.ViaSession, ID: "AROA1:nightly/x"},
		{Via: decision.ViaAccount, ID: "111122223333"}, {Via: decision.ViaService, ID: "s3.amazonaws.com"},
	} {
		assert.Equal(t, p, ReadParty(PartyID(p)))
	}
	assert.Equal(t, []string{"account/111122223333", "role/AROA1", "session/AROA1:nightly"}, PartyIDs(decision.Principal{
		Type: decision.Role, Account: "111122223333", Role: "AROA1", Session: "AROA1:nightly",
	}))
	assert.Equal(t, []string{"service/a", "service/b"}, PartyIDs(decision.Principal{Type: decision.Service, Services: []string{"a", "b"}}))
}

func newTokens(t testing.TB) Tokens {
	t.Helper()
	root, err := seal.CreateRootKey(filepath.Join(t.TempDir(), "root.key"), rand.Reader)
	require.NoError(t, err)
	return Tokens{Root: root}
}

var addr = store.KeyAddr{Account: "111122223333", Region: "us-east-1", ID: "1234abcd-12ab-34cd-56ef-1234567890ab"}

func TestTokenNamesItsGrantAndNoOtherServiceCanMakeOne(t *testing.T) {
	tokens := newTokens(t)
	token, err := tokens.Make(addr, "grant")
	require.NoError(t, err)
	assert.Less(t, len(token), 8192, "the length that the API allows")
	gotAddr, id, err := tokens.Open(token)
	require.NoError(t, err)
	assert.Equal(t, addr, gotAddr)
	assert.Equal(t, "grant", id)

	raw, err := base64.StdEncoding.DecodeString(token)
	require.NoError(t, err)
	assert.False(t, bytes.Contains(raw, []byte(addr.ID)), "a token tells nothing of its grant")
	foreign, err := newTokens(t).Make(addr, "grant")
	require.NoError(t, err)
	sealed, err := tokens.Root.Seal("another purpose", nil, []byte(`{}`))
	require.NoError(t, err)
	for name, bad := range map[string]string{
		"another root key's": foreign, "another purpose": base64.StdEncoding.EncodeToString(sealed), "nothing": "", "no base64": "!", "half": token[:len(token)/2],
	} {
		refuses(t, tokens, bad, name)
	}
	for i := range raw {
		flipped := bytes.Clone(raw)
		flipped[i] ^= 1
		refuses(t, tokens, base64.StdEncoding.EncodeToString(flipped), "a bit flipped")
	}
}

func refuses(t *testing.T, tokens Tokens, token, what string) {
	t.Helper()
	_, _, err := tokens.Open(token)
	require.Error(t, err, what)
	require.Equal(t, wire.InvalidGrantToken, wire.AsError(err).Code, what)
}

func FuzzOpen(f *testing.F) {
	tokens := newTokens(f)
	token, err := tokens.Make(addr, "grant")
	require.NoError(f, err)
	f.Add(token)
	f.Add("")
	f.Add("bm90aGluZw==")
	f.Fuzz(func(t *testing.T, text string) {
		gotAddr, id, err := tokens.Open(text)
		if err == nil && (gotAddr != addr || id != "grant") {
			t.Errorf("%q opens as %s, %s", text, gotAddr, id)
		}
	})
}
