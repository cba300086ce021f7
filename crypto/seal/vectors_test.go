package seal

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Known answers. Sources:
//   - RFC 5869, appendix A, cases 1 to 3 (IETF Trust, code components under
//     the revised BSD licence);
//   - D. McGrew and J. Viega, "The Galois/Counter Mode of Operation (GCM)",
//     appendix B, cases 13 to 16, which NIST publishes with the modes proposed
//     to it (no restriction stated);
//   - the composed ones (Key, RootKey) were computed once with Python's
//     hmac-based HKDF and AESGCM of pyca/cryptography 48, which shares no code
//     with Go's.

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// counting returns n bytes that count up from first.
func counting(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

func TestDerivationAnswersAsRFC5869(t *testing.T) {
	tests := map[string]struct {
		secret, salt, info []byte
		want               string // the first 32 bytes of the output
	}{
		"case 1": {
			unhex(t, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), counting(0, 13), counting(0xf0, 10),
			"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
		},
		"case 2, longer": {
			counting(0, 80), counting(0x60, 80), counting(0xb0, 80),
			"b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c",
		},
		"case 3, without salt and info": {
			unhex(t, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), nil, nil,
			"8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := hkdf.Key(sha256.New, tt.secret, tt.salt, string(tt.info), SecretSize)
			require.NoError(t, err)
			assert.Equal(t, tt.want, hex.EncodeToString(got))
		})
	}
}

func TestCipherAnswersAsTheGCMSpecification(t *testing.T) {
	const (
		zeroKey = "0000000000000000000000000000000000000000000000000000000000000000"
		key     = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
		text    = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
		sealed  = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
	)
	tests := map[string]struct{ key, nonce, plaintext, aad, want string }{
		"case 13, nothing at all":       {zeroKey, "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
		"case 14, one block":            {zeroKey, "000000000000000000000000", "00000000000000000000000000000000", "", "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
		"case 15, four blocks":          {key, "cafebabefacedbaddecaf888", text + "1aafd255", "", sealed + "898015ad" + "b094dac5d93471bdec1a502270e3cc6c"},
		"case 16, with associated data": {key, "cafebabefacedbaddecaf888", text, "feedfacedeadbeeffeedfacedeadbeefabaddad2", sealed + "76fc6ece0f4e1768cddf8853bb2d551b"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			gcm, err := newGCM(unhex(t, tt.key))
			require.NoError(t, err)
			got := gcm.Seal(nil, unhex(t, tt.nonce), unhex(t, tt.plaintext), unhex(t, tt.aad))
			assert.Equal(t, tt.want, hex.EncodeToString(got))
		})
	}
}

func TestKeySealsAsDrawn(t *testing.T) {
	key, err := NewKey(NewSecret(counting(0, SecretSize)), "label", bytes.NewReader(counting(0x80, 44)))
	require.NoError(t, err)
	got, err := key.Seal([]byte("before"), []byte("plaintext"), []byte("aad"))
	require.NoError(t, err)
	want := "before" + string(unhex(t, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"+ // salt
		"a0a1a2a3a4a5a6a7a8a9aaab"+ // nonce
		"9a8af184f11685ad65"+"92266b05695cc2f543ae6f83c7646db0")) // ciphertext, tag
	assert.Equal(t, want, string(got))
}

func TestRootKeySealsAsDrawn(t *testing.T) {
	root, err := newRootKey(NewSecret(counting(0, SecretSize)), bytes.NewReader(counting(0x80, 44)))
	require.NoError(t, err)
	assert.Equal(t, "0cbc58faf2659068", root.ID())
	got, err := root.Seal("test", []byte("aad"), []byte("plaintext"))
	require.NoError(t, err)
	want := "01" + "0cbc58faf2659068" +
		"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaab" +
		"39b8c3329c8a6899e3" + "58f13d3c2e6a60e1908e41cbbf91d665"
	assert.Equal(t, want, hex.EncodeToString(got))
}

func TestRootKeyFileIsWrittenAsDrawn(t *testing.T) {
	assert.Equal(t,
		"keyreeve-root-key-1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f:77159c21f44cba74\n",
		string(encodeRootKey(counting(0, SecretSize))))
}
