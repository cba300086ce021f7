package decision

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// The key policy that leaves a key to its account's IAM policies.
var delegates = allow(home, "kms:*")

func TestDecisions(t *testing.T) {
	for _, c := range []struct {
		id, says string
		asked    Question
		want     string
	}{
		{"A-10", "a deny in the key policy wins over an allow in it",
			ask(keySays(allow("user/ann", "kms:*"), deny("user/ann", "kms:Decrypt"))), "explicit-deny resource"},
		{"A-10", "a deny for another action does not",
			ask(keySays(allow("user/ann", "kms:*"), deny("user/ann", "kms:Encrypt"))), "allow resource"},
		{"A-10", "a deny in an IAM policy wins over the key policy",
			ask(keySays(allow("user/ann", "kms:*")), iamSays(deny("", "kms:*"))), "explicit-deny identity"},
		{"A-10", "a deny in a boundary wins, where its implicit deny would not",
			ask(keySays(allow("user/ann", "kms:*")), boundarySays(deny("", "kms:Decrypt"))), "explicit-deny boundary"},
		{"A-10", "a deny in a session policy wins",
			ask(by(payroll), keySays(allow("*", "kms:*")), sessionSays(deny("", "kms:Decrypt"))), "explicit-deny session"},
		{"A-10", "a deny in an SCP wins", ask(keySays(allow("user/ann", "kms:*")), scpSays(allow("", "*"), deny("", "kms:*"))), "explicit-deny scp"},
		{"A-10", "a deny in an RCP wins", ask(keySays(allow("user/ann", "kms:*")), rcpSays(deny("*", "kms:*"))), "explicit-deny rcp"},
		{"A-10", "a deny in an endpoint policy wins",
			ask(keySays(allow("user/ann", "kms:*")), endpointSays(allow("*", "*"), deny("*", "kms:Decrypt"))), "explicit-deny endpoint"},
		{"A-10", "a deny wins over a grant", ask(granted(to(ViaUser, "AIDAANN")), iamSays(deny("", "kms:Decrypt"))), "explicit-deny identity"},
		{"A-10", "of two denies the first layer is named",
			ask(keySays(deny("*", "kms:*")), iamSays(deny("", "kms:*")), scpSays(deny("", "kms:*"))), "explicit-deny scp"},

		{"A-11", "an SCP level that does not allow refuses",
			ask(keySays(allow("user/ann", "kms:*")), scpSays(allow("", "*")), scpSays(allow("", "s3:*"))), "no-allow scp"},
		{"A-11", "SCP levels that all allow let pass",
			ask(keySays(allow("user/ann", "kms:*")), scpSays(allow("", "*")), scpSays(allow("", "kms:*"))), "allow resource"},
		{"A-11", "SCPs bind the root user", ask(by(root), keySays(delegates), scpSays(allow("", "s3:*"))), "no-allow scp"},
		{"A-11", "SCPs do not bind the management account",
			ask(managementCaller, keySays(allow("user/ann", "kms:*")), scpSays(deny("", "kms:*"))), "allow resource"},
		{"A-11", "SCPs do not bind service-linked roles",
			ask(by(linked), keySays(allow("*", "kms:*")), scpSays(deny("", "kms:*"))), "allow resource"},
		{"A-11", "an RCP without allow lets pass", ask(keySays(allow("user/ann", "kms:*")), func(q *Question) { q.RCP = [][]Policy{{}} }), "allow resource"},
		{"A-11", "RCPs do not bind keys of the management account", ask(keySays(allow("user/ann", "kms:*")), rcpSays(deny("*", "kms:*")),
			func(q *Question) { q.Resource.Management = true }), "allow resource"},
		{"A-11", "RCPs do not bind AWS managed keys", ask(keySays(allow("user/ann", "kms:*")), rcpSays(deny("*", "kms:*")),
			func(q *Question) { q.Resource.AWSManaged = true }), "allow resource"},
		{"A-11", "RCPs bind services", ask(by(logs), keySays(allow("logs.amazonaws.com", "kms:*")), rcpSays(deny("*", "kms:*"))), "explicit-deny rcp"},
		{"A-11", "an endpoint policy that does not allow refuses",
			ask(keySays(allow("user/ann", "kms:*")), endpointSays(allow("*", "kms:Encrypt"))), "no-allow endpoint"},
		{"A-11", "an account in an endpoint policy is everyone in it, without delegation",
			ask(keySays(allow("user/ann", "kms:*")), endpointSays(allow(home, "kms:*"))), "allow resource"},

		{"A-12", "where the table says no, other accounts are refused",
			ask(by(xena), neverAcross, keySays(allow("user/xena", "kms:*")), iamSays(allow("", "kms:*"))), "cross-account resource"},
		{"A-12", "and the own account is not", ask(neverAcross, keySays(allow("user/ann", "kms:*"))), "allow resource"},

		{"A-13a", "the key policy allows the user itself", ask(keySays(allow("user/ann", "kms:Decrypt"))), "allow resource"},
		{"A-13a", "another user is refused", ask(keySays(allow("user/ben", "kms:Decrypt"))), "no-allow resource"},
		{"A-13a", "the key policy allows the role", ask(by(payroll), keySays(allow("role/payroll", "kms:Decrypt"))), "allow resource"},
		{"A-13a", "the key policy allows the session", ask(by(payroll), keySays(allow("assumed-role/payroll/worker", "kms:Decrypt"))), "allow resource"},
		{"A-13a", "the key policy allows everyone", ask(keySays(allow("*", "kms:Decrypt"))), "allow resource"},
		{"A-13b", "the account and an IAM policy together allow", ask(keySays(delegates), iamSays(allow("", "kms:Decrypt"))), "allow identity"},
		{"A-13b", "an IAM policy without the account does not", ask(iamSays(allow("", "kms:Decrypt"))), "no-allow resource"},
		{"A-13b", "the root user needs no IAM policy", ask(by(root), keySays(delegates)), "allow resource"},
		{"A-13b", "the root user is nothing without the key policy", ask(by(root)), "no-allow resource"},
		{"A-13c", "a grant allows its grantee", ask(granted(to(ViaUser, "AIDAANN"))), "allow grant"},
		{"A-13c", "a grant to another does not", ask(granted(to(ViaUser, "AIDABEN"))), "no-allow resource"},
		{"A-13c", "a grant to the account delegates", ask(granted(to(ViaAccount, home))), "no-allow identity"},
		{"A-13c", "and an IAM policy then allows", ask(granted(to(ViaAccount, home)), iamSays(allow("", "kms:Decrypt"))), "allow grant"},
		{"A-13d", "a service is allowed by the key policy",
			ask(by(logs), neverAcross, keySays(allow("logs.amazonaws.com", "kms:*"))), "allow resource"},
		{"A-13d", "a service is allowed by everyone", ask(by(logs), keySays(allow("*", "kms:*"))), "allow resource"},
		{"A-13d", "a service is allowed by a grant", ask(by(logs), granted(to(ViaService, "logs.amazonaws.com"))), "allow grant"},
		{"A-13d", "another service is refused", ask(by(logs), keySays(allow("s3.amazonaws.com", "kms:*"))), "no-allow resource"},
		{"A-13d", "the account in the key policy is no service", ask(by(logs), keySays(delegates)), "no-allow resource"},

		{"A-14", "the account in an allow does not allow its users", ask(keySays(delegates)), "no-allow identity"},
		{"A-14", "the account in a deny matches its users", ask(keySays(allow("user/ann", "kms:*"), deny(home, "kms:*"))), "explicit-deny resource"},
		{"A-14", "the account in a deny matches its root user", ask(by(root), keySays(delegates, deny(home, "kms:Decrypt"))), "explicit-deny resource"},

		{"A-15", "across accounts the key's side alone does not allow", ask(by(xena), keySays(allow("user/xena", "kms:*"))), "no-allow identity"},
		{"A-15", "across accounts the caller's side alone does not allow", ask(by(xena), iamSays(allow("", "kms:*"))), "no-allow resource"},
		{"A-15", "both sides allow by user", ask(by(xena), keySays(allow("user/xena", "kms:*")), iamSays(allow("", "kms:*"))), "allow identity"},
		{"A-15", "both sides allow by account", ask(by(xena), keySays(allow(abroad, "kms:*")), iamSays(allow("", "kms:*"))), "allow identity"},
		{"A-15", "both sides allow by everyone", ask(by(xena), keySays(allow("*", "kms:*")), iamSays(allow("", "kms:*"))), "allow identity"},
		{"A-15", "the key's own account in the key policy is not the caller's", ask(by(xena), keySays(delegates), iamSays(allow("", "kms:*"))), "no-allow resource"},
		{"A-15", "the other root user needs no IAM policy", ask(by(outside), keySays(allow(abroad, "kms:*"))), "allow resource"},
		{"A-15", "a grant to the caller suffices", ask(by(xena), granted(to(ViaUser, "AIDAXENA"))), "allow grant"},
		{"A-15", "a grant to the other account needs an IAM policy", ask(by(xena), granted(to(ViaAccount, abroad))), "no-allow identity"},
		{"A-15", "and is enough with one", ask(by(xena), granted(to(ViaAccount, abroad)), iamSays(allow("", "kms:*"))), "allow grant"},

		{"A-16", "an IAM policy alone allows CreateKey", ask(rule(IdentityOnly), action("kms:CreateKey"), absent, iamSays(allow("", "kms:CreateKey"))), "allow identity"},
		{"A-16", "without one CreateKey is refused", ask(rule(IdentityOnly), action("kms:CreateKey"), absent), "no-allow identity"},
		{"A-16", "the root user has CreateKey by default", ask(rule(IdentityOnly), action("kms:CreateKey"), absent, by(root)), "allow root"},
		{"A-16", "boundaries limit it", ask(rule(IdentityOnly), action("kms:CreateKey"), absent, iamSays(allow("", "kms:CreateKey")),
			boundarySays(allow("", "kms:Decrypt"))), "no-allow boundary"},

		{"A-18", "a boundary does not limit an allow for the user", ask(keySays(allow("user/ann", "kms:*")), boundarySays(allow("", "s3:*"))), "allow resource"},
		{"A-18", "a boundary limits IAM policies", ask(keySays(delegates), iamSays(allow("", "kms:*")), boundarySays(allow("", "s3:*"))), "no-allow boundary"},
		{"A-18", "a boundary that allows does not", ask(keySays(delegates), iamSays(allow("", "kms:*")), boundarySays(allow("", "kms:*"))), "allow identity"},
		{"A-18", "a session policy limits IAM policies",
			ask(by(payroll), keySays(delegates), iamSays(allow("", "kms:*")), sessionSays(allow("", "s3:*"))), "no-allow session"},
		{"A-18", "any of several session policies may allow",
			ask(by(payroll), keySays(delegates), iamSays(allow("", "kms:*")), sessionSays(allow("", "s3:*")), sessionSays(allow("", "kms:*"))), "allow identity"},
		{"A-18", "both limit an allow for the role", ask(by(payroll), keySays(allow("role/payroll", "kms:*")), boundarySays(allow("", "s3:*"))), "no-allow boundary"},
		{"A-18", "both limit an allow for the role, the session policy too",
			ask(by(payroll), keySays(allow("role/payroll", "kms:*")), sessionSays(allow("", "s3:*"))), "no-allow session"},
		{"A-18", "neither limits an allow for the session", ask(by(payroll), keySays(allow("assumed-role/payroll/worker", "kms:*")),
			boundarySays(allow("", "s3:*")), sessionSays(allow("", "s3:*"))), "allow resource"},
		{"A-18", "neither limits an allow for everyone", ask(by(payroll), keySays(allow("*", "kms:*")),
			boundarySays(allow("", "s3:*")), sessionSays(allow("", "s3:*"))), "allow resource"},
		{"A-18", "neither limits an allow for a federated session", ask(by(fred), keySays(allow("federated-user/fred", "kms:*")),
			boundarySays(allow("", "s3:*")), sessionSays(allow("", "s3:*"))), "allow resource"},
		{"A-18", "its session policy limits a federated session allowed by its user",
			ask(by(fred), keySays(allow("user/ann", "kms:*")), sessionSays(allow("", "s3:*"))), "no-allow session"},
		{"A-18", "and lets it pass", ask(by(fred), keySays(allow("user/ann", "kms:*")), sessionSays(allow("", "kms:*"))), "allow resource"},
		{"A-18", "a federated session without policy has none of its user's permissions",
			ask(by(fred), keySays(delegates), iamSays(allow("", "kms:*"))), "no-allow session"},
		{"A-18", "across accounts a boundary limits an allow for the user",
			ask(by(xena), keySays(allow("user/xena", "kms:*")), iamSays(allow("", "kms:*")), boundarySays(allow("", "s3:*"))), "no-allow boundary"},
		{"A-18", "across accounts a session policy limits an allow for the session",
			ask(by(remote), keySays(allow("assumed-role/remote/worker", "kms:*")), iamSays(allow("", "kms:*")), sessionSays(allow("", "s3:*"))), "no-allow session"},

		{"A-19", "without any allow the answer is no", ask(), "no-allow resource"},
		{"A-19", "an empty list of session policies allows nothing",
			ask(by(payroll), keySays(delegates), iamSays(allow("", "kms:*")), func(q *Question) { q.Session = []Policy{} }), "no-allow session"},
		{"A-19", "an empty SCP level allows nothing", ask(keySays(allow("user/ann", "kms:*")), func(q *Question) { q.SCP = [][]Policy{{}} }), "no-allow scp"},
		{"A-19", "an organization without levels allows nothing", ask(keySays(allow("user/ann", "kms:*")), func(q *Question) { q.SCP = [][]Policy{} }), "no-allow scp"},

		{"A-31", "a recreated user does not match its old statement", ask(keySays(allow("user/ann", "kms:*")),
			func(q *Question) { q.Principal.User = "AIDAANN2" }), "no-allow resource"},
		{"A-31", "a principal that did not exist matches nobody", ask(keySays(allow("user/ann", "kms:*")),
			func(q *Question) { q.KeyPolicy.Principals = nil }), "no-allow resource"},
	} {
		t.Run(c.id+" "+c.says, func(t *testing.T) {
			d := decided(t, c.asked)
			assert.Equal(t, c.want, verdictOf(d))
			assert.Equal(t, d.Reason == Allow, d.Allowed)
		})
	}
}

