package compile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/compile"
	"github.com/keyreeve/keyreeve/rego/policy"
)

const (
	account = "111122223333"
	other   = "444455556666"
)

// callers by the name that the rows below give them.
var callers = map[string]map[string]any{
	"root":    {"type": "root", "account": account, "boundary": false},
	"alice":   user(account, "alice"),
	"bounded": {"type": "user", "account": account, "user": "arn:aws:iam::" + account + ":user/alice", "boundary": true},
	"bob":     user(other, "bob"),
	"first":   roleSession("admin", "first"),
	"second":  roleSession("admin", "second"),
	"fed": {"type": "federated", "account": account, "user": "arn:aws:iam::" + account + ":user/alice",
		"session": "arn:aws:sts::" + account + ":federated-user/fed", "boundary": false},
	"web": {"type": "web_identity", "account": account, "role": "arn:aws:iam::" + account + ":role/admin",
		"session": "arn:aws:sts::" + account + ":assumed-role/admin/web", "provider": "login.example.com", "boundary": false},
	"linked": {"type": "service_linked_role", "account": account, "role": "arn:aws:iam::" + account + ":role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
		"session": "arn:aws:sts::" + account + ":assumed-role/AWSServiceRoleForX/s", "boundary": false},
	"trail": {"type": "service", "services": []string{"cloudtrail.amazonaws.com", "cloudtrail.us-east-1.amazonaws.com"}, "boundary": false},
}

