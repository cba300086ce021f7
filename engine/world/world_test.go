package world

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

func load(t *testing.T) *World {
	t.Helper()
	w, err := Load("testdata/two-accounts.txtar", nil)
	require.NoError(t, err)
	return w
}

func names(list []*Policy) []string {
	all := []string{}
	for _, p := range list {
		all = append(all, p.Name)
	}
	return all
}

func TestUserHasWhatTheWorldSays(t *testing.T) {
	w := load(t)
	p, ok := w.Principal("arn:aws:iam::111122223333:user/bob")
	require.True(t, ok)
	bob := p.(*User)
	assert.Equal(t, "AIDABOBBOBBOBBOB", bob.ID)
	assert.Equal(t, []string{"use-payroll"}, names(bob.Inline))
	assert.Equal(t, []string{"KeyReader", "AWSKeyManagementServicePowerUser"}, names(bob.Managed))
	assert.Equal(t, "arn:aws:iam::111122223333:policy/KeyReader", bob.Managed[0].ARN)
	assert.Equal(t, policy.Identity, bob.Managed[0].Document.Kind)
	assert.Equal(t, policy.Boundary, bob.Boundary.Document.Kind)
	assert.Equal(t, bob.Managed[0].ARN, bob.Boundary.ARN)

	p, ok = w.Principal("arn:aws:iam::111122223333:user/admins/alice")
	require.True(t, ok, "a path is part of the ARN")
	alice := p.(*User)
	assert.Regexp(t, `^AIDA[A-Z2-7]{17}$`, alice.ID)
	assert.Equal(t, map[string]string{"team": "platform", "cost-center": "007"}, alice.Tags, "values are texts as written")
	require.Len(t, alice.Groups, 1)
	assert.Equal(t, []string{"AdministratorAccess"}, names(alice.Groups[0].Managed))
	again, ok := w.PrincipalByID(alice.ID)
	require.True(t, ok)
	assert.Same(t, alice, again)
}

func TestRoleHasWhatTheWorldSays(t *testing.T) {
	w := load(t)
	role := w.RoleByName("111122223333", "payroll")
	require.NotNil(t, role)
	assert.Equal(t, "arn:aws:iam::111122223333:role/service/payroll", role.ARN)
	assert.Equal(t, 2*time.Hour, role.MaxSession)
	assert.Equal(t, map[string]string{"arn:aws:iam::111122223333:user/bob": "AIDABOBBOBBOBBOB"}, role.Trust.Principals)
	assert.Equal(t, "policies/payroll.trust.json", role.Trust.File)
	require.Len(t, role.Inline, 1)
	assert.Equal(t, "world.yaml", role.Inline[0].File, "a policy inside the world file")
	assert.Equal(t, policy.Version2012, role.Inline[0].Document.Version)
	assert.Equal(t, 38, role.Inline[0].Line(role.Inline[0].Document.Statements[0].Actions[0].Pos))

	auditor := w.RoleByName("444455556666", "auditor")
	assert.Equal(t, time.Hour, auditor.MaxSession, "as in AWS")
	assert.Equal(t, "111122223333", auditor.Trust.Document.Statements[0].Principals[0].Account, "an account id without quotes is one")
	assert.False(t, role.ServiceLinked)
}

func TestAccessKeyLeadsToItsOwner(t *testing.T) {
	w := load(t)
	for id, check := range map[string]func(AccessKey) bool{
		"AKIAROOTACME": func(k AccessKey) bool { return k.Root && k.Active },
		"AKIABOB":      func(k AccessKey) bool { return k.User.Name == "bob" && k.Active },
		"AKIABOBOLD":   func(k AccessKey) bool { return k.User.Name == "bob" && !k.Active },
		"ASIAVISITOR":  func(k AccessKey) bool { return k.Federated.Parent.Name == "bob" && len(k.Federated.Session) == 1 },
		"ASIAPIPELINE": func(k AccessKey) bool { return k.Identity.Role.Name == "payroll" && k.Identity.Session == nil },
		"AKIAOPS":      func(k AccessKey) bool { return k.User.Name == "alice" && k.Active },
	} {
		key, ok := w.AccessKey(id)
		require.True(t, ok, id)
		assert.Equal(t, "111122223333", key.Account, id)
		assert.True(t, check(key), id)
	}
	_, ok := w.AccessKey("AKIANOBODY")
	assert.False(t, ok)
	alice, _ := w.Principal("arn:aws:iam::111122223333:user/admins/alice")
	assert.Len(t, alice.(*User).Keys, 2, "those that stand apart count too")
}

