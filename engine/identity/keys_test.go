package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

func TestConditionKeysOfTheCaller(t *testing.T) {
	b := newBench(t)
	later := now.Add(90 * time.Second)
	assert.Equal(t, map[string][]string{
		"aws:principalarn":       {"arn:aws:iam::111122223333:user/staff/bob"},
		"aws:principaltype":      {"User"},
		"aws:userid":             {"AIDABOBBOBBOBBOB"},
		"aws:username":           {"bob"},
		"aws:principalaccount":   {"111122223333"},
		"kms:calleraccount":      {"111122223333"},
		"aws:principaltag/team":  {"pay"},
		"aws:principaltag/level": {"3"},
	}, b.caller("AKIABOB").Keys(later), "a user")

	assert.Equal(t, map[string][]string{
		"aws:principalarn":     {"arn:aws:iam::111122223333:root"},
		"aws:principaltype":    {"Account"},
		"aws:userid":           {"111122223333"},
		"aws:principalaccount": {"111122223333"},
		"kms:calleraccount":    {"111122223333"},
	}, b.caller("AKIAROOT").Keys(later), "root")

	s := payrollSession
	s.Tags, s.SourceIdentity = map[string]string{"TEAM": "night"}, "ada"
	s.MFASerial, s.MFATime = "arn:aws:iam::111122223333:mfa/bob", now
	role, refused := b.resolve(b.issue(s), now)
	require.Empty(t, refused)
	assert.Equal(t, map[string][]string{
		"aws:principalarn":           {"arn:aws:iam::111122223333:role/service/payroll"},
		"aws:principaltype":          {"AssumedRole"},
		"aws:userid":                 {"AROAPAYROLLPAYROLL:nightly"},
		"aws:principalaccount":       {"111122223333"},
		"kms:calleraccount":          {"111122223333"},
		"aws:principaltag/team":      {"night"},
		"aws:tokenissuetime":         {"2026-11-23T10:00:00Z"},
		"aws:multifactorauthpresent": {"false"},
		"aws:sourceidentity":         {"ada"},
	}, role.Keys(later), "a role session: its tags win over the role's, and MFA does not pass on")

	u := bobsSession
	u.MFASerial, u.MFATime = "arn:aws:iam::111122223333:mfa/bob", now
	user, refused := b.resolve(b.issue(u), now)
	require.Empty(t, refused)
	keys := user.Keys(later)
	assert.Equal(t, []string{"true"}, keys["aws:multifactorauthpresent"])
	assert.Equal(t, []string{"90"}, keys["aws:multifactorauthage"])
	assert.Equal(t, []string{"bob"}, keys["aws:username"])

	web := b.caller("ASIAPIPELINE").Keys(later)
	assert.Equal(t, []string{"accounts.google.com"}, web["aws:federatedprovider"])
	assert.Equal(t, []string{"1101"}, web["accounts.google.com:sub"])
	assert.Equal(t, []string{"builder"}, web["aws:sourceidentity"])
	pod := b.caller("ASIAPOD").Keys(later)
	assert.Equal(t, []string{"pod-7"}, pod["oidc.example.com/id/ab12:sub"], "a provider's ARN ends with the name of its host")
	assert.Equal(t, []string{"2026-11-23T09:30:00Z"}, web["aws:tokenissuetime"])

	federated := b.caller("ASIAVISITOR").Keys(later)
	assert.Equal(t, []string{"FederatedUser"}, federated["aws:principaltype"])
	assert.Equal(t, []string{"guests"}, federated["aws:principaltag/team"])
	assert.NotContains(t, federated, "aws:username")
	assert.NotContains(t, federated, "aws:tokenissuetime", "the world does not say when it was issued")
}

func names(list []decision.Policy) []string {
	all := []string{}
	for _, p := range list {
		all = append(all, p.Name)
	}
	return all
}