func roleSession(role, name string) map[string]any {
	return map[string]any{"type": "role", "account": account, "role": "arn:aws:iam::" + account + ":role/" + role,
		"session": "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + name, "boundary": false}
}

const (
	accountARN = `"arn:aws:iam::111122223333:root"`
	aliceARN   = `"arn:aws:iam::111122223333:user/alice"`
	adminARN   = `"arn:aws:iam::111122223333:role/admin"`
	sessionARN = `"arn:aws:sts::111122223333:assumed-role/admin/first"`
	fedARN     = `"arn:aws:sts::111122223333:federated-user/fed"`
	webARN     = `"arn:aws:sts::111122223333:assumed-role/admin/web"`
)

// groups of callers, for the rows below.
var groups = map[string]string{
	"everyone": "root alice bounded bob first second fed web linked trail",
	"members":  "root alice bounded first second fed web linked",
}

func TestPrincipals(t *testing.T) {
	for _, row := range []struct {
		element string
		// want is "via: callers" for each via.
		want []string
	}{
		{`"Principal":"*"`, []string{"everyone: everyone"}},
		{`"Principal":{"AWS":"*"}`, []string{"everyone: everyone"}},
		{`"Principal":{"AWS":` + accountARN + `}`, []string{"account: members"}},
		{`"Principal":{"AWS":"111122223333"}`, []string{"account: members"}},
		{`"Principal":{"AWS":` + aliceARN + `}`, []string{"user: alice bounded fed"}},
		{`"Principal":{"AWS":` + adminARN + `}`, []string{"role: first second web"}},
		{`"Principal":{"AWS":[` + adminARN + `,` + sessionARN + `]}`, []string{"role: first second web", "session: first"}},
		{`"Principal":{"AWS":` + fedARN + `}`, []string{"session: fed"}},
		{`"Principal":{"Service":"cloudtrail.amazonaws.com"}`, []string{"service: trail"}},
		{`"Principal":{"Service":["ec2.amazonaws.com","s3.amazonaws.com"]}`, nil},
		{`"Principal":{"Service":["a.com","b.com","c.com","d.com","cloudtrail.us-east-1.amazonaws.com"]}`, []string{"service: trail"}},
		{`"Principal":{"Federated":"login.example.com"}`, nil},
		{`"Principal":{"AWS":[` + accountARN + `,` + aliceARN + `],"Service":"cloudtrail.amazonaws.com"}`,
			[]string{"account: members", "user: alice bounded fed", "service: trail"}},
		{`"Principal":{"CanonicalUser":"` + strings.Repeat("0f", 32) + `"}`, nil},
	} {
		for _, effect := range []string{"Allow", "Deny"} {
			checkCallers(t, effect, row.element, row.want...)
		}
	}
}

func TestNotPrincipalOfDenySparesOnlyWhoIsNamedInFull(t *testing.T) {
	for _, row := range []struct{ names, spared string }{
		{`{"AWS":` + accountARN + `}`, "root"},
		{`{"AWS":` + aliceARN + `}`, ""},
		{`{"AWS":[` + accountARN + `,` + aliceARN + `]}`, "root alice"},
		{`{"AWS":[` + accountARN + `,` + adminARN + `]}`, "root"},
		{`{"AWS":[` + accountARN + `,` + sessionARN + `]}`, "root"},
		{`{"AWS":[` + accountARN + `,` + adminARN + `,` + sessionARN + `]}`, "root first"},
		{`{"AWS":[` + accountARN + `,` + adminARN + `,` + webARN + `]}`, "root web"},
		{`{"AWS":[` + accountARN + `,` + fedARN + `]}`, "root fed"},
		{`{"Service":"cloudtrail.amazonaws.com"}`, "trail"},
		{`{"AWS":"*"}`, "root alice bob first second fed web linked trail"},
	} {
		var denied []string
		for _, name := range strings.Fields(groups["everyone"]) {
			if !slices.Contains(strings.Fields(row.spared), name) {
				denied = append(denied, name)
			}
		}
		checkCallers(t, "Deny", `"NotPrincipal":`+row.names, "everyone: "+strings.Join(denied, " "))
	}
}

func TestNotPrincipalOfAllowExcludesWhoIsNamedInAnyWay(t *testing.T) {
	checkCallers(t, "Allow", `"NotPrincipal":{"AWS":[`+aliceARN+`,`+adminARN+`],"Service":"cloudtrail.amazonaws.com"}`, "everyone: root bob linked")
	checkCallers(t, "Allow", `"NotPrincipal":{"AWS":`+accountARN+`}`, "everyone: bob trail")
	checkCallers(t, "Allow", `"NotPrincipal":"*"`)
}

// checkCallers asks for every caller.
func checkCallers(t *testing.T, effect, element string, want ...string) {
	t.Helper()
	p := prepare(t, compiled(t, policy.Key, fmt.Sprintf(`{"Statement":{"Effect":%q,%s,"Action":"kms:*","Resource":"*"}}`, effect, element)))
	for name, caller := range callers {
		v := p.ask(t, map[string]any{"action": "kms:Decrypt", "resource": testKey, "principal": caller, "context": map[string]any{}})
		found := v.Allow
		if effect == "Deny" {
			found = v.Deny
		}
		var got, wanted []string
		for _, f := range found {
			got = append(got, f[1].(string))
		}
		for _, w := range want {
			via, names, _ := strings.Cut(w, ": ")
			if group, ok := groups[names]; ok {
				names = group
			}
			if slices.Contains(strings.Fields(names), name) {
				wanted = append(wanted, via)
			}
		}
		assert.ElementsMatch(t, wanted, got, "%s %s: %s\n%s", effect, element, name, p.text)
	}
}

func TestUniqueIDsReplaceARNs(t *testing.T) {
	doc, err := policy.Parse(policy.Key, []byte(`{"Statement":{"Effect":"Allow","Principal":{"AWS":[`+aliceARN+`,`+adminARN+`]},"Action":"kms:Decrypt","Resource":"*"}}`))
	require.NoError(t, err)
	m, err := compile.Compile(doc, compile.Options{ID: func(arn string) string {
		if strings.Contains(arn, "alice") {
			return "AIDAALICE"
		}
		return ""
	}})
	require.NoError(t, err)
	checkText(t, m)
	assert.Contains(t, m.Text(), `"AIDAALICE"`)
	assert.NotContains(t, m.Text(), "role/admin")
	assert.Contains(t, m.Text(), "# Names nobody here: $.Statement.Principal.AWS[1]")
}

func TestActions(t *testing.T) {
	for _, row := range []struct{ element, matching, other string }{
		{`"Action":"*"`, "kms:Decrypt sts:AssumeRole", ""},
		{`"Action":"kms:*"`, "kms:Decrypt kms:CreateKey", "sts:AssumeRole iam:CreateServiceLinkedRole"},
		{`"Action":"KMS:decrypt"`, "kms:Decrypt", "kms:Encrypt"},
		{`"Action":"kms:?ncrypt"`, "kms:Encrypt", "kms:Decrypt"},
		{`"Action":["kms:Generate*","kms:ReEncrypt*","s3:*"]`, "kms:GenerateDataKey kms:GenerateRandom kms:ReEncryptFrom", "kms:Encrypt"},
		{`"Action":"*:Decrypt"`, "kms:Decrypt", "kms:Encrypt"},
		{`"Action":"s3:GetObject"`, "", "kms:Decrypt"},
		{`"Action":[]`, "", "kms:Decrypt"},
		{`"NotAction":"kms:Dec*"`, "kms:Encrypt sts:AssumeRole", "kms:Decrypt"},
		{`"NotAction":["kms:*","sts:*"]`, "iam:CreateServiceLinkedRole", "kms:Decrypt sts:AssumeRole"},
		{`"NotAction":"s3:*"`, "kms:Decrypt", ""},
		{`"NotAction":"*"`, "", "kms:Decrypt"},
	} {
		p := preparedDocument(t, fmt.Sprintf(`{"Statement":{"Effect":"Deny",%s,"Resource":"*"}}`, row.element))
		for _, a := range strings.Fields(row.matching) {
			v := p.ask(t, map[string]any{"action": a, "resource": "*", "principal": callers["alice"], "context": map[string]any{}})
			assert.Equal(t, [][2]any{{0.0, "policy"}}, v.Deny, "%s: %s\n%s", row.element, a, p.text)
		}
		for _, a := range strings.Fields(row.other) {
			v := p.ask(t, map[string]any{"action": a, "resource": "*", "principal": callers["alice"], "context": map[string]any{}})
			assert.Empty(t, v.Deny, "%s: %s\n%s", row.element, a, p.text)
		}
	}
}

func TestResources(t *testing.T) {
	context := map[string]any{"aws:username": []string{"a*b"}, "aws:principaltag/team": []string{"Red"}, "aws:principaltag/two": []string{"x", "y"}}
	const key = "arn:aws:kms:us-east-1:111122223333:key/"
	for _, row := range []struct{ element, matching, other string }{
		{`"Resource":"*"`, "* " + key + "x", ""},
		{`"Resource":["` + key + `x","` + key + `y"]`, key + "x " + key + "y", "* " + key + "X " + key + "xx"},
		{`"Resource":"` + key + `*"`, key + " " + key + "x", "* arn:aws:kms:us-east-1:111122223333:alias/x"},
		{`"Resource":["` + key + `a*","` + key + `b*"]`, key + "a " + key + "bx", key + "c"},
		{`"Resource":"arn:aws:kms:*:111122223333:key/*"`, key + "x arn:aws:kms:eu-west-1:111122223333:key/y", "arn:aws:kms:eu-west-1:444455556666:key/y"},
		{`"Resource":"arn:aws:kms:*:*:key/mrk-*"`, key + "mrk-1", key + "x"},
		{`"Resource":"arn:aws:kms:us-????-1:111122223333:key/x"`, key + "x", "arn:aws:kms:us-est-1:111122223333:key/x"},
		{`"Resource":["arn:aws:kms:*:111122223333:*/x","` + key + `z"]`, key + "x " + key + "z", key + "y"},
		{`"NotResource":"` + key + `x"`, key + "y *", key + "x"},
		{`"NotResource":["` + key + `a*","arn:aws:kms:*:*:key/z","` + key + `b"]`, key + "y *", key + "a " + key + "z " + key + "b"},
		{`"NotResource":"*"`, "", key + "x"},
		{`"Resource":"` + key + `${aws:username}"`, key + "a*b", key + "aab " + key + "x"},
		{`"Resource":"` + key + `${aws:username}*"`, key + "a*bc", key + "aab"},
		{`"Resource":"` + key + `${aws:username}?"`, key + "a*bc", key + "aabc " + key + "a*b"},
		{`"Resource":"` + key + `${aws:PrincipalTag/team}/${AWS:username}"`, key + "Red/a*b", key + "red/a*b"},
		{`"Resource":"` + key + `${aws:PrincipalTag/none}*"`, "", key + " " + key + "x *"},
		{`"Resource":"` + key + `${aws:PrincipalTag/two}"`, "", key + "x " + key + "y"},
		{`"Resource":"` + key + `${aws:PrincipalTag/none, 'n*'}"`, key + "n*", key + "nx"},
		{`"Resource":"` + key + `${aws:PrincipalTag/team, 'n'}"`, key + "Red", key + "n"},
		{`"Resource":"` + key + `${*}${?}${$}"`, key + "*?$", key + "ab$"},
		{`"NotResource":"` + key + `${aws:PrincipalTag/none}"`, key + " " + key + "x *", ""},
		{`"NotResource":["` + key + `${aws:PrincipalTag/team}*","` + key + `y"]`, key + "x", key + "Redx " + key + "y"},
	} {
		p := preparedDocument(t, fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*",%s}}`, row.element))
		ask := func(resource string) bool {
			return len(p.ask(t, map[string]any{"action": "kms:Decrypt", "resource": resource, "principal": callers["alice"], "context": context}).Allow) > 0
		}
		for _, r := range strings.Fields(row.matching) {
			assert.True(t, ask(r), "%s: %s\n%s", row.element, r, p.text)
		}
		for _, r := range strings.Fields(row.other) {
			assert.False(t, ask(r), "%s: %s\n%s", row.element, r, p.text)
		}
	}
}

func TestUnderTheOldVersionVariablesAreText(t *testing.T) {
	p := preparedDocument(t, `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"arn:aws:kms:::key/${aws:username}"}}`)
	for resource, want := range map[string]bool{"arn:aws:kms:::key/${aws:username}": true, "arn:aws:kms:::key/alice": false} {
		v := p.ask(t, map[string]any{"action": "kms:Decrypt", "resource": resource, "principal": callers["alice"], "context": map[string]any{"aws:username": []string{"alice"}}})
		assert.Equal(t, want, len(v.Allow) > 0, resource)
	}
}

func TestKeyPolicyStatementWithoutResourceMatchesNothing(t *testing.T) {
	p := prepare(t, compiled(t, policy.Key, `{"Statement":{"Sid":"no resource","Effect":"Allow","Principal":"*","Action":"kms:*"}}`))
	v := p.ask(t, map[string]any{"action": "kms:Decrypt", "resource": testKey, "principal": callers["alice"], "context": map[string]any{}})
	assert.Equal(t, verdict{Allow: [][2]any{}, Deny: [][2]any{}}, v)
	assert.Contains(t, p.text, `# $.Statement (Allow "no resource") matches nothing: it names no resource.`)
}

func TestTrustPolicyHasNoResource(t *testing.T) {
	p := prepare(t, compiled(t, policy.Trust, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":`+accountARN+`},"Action":"sts:AssumeRole"}}`))
	v := p.ask(t, map[string]any{"action": "sts:AssumeRole", "resource": "arn:aws:iam::111122223333:role/admin", "principal": callers["alice"], "context": map[string]any{}})
	assert.Equal(t, [][2]any{{0.0, "account"}}, v.Allow)
}

func TestVariablesInConditions(t *testing.T) {
	request := map[string]any{"aws:principaltag/team": []string{"r*d"}, "aws:username": []string{"alice"}, "aws:principalarn": []string{"arn:aws:iam::111122223333:role/a"},
		"aws:sourcearn": []string{"arn:aws:iam::111122223333:role/a"}, "aws:principaltag/text": []string{"no arn"}, "aws:principaltag/copy": []string{"no arn"}}
	for condition, want := range map[string]bool{
		`"StringEquals":{"aws:PrincipalTag/team":"${aws:PrincipalTag/Team}"}`:                              true,
		`"StringLike":{"aws:PrincipalTag/team":"${aws:PrincipalTag/team}"}`:                                true,
		`"StringLike":{"aws:username":"*${aws:PrincipalTag/none, 'lic'}*"}`:                                true,
		`"StringLike":{"aws:username":"*${aws:PrincipalTag/none}*"}`:                                       false,
		`"StringNotLike":{"aws:username":"*${aws:PrincipalTag/none}*"}`:                                    true,
		`"StringNotEquals":{"aws:username":"${aws:PrincipalTag/none}"}`:                                    true,
		`"StringNotEquals":{"aws:username":"${aws:username}"}`:                                             false,
		`"StringNotEquals":{"aws:username":["${aws:username}","x"]}`:                                       false,
		`"StringEqualsIgnoreCase":{"aws:username":"AL${aws:PrincipalTag/none, 'IC'}E"}`:                    true,
		`"StringEqualsIgnoreCase":{"aws:PrincipalTag/team":"${aws:PrincipalTag/team}"}`:                    true,
		`"ForAllValues:StringEquals":{"aws:username":"${aws:PrincipalTag/none}"}`:                          false,
		`"ArnEquals":{"aws:SourceArn":"${aws:PrincipalArn}"}`:                                              true,
		`"ArnEquals":{"aws:SourceArn":"arn:aws:iam::*:role/${aws:PrincipalTag/none, 'a'}"}`:                true,
		`"ArnEquals":{"aws:SourceArn":"arn:*:role/${aws:PrincipalTag/none, 'a'}"}`:                         false,
		`"ArnLike":{"aws:PrincipalTag/copy":"${aws:PrincipalTag/text}"}`:                                   false,
		`"ArnNotLike":{"aws:SourceArn":"${aws:PrincipalArn}"}`:                                             false,
		`"ArnNotLike":{"aws:PrincipalTag/copy":"${aws:PrincipalTag/text}"}`:                                true,
		`"StringLike":{"aws:PrincipalTag/team":"${*}*d"}`:                                                  false,
		`"StringLike":{"aws:PrincipalTag/team":"r${*}d"}`:                                                  true,
		`"StringLike":{"aws:PrincipalTag/team":["${aws:PrincipalTag/team}?","?${aws:PrincipalTag/team}"]}`: false,
	} {
		p := preparedDocument(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{`+condition+`}}}`)
		assert.Equal(t, want, p.matches(t, "Allow", request), "%s\n%s", condition, p.text)
	}
}

// Names of an encryption context that differ in case only share a key: what a
// variable of it stands for is not known, and that is held against the caller.
func TestVariableWithSeveralValuesIsTakenAgainstTheCaller(t *testing.T) {
	request := map[string]any{"kms:encryptioncontext:dept": []string{"red", "blue"}, "aws:username": []string{"red"}}
	for condition, want := range map[string]map[string]bool{
		`"Resource":"*","Condition":{"StringEquals":{"aws:username":"${kms:EncryptionContext:Dept}"}}`:                  {"Allow": false, "Deny": true},
		`"Resource":"*","Condition":{"StringNotEquals":{"aws:username":"${kms:EncryptionContext:Dept, 'x'}"}}`:          {"Allow": false, "Deny": true},
		`"Resource":"*","Condition":{"ForAllValues:StringLike":{"aws:username":"*${kms:EncryptionContext:Dept}?"}}`:     {"Allow": false, "Deny": true},
		`"Resource":"*","Condition":{"ArnNotLike":{"aws:username":["${kms:EncryptionContext:Dept}","arn:aws:s3:::*"]}}`: {"Allow": false, "Deny": true},
		`"Resource":"arn:aws:kms:::key/${kms:EncryptionContext:dept}"`:                                                  {"Allow": false, "Deny": true},
		`"NotResource":"arn:aws:kms:::key/${kms:EncryptionContext:dept}"`:                                               {"Allow": false, "Deny": true},
		`"Resource":"*","Condition":{"StringEquals":{"aws:username":["red","${kms:EncryptionContext:Dept}"]}}`:          {"Allow": true, "Deny": true},
	} {
		for effect, matches := range want {
			p := preparedDocument(t, fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":%q,"Action":"kms:*",%s}}`, effect, condition))
			assert.Equal(t, matches, p.matches(t, effect, request), "%s %s\n%s", effect, condition, p.text)
		}
	}
}