func TestSecretsDoNotPrint(t *testing.T) {
	w := load(t)
	account, _ := w.Account("111122223333")
	key, _ := w.AccessKey("AKIABOB")
	assert.Equal(t, "bob-secret", string(key.Secret.Expose()))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, x := range []any{key, w, account, account.Users[1], *account.Users[1]} {
			assert.NotContains(t, fmt.Sprintf(verb, x), "bob-secret")
		}
	}
}

func TestKeysAreTheSameEachTime(t *testing.T) {
	first, second := load(t).Keys(), load(t).Keys()
	require.Len(t, first, 2)
	for i := range first {
		assert.Equal(t, first[i].ID, second[i].ID)
	}
	payroll, wide := first[0], first[1]
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, payroll.ID)
	assert.Equal(t, "arn:aws:kms:eu-west-1:111122223333:key/"+payroll.ID, payroll.ARN)
	assert.Equal(t, []string{"alias/pay", "alias/payroll"}, payroll.Aliases)
	assert.Equal(t, "ENCRYPT_DECRYPT", payroll.Usage)
	assert.Contains(t, payroll.Policy.Principals, "arn:aws:sts::111122223333:assumed-role/payroll/nightly")
	require.Len(t, payroll.Grants, 1)
	grant := payroll.Grants[0]
	assert.Regexp(t, `^[0-9a-f]{64}$`, grant.ID)
	assert.Equal(t, "arn:aws:iam::111122223333:role/service/payroll", grant.Grantee)
	assert.Equal(t, "arn:aws:iam::444455556666:root", grant.Retiree)
	assert.Equal(t, map[string]string{"dept": "finance"}, grant.Subset)
	assert.Nil(t, grant.Equals)

	assert.Regexp(t, `^mrk-[0-9a-f]{32}$`, wide.ID)
	assert.Equal(t, "us-east-1", wide.Region, "the first Region unless the key says otherwise")
	assert.Equal(t, "GENERATE_VERIFY_MAC", wide.Usage, "the first usage of its spec")
	assert.Nil(t, wide.Policy)
}

func TestWorldAsAWhole(t *testing.T) {
	w := load(t)
	assert.Equal(t, "aws", w.Partition())
	assert.Equal(t, []string{"us-east-1", "eu-west-1"}, w.Regions())
	assert.True(t, w.Offers("444455556666", "eu-west-1"))
	assert.False(t, w.Offers("444455556666", "eu-west-2"))
	assert.False(t, w.Offers("999999999999", "eu-west-1"))
	assert.Equal(t, []string{"policies/spare.json"}, w.Unreferenced())
	assert.Equal(t, []string{
		"arn:aws:iam::111122223333:role/service/payroll", "arn:aws:iam::111122223333:user/admins/alice",
		"arn:aws:iam::111122223333:user/bob", "arn:aws:iam::444455556666:role/auditor",
	}, w.Principals())
	assert.Nil(t, w.Organization())
	assert.Empty(t, w.Organization().Levels("111122223333"), "without an organization there are no guardrails")
	assert.Empty(t, w.Endpoints())
	assert.Empty(t, w.Services())
	policy, ok := w.ManagedPolicy("arn:aws:iam::aws:policy/AdministratorAccess")
	require.True(t, ok)
	assert.Empty(t, policy.Account)
}

func TestProblemsOfTheMainFileComeFirstAndSayWhereItIs(t *testing.T) {
	problems := Problems{{File: "accounts.yaml", Message: "a"}, {File: "world.yaml", Message: "b"}, {Message: "c"}}.sorted()
	assert.Equal(t, "c\nw/world.yaml: b\nw/accounts.yaml: a", problems.In("w/").Error())
	assert.Equal(t, "c\nw.txtar: world.yaml: b\nw.txtar: accounts.yaml: a", problems.In("w.txtar").Error())
}
