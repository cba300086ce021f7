package keypair

import (
	"compress/gzip"
	"crypto/sha3"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/keypair/mu"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// An acvpGroup has tests of one public key. Prompts and expected results are
// in files of the same shape.
type acvpGroup struct {
	ParameterSet string
	PK           hexBytes
	Tests        []struct {
		TcID               int
		Message, Signature hexBytes
		TestPassed         bool
	}
}

func acvp(t *testing.T, name string) []acvpGroup {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "acvp", name+".json.gz"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var file struct{ TestGroups []acvpGroup }
	require.NoError(t, json.NewDecoder(z).Decode(&file))
	return file.TestGroups
}

// TestACVPMLDSAVerify: these vectors sign by the internal function of FIPS 204
// (algorithm 7), whose message is hashed with the public key to what package mu
// verifies.
func TestACVPMLDSAVerify(t *testing.T) {
	sets := map[string]spec.KeySpec{"ML-DSA-44": spec.MLDSA44, "ML-DSA-65": spec.MLDSA65, "ML-DSA-87": spec.MLDSA87}
	expected := acvp(t, "ML-DSA-sigVer-FIPS204.expected")
	passed, failed := 0, 0
	for i, g := range acvp(t, "ML-DSA-sigVer-FIPS204.prompt") {
		require.Contains(t, sets, g.ParameterSet)
		for j, v := range g.Tests {
			want := expected[i].Tests[j]
			require.Equal(t, v.TcID, want.TcID)
			hash := sha3.NewSHAKE256()
			_, _ = hash.Write(sha3.SumSHAKE256(g.PK, 64))
			_, _ = hash.Write(v.Message)
			m := make([]byte, mu.Size)
			_, _ = hash.Read(m)
			assert.Equal(t, want.TestPassed, mu.Verify(lattices[sets[g.ParameterSet]].mu, g.PK, m, v.Signature), "%s %d", g.ParameterSet, v.TcID)
			if want.TestPassed {
				passed++
			} else {
				failed++
			}
		}
	}
	assert.NotZero(t, passed)
	assert.Equal(t, 45, passed+failed)
}