func TestProviderIsNobodyOutsideTrustPolicies(t *testing.T) {
	statement := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"login.example.com"},"Action":"sts:AssumeRoleWithWebIdentity"%s}}`
	ask := func(kind policy.Kind, resource string) [][2]any {
		p := prepare(t, compiled(t, kind, fmt.Sprintf(statement, resource)))
		return p.ask(t, map[string]any{"action": "sts:AssumeRoleWithWebIdentity", "resource": "*", "principal": callers["web"], "context": map[string]any{}}).Allow
	}
	assert.Equal(t, [][2]any{{0.0, "provider"}}, ask(policy.Trust, ""))
	assert.Empty(t, ask(policy.Key, `,"Resource":"*"`))
	assert.Empty(t, ask(policy.Endpoint, `,"Resource":"*"`))
}

func TestKeyPoliciesNeverSeeAliasesAndResourceTags(t *testing.T) {
	request := map[string]any{"kms:resourcealiases": []string{"alias/a"}, "aws:resourcetag/team": []string{"red"}, "aws:username": []string{"red"}}
	for condition, want := range map[string][2]bool{
		`"StringEquals":{"aws:ResourceTag/team":"red"}`:                    {false, true},
		`"StringNotEquals":{"aws:ResourceTag/team":"red"}`:                 {true, false},
		`"StringEqualsIfExists":{"aws:ResourceTag/team":"blue"}`:           {true, false},
		`"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/a"}`:     {false, true},
		`"ForAllValues:StringEquals":{"kms:ResourceAliases":"alias/b"}`:    {true, false},
		`"Null":{"kms:ResourceAliases":"true"}`:                            {true, false},
		`"Null":{"aws:ResourceTag/team":"false"}`:                          {false, true},
		`"StringEquals":{"aws:username":"${aws:ResourceTag/team}"}`:        {false, true},
		`"StringEquals":{"aws:username":"${aws:ResourceTag/team, 'red'}"}`: {true, true},
		`"StringNotEquals":{"aws:username":"${aws:ResourceTag/team}"}`:     {true, false},
		`"StringLike":{"aws:username":["${aws:ResourceTag/team}","b*"]}`:   {false, true},
	} {
		for i, kind := range []policy.Kind{policy.Key, policy.Endpoint} {
			p := prepare(t, compiled(t, kind, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":{`+condition+`}}}`))
			assert.Equal(t, want[i], p.matches(t, "Allow", request), "%s in %s\n%s", condition, kind, p.text)
			if kind == policy.Key {
				assert.NotContains(t, p.module.Footprint, "context.kms:resourcealiases")
				assert.NotContains(t, p.module.Footprint, "context.aws:resourcetag/team")
			}
		}
	}
}

