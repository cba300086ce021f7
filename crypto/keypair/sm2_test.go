package keypair_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/keypair"
	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// A key of openssl, and a ciphertext of "Z" by openssl, whose C2 is zero.
const (
	opensslSM2 = "308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b020101042040a9b0fc357f361130c878b9cdce506e" +
		"698e954c0240375f2929248fff1519f6a14403420004d360bf736ba6a2c1f3d0aae085034e18cc9376d4db60ec779289fc3c2bf666d09f8ccd" +
		"a21dcf1fd5182dec699a46ffcc61175463860ed7a4fd7b6d66600ecd34"
	zeroC2 = "306a022100ba9ba2723edabb47f580113a71322d51835e2b221c0fbea803745858c637a02902205f8e5ab9dc14809c353b8ff4fa036d74" +
		"65feb9b588e0fd0e9ea51cc15cdb3c03042001e16e85ddb3ac11d084d81f2f67682b3d217376f96b1298d89562e7eb97527d040100"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	require.NoError(t, err)
	return b
}

func TestSM2CiphertextsOfOneByteOpen(t *testing.T) {
	pair, _ := open(t, spec.SM2)
	c := pair.(material.PublicCipher)
	for n := range 2_000 { // the library's own do not, one in 128 times
		plaintext := []byte{byte(n)}
		blob, err := c.EncryptPublic(t.Context(), spec.SM2PKE, plaintext)
		require.NoError(t, err)
		require.NotZero(t, blob[len(blob)-1], "C2 is zero, which other libraries do not open")
		opened, err := c.DecryptPrivate(t.Context(), spec.SM2PKE, blob)
		require.NoError(t, err, "%x", blob)
		require.Equal(t, plaintext, opened.Expose())
	}
	_, err := c.EncryptPublic(t.Context(), spec.SM2PKE, nil)
	assert.ErrorIs(t, err, material.ErrMessage, "there is no SM2 ciphertext of nothing")
}

func TestSM2CiphertextOfOthersWithAZeroC2Opens(t *testing.T) {
	pair, err := keypair.Open(spec.SM2, seal.NewSecret(unhex(t, opensslSM2)))
	require.NoError(t, err)
	c, blob := pair.(material.PublicCipher), unhex(t, zeroC2)
	opened, err := c.DecryptPrivate(t.Context(), spec.SM2PKE, blob)
	require.NoError(t, err)
	assert.Equal(t, "Z", string(opened.Expose()))

	for at := range blob {
		changed := bytes.Clone(blob)
		changed[at] ^= 1
		_, err := c.DecryptPrivate(t.Context(), spec.SM2PKE, changed)
		assert.ErrorIs(t, err, material.ErrCiphertext, "byte %d changed", at)
	}
	other, _ := open(t, spec.SM2)
	_, err = other.(material.PublicCipher).DecryptPrivate(t.Context(), spec.SM2PKE, blob)
	assert.ErrorIs(t, err, material.ErrCiphertext, "another key")
}