func TestAttachedPolicies(t *testing.T) {
	b := newBench(t)
	bob := b.caller("AKIABOB").Attached()
	assert.Equal(t, []string{"own", "Reader", "staff", "AdministratorAccess"}, names(bob.Identity))
	assert.Equal(t, "Reader", bob.Boundary.Name)
	assert.Equal(t, policy.Boundary, bob.Boundary.Document.Kind)
	assert.Nil(t, bob.Session)
	assert.Nil(t, bob.SCP, "the account is in no organization")
	for _, p := range bob.Identity {
		assert.Equal(t, "111122223333", p.Owner, p.Name)
	}

	root := b.caller("AKIAROOT").Attached()
	assert.Equal(t, identity.Attached{}, root, "the root user has no policies")

	visitor := b.caller("ASIAVISITOR").Attached()
	assert.Len(t, visitor.Identity, 4, "a federated user has the policies of its parent")
	assert.Equal(t, []decision.Policy{}, visitor.Session, "without a session policy it may do nothing by them")

	s := payrollSession
	s.Policies = []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}`}
	s.PolicyARNs = []string{"arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::111122223333:policy/Reader"}
	caller, refused := b.resolve(b.issue(s), now)
	require.Empty(t, refused)
	role := caller.Attached()
	assert.Equal(t, []string{"use"}, names(role.Identity))
	assert.Equal(t, []string{"session", "AdministratorAccess", "Reader"}, names(role.Session))
	for _, p := range role.Session {
		assert.Equal(t, policy.Session, p.Document.Kind, p.Name)
	}
}

func TestPrincipalsOfADocumentAreBound(t *testing.T) {
	b := newBench(t)
	document, err := policy.Parse(policy.Key, []byte(`{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": {"AWS": [
			"111122223333",
			"arn:aws:iam::111122223333:root",
			"arn:aws:iam::111122223333:user/staff/bob",
			"arn:aws:iam::111122223333:role/service/payroll",
			"arn:aws:sts::111122223333:assumed-role/payroll/nightly",
			"arn:aws:sts::111122223333:federated-user/visitor",
			"arn:aws:iam::111122223333:user/bob",
			"arn:aws:iam::999999999999:root",
			"arn:aws-cn:iam::111122223333:root"
		], "Service": "logs.amazonaws.com"}}]}`))
	require.NoError(t, err)
	ids, unknown := identity.Bind(b.world, document)
	assert.Equal(t, map[string]string{
		"arn:aws:iam::111122223333:user/staff/bob":               "AIDABOBBOBBOBBOB",
		"arn:aws:iam::111122223333:role/service/payroll":         "AROAPAYROLLPAYROLL",
		"arn:aws:sts::111122223333:assumed-role/payroll/nightly": "AROAPAYROLLPAYROLL:nightly",
		"arn:aws:sts::111122223333:federated-user/visitor":       "111122223333:visitor",
	}, ids)
	var texts []string
	for _, p := range unknown {
		texts = append(texts, p.Text)
	}
	assert.Equal(t, []string{
		"arn:aws:iam::111122223333:user/bob", "arn:aws:iam::999999999999:root", "arn:aws-cn:iam::111122223333:root",
	}, texts)
}

func TestPartyOfAGrant(t *testing.T) {
	b := newBench(t)
	for arn, want := range map[string]decision.Party{
		"arn:aws:iam::444455556666:root":                     {Via: decision.ViaAccount, ID: "444455556666"},
		"arn:aws:iam::111122223333:user/staff/bob":           {Via: decision.ViaUser, ID: "AIDABOBBOBBOBBOB"},
		"arn:aws:iam::111122223333:role/service/payroll":     {Via: decision.ViaRole, ID: "AROAPAYROLLPAYROLL"},
		"arn:aws:sts::111122223333:assumed-role/payroll/x-1": {Via: decision.ViaSession, ID: "AROAPAYROLLPAYROLL:x-1"},
		"arn:aws:sts::111122223333:federated-user/newcomer":  {Via: decision.ViaSession, ID: "111122223333:newcomer"},
	} {
		got, known := identity.Party(b.world, arn)
		assert.True(t, known, arn)
		assert.Equal(t, want, got, arn)
	}
	for _, arn := range []string{
		"", "*", "111122223333", "arn:aws:iam::999999999999:root", "arn:aws:iam::111122223333:user/bob",
		"arn:aws:sts::111122223333:assumed-role/service/payroll/x-1", "arn:aws:sts::111122223333:assumed-role/payroll", "arn:aws:sts::111122223333:assumed-role/payroll/x-1/y",
		"arn:aws:iam::111122223333:group/Staff", "arn:aws:sts::111122223333:federated-user/",
	} {
		_, known := identity.Party(b.world, arn)
		assert.False(t, known, arn)
	}
	assert.Equal(t, "111122223333", identity.AccountOf("arn:aws:iam::111122223333:user/bob"))
	assert.Empty(t, identity.AccountOf("bob"))
}

func TestTrustIsBoundToPrincipals(t *testing.T) {
	b := newBench(t)
	trust := identity.Trust(b.world.RoleByName("111122223333", "payroll"))
	assert.Equal(t, policy.Trust, trust.Document.Kind)
	assert.Equal(t, "111122223333", trust.Owner)
	assert.NotNil(t, trust.Principals)
}

func TestTagsThatDifferInALetterOfUnicodeDoNotHideEachOther(t *testing.T) {
	c := identity.Caller{
		Role:    &world.Role{Tags: map[string]string{"id": "low", "clear": "no"}},
		Session: &identity.Session{Tags: map[string]string{"class": "restricted", "cla\u017fs": "x", "\u0130d": "admin", "\u212aey": "1"}},
	}
	for range 50 {
		tags := c.Tags()
		assert.Equal(t, "restricted", tags["class"])
		assert.Equal(t, "x", tags["cla\u017fs"])
		assert.Equal(t, "no", tags["clear"])
		seen := map[string]bool{}
		for name := range tags {
			assert.False(t, seen[strings.ToLower(name)], "two tags are one condition key: %q", name)
			seen[strings.ToLower(name)] = true
		}
	}
}