func TestFootprintNamesWhatIsRead(t *testing.T) {
	p := preparedDocument(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"arn:aws:kms:::key/${aws:PrincipalTag/Team}",
		"Condition":{"DateLessThan":{"aws:CurrentTime":"2027-01-01"},"Null":{"kms:ViaService":"true"}}}]}`)
	assert.Equal(t, []string{"context.aws:currenttime", "context.aws:principaltag/team", "context.kms:viaservice", "resource"}, p.module.Footprint)
	assert.True(t, p.module.Clock)
	p = prepare(t, compiled(t, policy.Key, `{"Statement":[{"Effect":"Deny","NotPrincipal":{"AWS":[`+accountARN+`,`+aliceARN+`]},"NotAction":"kms:Decrypt","Resource":"*"}]}`))
	assert.Equal(t, []string{"action", "principal.account", "principal.boundary", "principal.type", "principal.user"}, p.module.Footprint)
	assert.False(t, p.module.Clock)
}

func TestWhatCannotBeSupportedIsRefusedWithItsPlace(t *testing.T) {
	doc, err := policy.Parse(policy.Key, []byte(`{"Statement":{"Effect":"Allow","Principal":{"AWS":`+aliceARN+`},"Action":"kms:*","Resource":"*",
		"Condition":{"StringEquals":{"aws:username":"x"}}}}`))
	require.NoError(t, err)
	for name, change := range map[string]func(s *policy.Statement){
		"$.Statement": func(s *policy.Statement) { s.Effect = 0 },
		"$.Statement.Condition.StringEquals['aws:username']": func(s *policy.Statement) { s.Conditions[0].Operator = "StringMatches" },
		"$.Statement.Principal.AWS":                          func(s *policy.Statement) { s.Principals[0].Type = 0 },
	} {
		broken := *doc
		broken.Statements = slices.Clone(doc.Statements)
		broken.Statements[0].Conditions = slices.Clone(doc.Statements[0].Conditions)
		broken.Statements[0].Principals = slices.Clone(doc.Statements[0].Principals)
		change(&broken.Statements[0])
		_, err := compile.Compile(&broken, compile.Options{})
		var faults policy.Errors
		require.ErrorAs(t, err, &faults, name)
		assert.Equal(t, compile.CodeUnsupported, faults[0].Code)
		assert.Equal(t, name, faults[0].Pos.Path)
	}
	_, err = compile.Compile(&policy.Document{}, compile.Options{})
	assert.Error(t, err)
}
