package software

import (
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

func TestWycheproofHMAC(t *testing.T) {
	for name, s := range map[string]spec.KeySpec{
		"hmac_sha224": spec.HMAC224, "hmac_sha256": spec.HMAC256, "hmac_sha384": spec.HMAC384, "hmac_sha512": spec.HMAC512,
	} {
		f, err := os.Open(filepath.Join("testdata", "wycheproof", name+".json.gz"))
		require.NoError(t, err)
		z, err := gzip.NewReader(f)
		require.NoError(t, err)
		var file struct {
			TestGroups []struct {
				TagSize int
				Tests   []struct {
					ID                             int `json:"tcId"`
					Comment, Key, Msg, Tag, Result string
				}
			}
		}
		require.NoError(t, json.NewDecoder(z).Decode(&file))
		require.NoError(t, f.Close())
		decode := func(text string) []byte {
			b, err := hex.DecodeString(text)
			require.NoError(t, err)
			return b
		}
		tried := 0
		for _, g := range file.TestGroups {
			for _, v := range g.Tests {
				if g.TagSize != 8*hmacHashes[s].Size() { // the API has whole codes only
					continue
				}
				tried++
				key := &hmacKey{s, hmacHashes[s], seal.NewSecret(decode(v.Key))}
				err := key.Check(t.Context(), decode(v.Msg), decode(v.Tag))
				assert.Equal(t, v.Result == "valid", err == nil, "%s %d: %s", name, v.ID, v.Comment)
				if err != nil {
					assert.ErrorIs(t, err, material.ErrMAC)
				}
			}
		}
		assert.NotZero(t, tried, name)
	}
}

func TestHMACMaterialIsAsLongAsItsHash(t *testing.T) {
	for s, hash := range hmacHashes {
		_, err := hmacKind(s).open(seal.NewSecret(make([]byte, hash.Size()-1)), nil)
		assert.ErrorIs(t, err, material.ErrRef, s)
	}
}
