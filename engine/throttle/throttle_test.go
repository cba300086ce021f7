package throttle

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/wire"
)

var start = time.Date(2026, time.November, 24, 12, 0, 0, 0, time.UTC)

func TestBucketIsFullAgainInTheNextInterval(t *testing.T) {
	l := New(AWS())
	take := func(group string, after time.Duration) bool {
		return l.Take("111122223333", "us-east-1", group, 1, start.Add(after))
	}
	for range 5 {
		assert.True(t, take("CreateKey", 0))
	}
	assert.False(t, take("CreateKey", 0))
	assert.False(t, take("CreateKey", 999*time.Millisecond), "the same second (THR-02)")
	assert.True(t, take("CreateKey", time.Second), "the next one")
	assert.True(t, take("CreateAlias", 0), "another operation (RPS-03)")

	assert.True(t, take("GetParametersForImport", 0))
	assert.False(t, take("GetParametersForImport", 3*time.Second), "one in 4 seconds (RPS-05)")
	assert.True(t, take("GetParametersForImport", 4*time.Second))
}

func TestTimeThatGoesBackFillsNothing(t *testing.T) {
	l := New(Table{"CreateKey": {{20, 10, []string{"*"}}}})
	taken := 0
	for range 1000 {
		for _, at := range []time.Duration{-time.Microsecond, 0} {
			if l.Take("a", "us-east-1", "CreateKey", 1, start.Add(at)) {
				taken++
			}
		}
	}
	assert.Equal(t, 21, taken, "one before the edge, and 20")
	assert.False(t, l.Take("a", "us-east-1", "CreateKey", 1, start.Add(-time.Hour)), "the clock was set back")
	assert.True(t, l.Take("a", "us-east-1", "CreateKey", 1, start.Add(-time.Hour+10*time.Second)), "and goes on from there")
}

func TestBucketsAreThoseOfAnAccountInARegion(t *testing.T) {
	l := New(AWS())
	for range 5 {
		require.True(t, l.Take("a", "us-east-1", "CreateKey", 1, start))
	}
	assert.False(t, l.Take("a", "us-east-1", "CreateKey", 1, start))
	assert.True(t, l.Take("b", "us-east-1", "CreateKey", 1, start), "another account (RPS-01)")
	assert.True(t, l.Take("a", "eu-west-1", "CreateKey", 1, start), "another Region")
}

func TestWhatIsNotThereIsNotTaken(t *testing.T) {
	l := New(AWS())
	assert.False(t, l.Take("a", "us-east-1", "CreateKey", 6, start))
	assert.True(t, l.Take("a", "us-east-1", "CreateKey", 5, start))
}

func TestRegionsHaveTheirOwnNumbers(t *testing.T) {
	for region, want := range map[string]int{"us-east-1": 50_000, "eu-central-1": 10_000, "ca-central-1": 5_500} {
		q, limited := AWS().of(Symmetric, region)
		assert.True(t, limited)
		assert.Equal(t, want, q.Requests, region)
	}
}

func TestEveryOperationIsInAGroupOfTheTable(t *testing.T) {
	aws := AWS()
	for _, op := range wire.Operations() {
		if op.Name == "GetKeyLastUsage" {
			continue // newer than the published numbers
		}
		specs := []spec.KeySpec{""}
		if strings.HasPrefix(op.Name, "GenerateDataKeyPair") {
			specs = pairSpecs
		}
		for _, s := range specs {
			assert.Contains(t, aws, Group(op.Name, string(s)), op.Name)
		}
	}
	for _, row := range []struct{ operation, spec, want string }{
		{"Encrypt", "SYMMETRIC_DEFAULT", Symmetric},
		{"GenerateRandom", "", Symmetric},
		{"VerifyMac", "HMAC_512", Symmetric},
		{"Sign", "RSA_4096", RSA},
		{"Encrypt", "RSA_2048", RSA},
		{"Verify", "ECC_SECG_P256K1", Curves},
		{"Decrypt", "SM2", Curves},
		{"Sign", "ML_DSA_65", Curves},
		{"DeriveSharedSecret", "ECC_NIST_P256", Curves},
		{"GenerateDataKeyPairWithoutPlaintext", "RSA_3072", "data-key-pair-RSA_3072"},
		{"GetPublicKey", "RSA_3072", "GetPublicKey"},
	} {
		assert.Equal(t, row.want, Group(row.operation, row.spec), "%s with a key of %s", row.operation, row.spec)
	}
}

func TestTablesAreReadOrRefused(t *testing.T) {
	read, err := Read(strings.NewReader("# mine\n\nCreateKey 1 60 us-east-1,eu-west-1\nCreateKey 2 1 *\n"))
	require.NoError(t, err)
	assert.Equal(t, Table{"CreateKey": {{1, 60, []string{"us-east-1", "eu-west-1"}}, {2, 1, []string{"*"}}}}, read)
	for text, want := range map[string]string{
		"CreateKey 1 1":       "line 1: a quota has 4 fields (group, requests, seconds, Regions), not 3",
		"\nCook 1 1 *":        `line 2: "Cook" is no group of requests`,
		"Encrypt 1 1 *":       `"Encrypt" is no group of requests; groups are operations, and crypto-symmetric, crypto-rsa, crypto-ecc-sm2`,
		"CreateKey -1 1 *":    `the number of requests is from 0 to 10000000, not "-1"`,
		"CreateKey 1 0 *":     `the seconds are from 1 to 3600, not "0"`,
		"CreateKey 1 often *": `the seconds are from 1 to 3600, not "often"`,
	} {
		_, err := Read(strings.NewReader(text))
		assert.ErrorContains(t, err, want, text)
	}
}

func TestAllRequestsAtOnceTakeNoMoreThanTheQuota(t *testing.T) {
	l := New(Table{"CreateKey": {{100, 1, []string{"*"}}}})
	var mu sync.Mutex
	var all sync.WaitGroup
	taken := 0
	for range 8 {
		all.Go(func() {
			for range 50 {
				if l.Take("a", "r", "CreateKey", 1, start) {
					mu.Lock()
					taken++
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	assert.Equal(t, 100, taken)
}

func FuzzRead(f *testing.F) {
	f.Add(awsTSV)
	f.Add("CreateKey 1 60 us-east-1,eu-west-1")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := Read(strings.NewReader(text))
		if err != nil {
			return
		}
		for group, quotas := range table {
			for _, q := range quotas {
				assert.Positive(t, q.Seconds, group)
				assert.NotEmpty(t, q.Regions, group)
			}
		}
	})
}

func BenchmarkTake(b *testing.B) {
	l := New(AWS())
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			l.Take("111122223333", "us-east-1", Symmetric, 1, start)
		}
	})
}
