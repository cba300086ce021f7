package decision

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSentences(t *testing.T) {
	const (
		annDecrypts  = "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: kms:Decrypt on resource: " + keyARN
		xenaDecrypts = "User: arn:aws:iam::444455556666:user/xena is not authorized to perform: kms:Decrypt on resource: " + keyARN
		opaque       = " because the resource does not exist in this Region, no resource-based policies allow access, " +
			"or a resource-based policy explicitly denies access"
		policyARN = ": arn:aws:iam::111122223333:policy/"
	)
	open := keySays(allow("*", "kms:*"))
	sameOrg := func(q *Question) { q.Principal.OrgID = ourOrg }
	for _, c := range []struct {
		id, says string
		asked    Question
		want     string
	}{
		{"A-70", "no IAM policy allows", ask(keySays(delegates)), annDecrypts + " because no identity-based policy allows the kms:Decrypt action"},
		{"A-70", "the key policy neither allows nor delegates", ask(), annDecrypts + " because no resource-based policy allows the kms:Decrypt action"},
		{"A-70", "the key is another account's", ask(by(xena), iamSays(allow("", "kms:*"))), xenaDecrypts + opaque},
		{"A-70", "an SCP does not allow", ask(open, scpSays(allow("", "s3:*"))), annDecrypts + " because no service control policy allows the kms:Decrypt action"},
		{"A-70", "the endpoint does not allow", ask(open, endpointSays(allow("*", "s3:*"))), annDecrypts + " because no VPC endpoint policy allows the kms:Decrypt action"},
		{"A-70", "the boundary does not allow", ask(keySays(delegates), iamSays(allow("", "kms:*")), boundarySays(allow("", "s3:*"))),
			annDecrypts + " because no permissions boundary allows the kms:Decrypt action"},
		{"A-70", "the session policy does not allow", ask(by(payroll), keySays(allow("role/payroll", "kms:*")), sessionSays(allow("", "s3:*"))),
			"User: arn:aws:sts::111122223333:assumed-role/payroll/worker is not authorized to perform: kms:Decrypt on resource: " + keyARN +
				" because no session policy allows the kms:Decrypt action"},
		{"A-70", "no resource is named", ask(rule(IdentityOnly), action("kms:CreateKey"), absent, func(q *Question) { q.Resource.ARN = "*" }),
			"User: arn:aws:iam::111122223333:user/ann is not authorized to perform: kms:CreateKey because no identity-based policy allows the kms:CreateKey action"},
		{"A-70", "all of the account's in the Region are none", ask(rule(IdentityOnly), action("kms:CreateKey"), absent, func(q *Question) {
			q.Resource.ARN = "arn:aws:kms:us-east-1:111122223333:*"
		}), "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: kms:CreateKey because no identity-based policy allows the kms:CreateKey action"},
		{"A-70", "the root user is named as root", ask(by(root)),
			"User: arn:aws:iam::111122223333:root is not authorized to perform: kms:Decrypt on resource: " + keyARN +
				" because no resource-based policy allows the kms:Decrypt action"},
		{"A-12", "across accounts never", ask(by(xena), neverAcross, open, iamSays(allow("", "kms:*"))), xenaDecrypts + opaque},

		{"A-74", "an IAM policy denies", ask(open, iamSays(deny("", "kms:*"))), annDecrypts + " with an explicit deny in an identity-based policy" + policyARN + "iam"},
		{"A-74", "an SCP denies", ask(open, scpSays(allow("", "*"), deny("", "kms:*"))), annDecrypts + " with an explicit deny in a service control policy" + policyARN + "scp"},
		{"A-74", "an RCP denies", ask(open, rcpSays(deny("*", "kms:*"))), annDecrypts + " with an explicit deny in a resource control policy" + policyARN + "rcp"},
		{"A-74", "a boundary denies", ask(open, boundarySays(deny("", "kms:*"))), annDecrypts + " with an explicit deny in a permissions boundary" + policyARN + "boundary"},
		{"A-74", "a session policy has no ARN", ask(by(payroll), open, sessionSays(deny("", "kms:*"))),
			"User: arn:aws:sts::111122223333:assumed-role/payroll/worker is not authorized to perform: kms:Decrypt on resource: " + keyARN +
				" with an explicit deny in a session policy"},
		{"A-74", "a key policy is not named", ask(keySays(deny("*", "kms:*"))), annDecrypts + " with an explicit deny in a resource-based policy"},
		{"A-74", "an endpoint policy is not named", ask(open, endpointSays(deny("*", "kms:*"))), annDecrypts + " with an explicit deny in a VPC endpoint policy"},
		{"A-74", "across accounts the own policy is named", ask(by(xena), open, iamSays(deny("", "kms:*"))),
			xenaDecrypts + " with an explicit deny in an identity-based policy" + policyARN + "iam"},
		{"A-74", "across accounts an RCP of the own organization is named", ask(by(xena), sameOrg, open, rcpSays(deny("*", "kms:*"))),
			xenaDecrypts + " with an explicit deny in a resource control policy" + policyARN + "rcp"},

		{"A-19", "what is allowed has no sentence", ask(open), ""},
	} {
		t.Run(c.id+" "+c.says, func(t *testing.T) {
			assert.Equal(t, c.want, decided(t, c.asked).Sentence())
		})
	}
}

func TestZeroDecisionTellsNothing(t *testing.T) {
	var d Decision
	assert.False(t, d.Allowed)
	assert.Empty(t, d.Sentence())
	assert.Empty(t, d.Evidence())
	assert.Empty(t, d.CallerView())
}
