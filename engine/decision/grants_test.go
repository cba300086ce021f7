package decision

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func withContext(pairs map[string]string) change {
	return func(q *Question) { q.EncryptionContext = pairs }
}

func TestGrants(t *testing.T) {
	mine := to(ViaUser, "AIDAANN")
	equals := func(pairs map[string]string) Grant { g := mine; g.Equals = pairs; return g }
	subset := func(pairs map[string]string) Grant { g := mine; g.Subset = pairs; return g }
	it := map[string]string{"dept": "it"}
	more := map[string]string{"dept": "it", "purpose": "test"}
	creator := Grant{Grantee: mine.Grantee, Operations: []string{"CreateGrant", "Decrypt"}, Subset: it}
	child := func(c Child) change { return func(q *Question) { q.Action, q.Child = "kms:CreateGrant", &c } }
	for _, c := range []struct {
		id, says string
		asked    Question
		want     string
	}{
		{"A-50", "a grant to the role allows its sessions", ask(by(payroll), granted(to(ViaRole, "AROAPAYROLL"))), "allow grant"},
		{"A-50", "a grant to another session does not", ask(by(payroll), granted(to(ViaSession, "AROAPAYROLL:other"))), "no-allow resource"},
		{"A-50", "a grant allows its operations only", ask(action("kms:Encrypt"), granted(mine)), "no-allow resource"},
		{"A-50", "a grant to a recreated user is nothing", ask(granted(mine), func(q *Question) { q.Principal.User = "AIDAANN2" }), "no-allow resource"},

		{"A-51", "equals holds for exactly its pairs", ask(granted(equals(it)), withContext(it)), "allow grant"},
		{"A-51", "equals does not hold for more", ask(granted(equals(it)), withContext(more)), "no-allow resource"},
		{"A-51", "equals does not hold for none", ask(granted(equals(it))), "no-allow resource"},
		{"A-51", "equals minds case", ask(granted(equals(it)), withContext(map[string]string{"Dept": "it"})), "no-allow resource"},
		{"A-51", "empty equals holds for no context", ask(granted(equals(map[string]string{}))), "allow grant"},
		{"A-51", "empty equals does not hold for some", ask(granted(equals(map[string]string{})), withContext(it)), "no-allow resource"},
		{"A-51", "subset holds for more", ask(granted(subset(it)), withContext(more)), "allow grant"},
		{"A-51", "subset does not hold for less", ask(granted(subset(more)), withContext(it)), "no-allow resource"},
		{"A-51", "DescribeKey has no context to constrain",
			ask(action("kms:DescribeKey"), granted(Grant{Grantee: mine.Grantee, Operations: []string{"DescribeKey"}, Equals: it})), "allow grant"},

		{"A-53", "a child as strict is allowed", ask(granted(creator), child(Child{Operations: []string{"Decrypt"}, Subset: it})), "allow grant"},
		{"A-53", "a child may be stricter", ask(granted(creator), child(Child{Operations: []string{"Decrypt"}, Subset: more})), "allow grant"},
		{"A-53", "a subset may become equals", ask(granted(creator), child(Child{Operations: []string{"Decrypt"}, Equals: more})), "allow grant"},
		{"A-53", "a child may not lose its constraint", ask(granted(creator), child(Child{Operations: []string{"Decrypt"}})), "no-allow resource"},
		{"A-53", "a child may not gain operations",
			ask(granted(creator), child(Child{Operations: []string{"Encrypt"}, Subset: it})), "no-allow resource"},
		{"A-53", "without knowing the child no grant allows it", ask(action("kms:CreateGrant"), granted(creator)), "no-allow resource"},
		{"A-53", "a policy allows any child", ask(child(Child{Operations: []string{"Sign"}}), keySays(allow("user/ann", "kms:CreateGrant"))), "allow resource"},

		{"A-55", "a grant is not asked when a policy allows", ask(granted(mine), keySays(allow("user/ann", "kms:*"))), "allow resource"},
		{"A-55", "a deny overrides a grant", ask(granted(mine), keySays(deny("*", "kms:*"))), "explicit-deny resource"},
		{"A-55", "a grant needs no delegation", ask(granted(mine), absent), "allow grant"},

		{"A-57", "a boundary does not limit a grant to the user", ask(granted(mine), boundarySays(allow("", "s3:*"))), "allow grant"},
		{"A-57", "a boundary limits a grant to the role",
			ask(by(payroll), granted(to(ViaRole, "AROAPAYROLL")), boundarySays(allow("", "s3:*"))), "no-allow boundary"},
		{"A-57", "a session policy limits a grant to the role",
			ask(by(payroll), granted(to(ViaRole, "AROAPAYROLL")), sessionSays(allow("", "s3:*"))), "no-allow session"},
		{"A-57", "neither limits a grant to the session", ask(by(payroll), granted(to(ViaSession, "AROAPAYROLL:worker")),
			boundarySays(allow("", "s3:*")), sessionSays(allow("", "s3:*"))), "allow grant"},
		{"A-57", "across accounts both limit", ask(by(xena), granted(to(ViaUser, "AIDAXENA")), boundarySays(allow("", "s3:*"))), "no-allow boundary"},
	} {
		t.Run(c.id+" "+c.says, func(t *testing.T) {
			d := decided(t, c.asked)
			assert.Equal(t, c.want, verdictOf(d))
			assert.Equal(t, d.Layer == LayerGrant, len(d.Grants) > 0, "grants %v", d.Grants)
		})
	}
}

