package analysis

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// TestWhatARequestCanMeetIsNotProvedAbsent asks of conditions that requests can
// meet whether somebody of another account can.
func TestWhatARequestCanMeetIsNotProvedAbsent(t *testing.T) {
	for name, row := range map[string]struct {
		condition string
		want      State
	}{
		"the Region of the request as a variable":                    {`{"StringEquals":{"kms:EncryptionContext:u":"${aws:RequestedRegion}"}}`, Found},
		"the address as a variable":                                  {`{"StringEquals":{"kms:EncryptionContext:u":"${aws:SourceIp}"}}`, Found},
		"the time as a variable":                                     {`{"StringEquals":{"kms:EncryptionContext:u":"${aws:CurrentTime}"}}`, Found},
		"the seconds as a variable":                                  {`{"StringEquals":{"kms:EncryptionContext:u":"${aws:EpochTime}"}}`, Found},
		"the key's account as a variable":                            {`{"StringEquals":{"kms:EncryptionContext:u":"${aws:ResourceAccount}"}}`, Found},
		"a truth value as a variable":                                {`{"StringEquals":{"kms:EncryptionContext:u":"${aws:ViaAWSService}"}}`, Found},
		"two tags in one operand":                                    {`{"StringEquals":{"kms:EncryptionContext:u":"${aws:PrincipalTag/org}/${aws:PrincipalTag/team}"}}`, Found},
		"a variable of the request before a wildcard":                {`{"StringLike":{"aws:username":"${kms:EncryptionContext:v}*"}}`, Found},
		"a user's id as a variable":                                  {`{"StringEquals":{"kms:EncryptionContext:u":"${aws:userid}"}}`, Found},
		"a variable in any case":                                     {`{"StringEqualsIgnoreCase":{"aws:username":"${kms:EncryptionContext:v}"},"StringNotEquals":{"kms:EncryptionContext:v":"any-user"}}`, Unknown},
		"a variable as a name of the encryption context":             {`{"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":"${aws:username}"}}`, Unknown},
		"another spelling of a number":                               {`{"NumericEquals":{"kms:EncryptionContext:u":"5"},"StringNotEquals":{"kms:EncryptionContext:u":"5"}}`, Unknown},
		"another spelling of a date":                                 {`{"DateEquals":{"kms:EncryptionContext:u":"2020-01-01"},"StringNotLike":{"kms:EncryptionContext:u":"2020*"}}`, Unknown},
		"another spelling of a truth value":                          {`{"Bool":{"kms:EncryptionContext:u":"true"},"StringLike":{"kms:EncryptionContext:u":"T*"}}`, Unknown},
		"an address that is not like a text":                         {`{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"StringNotLike":{"aws:SourceIp":"10.0.*"}}`, Unknown},
		"a time that is like a text":                                 {`{"StringLike":{"aws:CurrentTime":"*T03:*"}}`, Unknown},
		"an age that is like a text":                                 {`{"StringEquals":{"aws:MultiFactorAuthAge":"11"}}`, Unknown},
		"a spelling that is none of two":                             {`{"StringEqualsIgnoreCase":{"kms:EncryptionContext:u":"abc"},"StringNotEquals":{"kms:EncryptionContext:u":["abc","ABC"]}}`, Unknown},
		"a number between whole ones":                                {`{"NumericGreaterThan":{"kms:EncryptionContext:u":"5"},"NumericLessThan":{"kms:EncryptionContext:u":"6"}}`, Found},
		"roles of a name in any account":                             {`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/admin*"}}`, Found},
		"accounts like a number":                                     {`{"StringLike":{"kms:CallerAccount":"3333222233*"}}`, Found},
		"accounts unlike that which stands for the public":           {`{"StringNotLike":{"aws:PrincipalAccount":["9*","1*"]}}`, Found},
		"users of a name":                                            {`{"StringEquals":{"aws:username":"root-admin"}}`, Found},
		"accounts by a part of their number, in an ARN":              {`{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*7:role/x*"}}`, Found},
		"nobody, for a text cannot be two":                           {`{"StringEquals":{"kms:EncryptionContext:u":"a"},"StringLike":{"kms:EncryptionContext:u":"b*"}}`, Proved},
		"nobody, for no number is between":                           {`{"NumericGreaterThan":{"kms:EncryptionContext:u":"6"},"NumericLessThan":{"kms:EncryptionContext:u":"5"}}`, Proved},
		"nobody, for the variable is of no caller of other accounts": {`{"StringEquals":{"kms:EncryptionContext:u":"${aws:PrincipalTag/org}","kms:CallerAccount":"111122223333"}}`, Proved},
	} {
		d := parse(t, policy.Key, full(says("Allow", `"*"`, `"kms:Decrypt"`, row.condition)))
		u, err := OfDocument(Loose{Document: d, Account: "111122223333"}, Config{})
		require.NoError(t, err)
		a, err := Find(t.Context(), Query{Allowed: []*Universe{u}, Actions: []string{"kms:Decrypt"}, Callers: func(c Caller) bool { return c.Account != "111122223333" }})
		require.NoError(t, err, name)
		assert.Equal(t, row.want, a.State, "%s: %s", name, a.Why)
	}
}