func TestTrust(t *testing.T) {
	trust := func(s ...string) change {
		return func(q *Question) {
			q.Rule, q.Action = Trust, "sts:AssumeRole"
			q.Resource = Resource{ARN: "arn:aws:iam::111122223333:role/payroll", Account: home, OrgID: ourOrg}
			q.KeyPolicy = ptr(document(policy.Trust, "trust", s...))
		}
	}
	iam := iamSays(allow("", "sts:AssumeRole"))
	for _, c := range []struct {
		says  string
		asked Question
		want  string
	}{
		{"the trust policy allows the caller itself", ask(trust(allow("user/ann", "sts:AssumeRole"))), "allow resource"},
		{"the trust policy allows another", ask(trust(allow("user/ben", "sts:AssumeRole")), iam), "no-allow resource"},
		{"the account alone does not", ask(trust(allow(home, "sts:AssumeRole"))), "no-allow identity"},
		{"the account and an IAM policy do", ask(trust(allow(home, "sts:AssumeRole")), iam), "allow identity"},
		{"another account needs both sides", ask(by(xena), trust(allow("user/xena", "sts:AssumeRole"))), "no-allow identity"},
		{"another account with both sides", ask(by(xena), trust(allow("user/xena", "sts:AssumeRole")), iam), "allow identity"},
		{"a role does not trust itself", ask(by(payroll), trust(allow("user/ann", "sts:AssumeRole")), iam), "no-allow resource"},
		{"tags need a permission of their own", ask(trust(allow("user/ann", "sts:AssumeRole")), action("sts:TagSession")), "no-allow resource"},
		{"tags allowed by the trust policy", ask(trust(allow("user/ann", "sts:TagSession")), action("sts:TagSession")), "allow resource"},
		{"a source identity needs a permission of its own", ask(trust(allow("user/ann", "sts:AssumeRole")), action("sts:SetSourceIdentity")), "no-allow resource"},
		{"grants have no say", ask(trust(allow("user/ben", "sts:AssumeRole")), granted(to(ViaUser, "AIDAANN"))), "no-allow resource"},
		{"an RCP binds roles", ask(trust(allow("user/ann", "sts:AssumeRole")), rcpSays(deny("*", "sts:*"))), "explicit-deny rcp"},
	} {
		t.Run("A-80 "+c.says, func(t *testing.T) {
			assert.Equal(t, c.want, verdictOf(decided(t, c.asked)))
		})
	}
}
