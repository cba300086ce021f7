package caseline_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/caseline"
)

func TestAssertionsSpeakOfAllRequests(t *testing.T) {
	c := parse(t, "only [role/x, user/y] may [kms:Decrypt, kms:Encrypt] [key/a, key/b] kms:EncryptionContext:a=b")
	assert.Equal(t, caseline.Only, c.Kind)
	assert.True(t, c.Kind.Assertion())
	assert.Equal(t, []string{"role/x", "user/y"}, texts(c.Request.Principals))
	assert.Equal(t, []string{"kms:Decrypt", "kms:Encrypt"}, texts(c.Request.Actions))
	assert.Equal(t, []string{"key/a", "key/b"}, texts(c.Request.Resources))
	assert.Len(t, c.Request.Keys, 1)

	c = parse(t, "nobody may kms:ListKeys")
	assert.Equal(t, caseline.Nobody, c.Kind)
	assert.Empty(t, c.Request.Principals)
	assert.Empty(t, c.Request.Resources)

	c = parse(t, "no cross-account access to [key/a, key/b] except [partner, vendor]")
	assert.Equal(t, caseline.No, c.Kind)
	assert.Equal(t, "cross-account", c.Access.To.Text)
	assert.Equal(t, []string{"partner", "vendor"}, texts(c.Access.Except))
	assert.Equal(t, []string{"key/a", "key/b"}, texts(c.Request.Resources))
	assert.Equal(t, []string{"key/a"}, texts(parse(t, "no public access key/a").Request.Resources))

	c = parse(t, "else deny user/* [kms:Create*, kms:Decrypt] key/*")
	assert.Equal(t, caseline.Else, c.Kind)
	assert.Equal(t, []string{"user/*"}, texts(c.Request.Principals))
	assert.Len(t, c.Request.Actions, 2)
	assert.Equal(t, []string{"key/*"}, texts(c.Request.Resources))
}

func TestElseAloneInItsGroupSpeaksOfTheFile(t *testing.T) {
	f, err := caseline.Parse("x.cases", `allow user/a kms:ListKeys
else deny

deny user/a kms:ListKeys

else deny

# Title
else deny
allow user/a kms:ListKeys
# Another group
else deny
`, 0)
	require.NoError(t, err)
	var whole []bool
	for _, c := range f.Cases {
		if c.Kind == caseline.Else {
			whole = append(whole, c.Whole)
		}
	}
	assert.Equal(t, []bool{false, true, false, true}, whole)
	assert.Equal(t, f.Cases[0].Group, f.Cases[1].Group)
	assert.NotEqual(t, f.Cases[1].Group, f.Cases[2].Group)
}

func TestFaultsOfAssertions(t *testing.T) {
	for text, want := range map[string]string{
		"only":                              "1:5: principal is missing",
		"only role/x":                       "1:12: may is missing",
		"only role/x can kms:Decrypt key/a": "1:13: here stands the word may",
		"only role/x may":                   "1:16: action is missing",
		"only role/x may kms:Decrypt key/a because x": "1:1: this line speaks of all requests; it has no because and no says",
		"nobody kms:Decrypt key/a":                    "1:8: here stands the word may",
		"no":                                          "1:3: public or cross-account is missing",
		"no private access key/a":                     "1:4: here stands one of public, cross-account",
		"no public key/a":                             "1:11: here stands the word access",
		"no public access":                            "1:17: key is missing",
		"no public access to":                         "1:20: key is missing",
		"no public access key/a key/b":                "1:24: nothing can follow here but except ACCOUNT",
		"no public access key/a except":               "1:30: account is missing",
		"else":                                        "1:5: deny is missing",
		"else allow":                                  "1:6: here stands the word deny",
		"else deny * kms:* key/* x":                   "1:25: nothing can follow the resources: the requests are those of the other lines",
		"else deny []":                                "1:11: the list of principals is empty",
	} {
		_, err := caseline.Parse("x.cases", text, 0)
		assert.EqualError(t, err, "x.cases:"+want, text)
	}
}
