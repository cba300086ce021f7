package slip_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/keyreeve/keyreeve/rego/slip"
)

func TestTheNearestWordIsMeant(t *testing.T) {
	words := []string{"kms:Decrypt", "kms:Encrypt", "kms:Sign"}
	for text, want := range map[string]string{
		"kms:Decript": "kms:Decrypt", "KMS:DECRYPT": "kms:Decrypt", "kms:Decrytp": "kms:Decrypt", "kms:Sgn": "kms:Sign",
		"kms:GenerateRandom": "", "": "", strings.Repeat("x", 500): "",
	} {
		assert.Equal(t, want, slip.Nearest(text, words, len(text)/3), text)
	}
	assert.Equal(t, "; did you mean kms:Sign?", slip.Meant("kms:Sing", words))
	assert.Empty(t, slip.Meant("s3:GetObject", words))
	assert.Equal(t, "who-can", slip.Begun("who", []string{"why-not", "who-can"}, 1))
	assert.Equal(t, "why-not", slip.Begun("why-nod", []string{"why-not", "who-can"}, 2))
}

func TestWhatFollowsABeginningStays(t *testing.T) {
	names := []string{"aws:PrincipalTag/", "kms:EncryptionContext:", "kms:ViaService"}
	for text, want := range map[string]string{
		"kms:EncryptonContext:dept":       "kms:EncryptionContext:dept",
		"kms:EncryptonContext:dept:x":     "kms:EncryptionContext:dept:x",
		"aws:PrincipleTag/team":           "aws:PrincipalTag/team",
		"kms:ViaServce":                   "",
		"kms:EncryptionContext:dept":      "",
		"kms":                             "",
		"aws:PrincipalTag":                "",
		"kms:RecipientAttestation:ImageX": "",
	} {
		got, ok := slip.Name(text, names)
		assert.Equal(t, want, got, text)
		assert.Equal(t, want != "", ok, text)
	}
}

func TestAKeyIsANameOrTheNearest(t *testing.T) {
	names := []string{"kms:EncryptionContext:", "kms:ViaService"}
	assert.Equal(t, "kms:EncryptionContext:a", slip.Key("kms:EncryptonContext:a", names, 4))
	assert.Equal(t, "kms:ViaService", slip.Key("kms:ViaServce", names, 4))
	assert.Empty(t, slip.Key("kms:Something", names, 4))
}

func TestDistanceCountsEdits(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"abc", "abc", 0}, {"abcdef", "ghijkl", 4}} {
		assert.Equal(t, row.want, slip.Distance(row.a, row.b, 4), "%s %s", row.a, row.b)
	}
}