func TestEveryGrantThatAllowsIsNamed(t *testing.T) {
	second := to(ViaUser, "AIDAANN")
	second.ID = "g0"
	other := to(ViaUser, "AIDABEN")
	other.ID = "g2"
	d := decided(t, ask(granted(to(ViaUser, "AIDAANN")), granted(second), granted(other)))
	assert.Equal(t, []string{"g0", "g1"}, d.Grants)
}

func TestRetireGrant(t *testing.T) {
	retire := func(g Grant) change {
		return func(q *Question) {
			granted(g)(q)
			q.Rule, q.Action = GrantOnly, retireGrant
		}
	}
	ben := to(ViaUser, "AIDABEN")
	byAnn, byHome, byAbroad := ben, ben, ben
	byAnn.Retiree = Party{ViaUser, "AIDAANN"}
	byHome.Retiree = Party{ViaAccount, home}
	byAbroad.Retiree = Party{ViaAccount, abroad}
	own := to(ViaUser, "AIDAANN")
	ownRetiring := own
	ownRetiring.Operations = []string{"RetireGrant"}
	ownRetiring.Equals = map[string]string{"dept": "it"}
	madeAbroad := ben
	madeAbroad.IssuingAccount = abroad
	toAbroad := to(ViaAccount, abroad)
	toAbroad.Operations = []string{"RetireGrant"}
	may := iamSays(allow("", retireGrant))
	for _, c := range []struct {
		says  string
		asked Question
		want  string
	}{
		{"the retiring principal", ask(retire(byAnn)), "allow grant"},
		{"the retiring principal without key policy", ask(retire(byAnn), absent), "allow grant"},
		{"anybody else", ask(retire(ben)), "no-allow identity"},
		{"the grantee without RetireGrant", ask(retire(own)), "no-allow identity"},
		{"the grantee with RetireGrant, whatever the constraint", ask(retire(ownRetiring)), "allow grant"},
		{"the root user of the key's account", ask(by(root), retire(ben)), "allow grant"},
		{"a user of the key's account by an IAM policy", ask(retire(ben), may), "allow grant"},
		{"a user of the account that retires, by an IAM policy", ask(by(xena), retire(byAbroad), may), "allow grant"},
		{"a user of the account that retires, without", ask(by(xena), retire(byAbroad)), "no-allow identity"},
		{"the root user of the account that retires", ask(by(outside), retire(byAbroad)), "allow grant"},
		{"the root user of the account that made the grant", ask(by(outside), retire(madeAbroad)), "allow grant"},
		{"a user of the account that made the grant, by an IAM policy", ask(by(xena), retire(madeAbroad), may), "no-allow resource"},
		{"a user of an account that is grantee, by an IAM policy", ask(by(xena), retire(toAbroad), may), "no-allow resource"},
		{"an unrelated account by an IAM policy", ask(by(xena), retire(ben), may), "no-allow resource"},
		{"a key policy that allows", ask(retire(ben), keySays(allow("user/ann", "kms:*"))), "no-allow identity"},
		{"a key policy that denies", ask(retire(byAnn), keySays(deny("*", "kms:*"))), "allow grant"},
		{"an IAM policy that denies", ask(retire(byAnn), iamSays(deny("", retireGrant))), "explicit-deny identity"},
		{"an SCP that denies", ask(retire(byAnn), scpSays(allow("", "*"), deny("", retireGrant))), "explicit-deny scp"},
		{"an endpoint policy that denies", ask(retire(byAnn), endpointSays(deny("*", retireGrant))), "explicit-deny endpoint"},
		{"an RCP that denies", ask(retire(byAnn), rcpSays(deny("*", retireGrant))), "allow grant"},
	} {
		t.Run("A-17 "+c.says, func(t *testing.T) {
			assert.Equal(t, c.want, verdictOf(decided(t, c.asked)))
		})
	}
}
