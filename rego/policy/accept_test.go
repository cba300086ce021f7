package policy_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

func parse(t *testing.T, k policy.Kind, text string) *policy.Document {
	t.Helper()
	doc, err := policy.Parse(k, []byte(text))
	require.NoError(t, err, text)
	assert.Equal(t, text, doc.Text)
	assert.Equal(t, k, doc.Kind)
	return doc
}

// statement parses a policy of kind k with one statement (see fill).
func statement(t *testing.T, k policy.Kind, fields ...string) policy.Statement {
	t.Helper()
	doc := parse(t, k, fill(k, fields...))
	require.Len(t, doc.Statements, 1)
	return doc.Statements[0]
}

func TestEachKindAcceptsItsOwnSchema(t *testing.T) {
	tests := []struct {
		name   string
		kind   policy.Kind
		fields []string
	}{
		{"a key policy", policy.Key, nil},
		{"a key policy with spaces in its Sid", policy.Key, []string{`"Sid":"Let the clerks in"`}},
		{"a key policy with NotPrincipal", policy.Key, []string{`-"Principal"`, `"NotPrincipal":{"AWS":"111122223333"}`}},
		{"a key policy with NotAction", policy.Key, []string{`-"Action"`, `"NotAction":"kms:Delete*"`}},
		{"a key policy with NotResource", policy.Key, []string{`-"Resource"`, `"NotResource":"arn:aws:kms:*:*:alias/*"`}},
		{"an identity policy", policy.Identity, []string{`"Sid":"Clerks1"`}},
		{"an identity policy with an empty Sid", policy.Identity, []string{`"Sid":""`}},
		{"a boundary", policy.Boundary, []string{`-"Action"`, `"NotAction":["iam:*","kms:Put*"]`}},
		{"a session policy", policy.Session, nil},
		{"a service control policy", policy.SCP, []string{`"Sid":"no deletion at all"`}},
		{"a service control policy that allows under a condition", policy.SCP, []string{`"Effect":"Allow"`, `-"Action"`, `"NotAction":"kms:*"`,
			condition(`"Bool":{"aws:SecureTransport":true}`)}},
		{"a resource control policy", policy.RCP, []string{`"Action":["kms:*","sts:*"]`}},
		{"RCPFullAWSAccess", policy.RCP, []string{`"Effect":"Allow"`, `"Action":"*"`}},
		{"an endpoint policy", policy.Endpoint, []string{`"Principal":{"AWS":["111122223333"]}`}},
		{"a trust policy", policy.Trust, []string{`"Principal":{"Service":"ec2.amazonaws.com"}`, `"Action":["sts:AssumeRole","STS:TagSession"]`}},
		{"a statement without actions", policy.Identity, []string{`"Action":[]`}},
		{"a statement without principals", policy.Key, []string{`"Principal":{}`}},
		{"a statement without conditions", policy.Key, []string{`"Condition":{}`}},
		{"a service written with a wildcard", policy.Identity, []string{`"Action":"k*s:Decrypt"`}},
		{"an action that no table knows", policy.Identity, []string{`"Action":"kms:Decript"`}},
		{"a resource that reaches over colons", policy.Identity, []string{`"Resource":["arn:aws:kms:*","arn:aws:kms:us-west-2:111122223333:key/?*"]`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { statement(t, tt.kind, tt.fields...) })
	}
}

func TestVersionIsTheOldOneUnlessWritten(t *testing.T) {
	const body = `"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*"}}`
	assert.Equal(t, policy.Version2008, parse(t, policy.Key, `{`+body).Version)
	assert.Equal(t, policy.Version2008, parse(t, policy.Key, `{"Version":"2008-10-17",`+body).Version)
	doc := parse(t, policy.Key, `{"Id":"x",`+strings.TrimSuffix(body, "}")+`,"Version":"2012-10-17"}`)
	assert.Equal(t, policy.Version2012, doc.Version, "the version counts wherever it stands")
	assert.Equal(t, "$.Statement", doc.Statements[0].Pos.Path, "an only statement may stand without list")
	assert.False(t, doc.Statements[0].HasResource)
	assert.Nil(t, doc.Statements[0].Resources)
}

func TestPrincipalForms(t *testing.T) {
	const id = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
	tests := []struct {
		form, text string
		kind       policy.PrincipalType
		account    string
		arn        string
	}{
		{"AWS", "*", policy.Everyone, "", ""},
		{"AWS", "111122223333", policy.Account, "111122223333", "arn:aws:iam::111122223333:root"},
		{"AWS", "arn:aws-us-gov:iam::111122223333:root", policy.Account, "111122223333", "arn:aws-us-gov:iam::111122223333:root"},
		{"AWS", "arn:aws:iam::111122223333:user/Alice", policy.User, "111122223333", "arn:aws:iam::111122223333:user/Alice"},
		{"AWS", "arn:aws:iam::111122223333:user/a/b/Alice.B@x", policy.User, "111122223333", "arn:aws:iam::111122223333:user/a/b/Alice.B@x"},
		{"AWS", "arn:aws-cn:iam::111122223333:role/aws-service-role/rds.amazonaws.com/R", policy.Role, "111122223333", "arn:aws-cn:iam::111122223333:role/aws-service-role/rds.amazonaws.com/R"},
		{"AWS", "arn:aws:sts::111122223333:assumed-role/Clerk/anna", policy.RoleSession, "111122223333", "arn:aws:sts::111122223333:assumed-role/Clerk/anna"},
		{"AWS", "arn:aws:sts::111122223333:federated-user/anna", policy.FederatedUser, "111122223333", "arn:aws:sts::111122223333:federated-user/anna"},
		{"Service", "logs.us-west-2.amazonaws.com", policy.Service, "", ""},
		{"Federated", "cognito-identity.amazonaws.com", policy.Federated, "", ""},
		{"Federated", "arn:aws:iam::111122223333:saml-provider/Corp", policy.Federated, "111122223333", "arn:aws:iam::111122223333:saml-provider/Corp"},
		{"Federated", "arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/AB12", policy.Federated, "111122223333", "arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/AB12"},
		{"CanonicalUser", id, policy.CanonicalUser, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			s := statement(t, policy.Key, `"Principal":{"`+tt.form+`":"`+tt.text+`"}`)
			require.Len(t, s.Principals, 1)
			p := s.Principals[0]
			assert.Equal(t, policy.Principal{Type: tt.kind, Text: tt.text, Account: tt.account, Pos: p.Pos}, p)
			assert.Equal(t, tt.arn, p.ARN())
			assert.Equal(t, "$.Statement[0].Principal."+tt.form, p.Pos.Path)
		})
	}
	s := statement(t, policy.Key, `"Principal":{"Service":["a.amazonaws.com"],"AWS":["111122223333","444455556666"]}`)
	assert.Len(t, s.Principals, 3)
	assert.Equal(t, "$.Statement[0].Principal.AWS[1]", s.Principals[2].Pos.Path)
}

func TestPrincipalsOfADocumentAreListedWithTheirPlaces(t *testing.T) {
	doc := parse(t, policy.Key, `{"Statement":[
		{"Effect":"Allow","Principal":"*","Action":"kms:*"},
		{"Effect":"Deny","NotPrincipal":{"AWS":["111122223333","arn:aws:iam::111122223333:role/Clerk"]},"Action":"kms:*"}]}`)
	var got []string
	for _, p := range doc.Principals() {
		got = append(got, p.Pos.Path+" "+p.Type.String())
	}
	assert.Equal(t, []string{"$.Statement[1].NotPrincipal.AWS[0] account", "$.Statement[1].NotPrincipal.AWS[1] role"}, got)
	assert.True(t, doc.Statements[1].NotPrincipal)
}

func TestOperatorsAreReadInAnyCaseWithQualifierAndSuffix(t *testing.T) {
	for _, o := range policy.Operators {
		for _, qualifier := range []string{"", "ForAnyValue:", "ForAllValues:"} {
			for _, suffix := range []string{"", "IfExists"} {
				if o.Name == "Null" && suffix != "" {
					continue
				}
				want := qualifier + o.Name + suffix
				s := statement(t, policy.Key, condition(`"`+strings.ToUpper(want)+`":{"KMS:X":`+operandOf[o.Type]+`}`))
				require.Len(t, s.Conditions, 1)
				c := s.Conditions[0]
				assert.Equal(t, want, c.OperatorText())
				assert.Equal(t, o.Name, c.Operator)
				assert.Equal(t, suffix != "", c.IfExists)
				assert.Equal(t, strings.TrimSuffix(qualifier, ":"), c.Set.String())
				assert.Equal(t, []string{"kms:x", "KMS:X"}, []string{c.Key, c.KeyText})
			}
		}
	}
}

var operandOf = map[policy.ValueType]string{
	policy.StringType: `"a"`, policy.NumericType: `7`, policy.DateType: `"2026-11-23"`, policy.BoolType: `true`, policy.BinaryType: `"YQ=="`,
	policy.IPType: `"10.0.0.0/8"`, policy.ARNType: `"arn:aws:kms:*:*:key/*"`, policy.PresenceType: `"false"`,
}

func TestConditionsWithoutValuesAreKept(t *testing.T) {
	s := statement(t, policy.Key, condition(`"ForAllValues:StringEquals":{"kms:GrantOperations":[]},"Bool":{}`))
	require.Len(t, s.Conditions, 1)
	assert.Empty(t, s.Conditions[0].Values)
}

func lit(text string) policy.Part  { return policy.Part{Kind: policy.Literal, Text: text} }
func vari(text string) policy.Part { return policy.Part{Kind: policy.Variable, Text: text} }

var anyText, anyChar = policy.Part{Kind: policy.AnyText}, policy.Part{Kind: policy.AnyChar}

func TestValuesComeApartAsTheirPlaceDemands(t *testing.T) {
	def := policy.Part{Kind: policy.Variable, Text: "aws:principaltag/team", Default: "a}*", HasDefault: true}
	tests := []struct {
		name, operator, text string
		want                 []policy.Part
	}{
		{"wildcards are patterns under StringLike", "StringLike", "a*b?", []policy.Part{lit("a"), anyText, lit("b"), anyChar}},
		{"a run of stars is one", "StringLike", "**", []policy.Part{anyText}},
		{"wildcards are text under StringEquals", "StringEquals", "a*b?", []policy.Part{lit("a*b?")}},
		{"wildcards are patterns under ArnEquals", "ArnEquals", "arn:*:::::?", []policy.Part{lit("arn:"), anyText, lit(":::::"), anyChar}},
		{"variables are replaced under StringEquals", "StringEquals", "x${aws:UserName}y", []policy.Part{lit("x"), vari("aws:username"), lit("y")}},
		{"variables are replaced under ArnLike", "ArnLike", "arn:${kms:a}", []policy.Part{lit("arn:"), vari("kms:a")}},
		{"a default stands in quotes", "StringEquals", "${aws:PrincipalTag/team, 'a}*' }", []policy.Part{def}},
		{"escapes are text", "StringLike", "${*}${?}${$}*", []policy.Part{lit("*?$"), anyText}},
		{"a dollar is text", "StringLike", "$5{", []policy.Part{lit("$5{")}},
		{"the empty string has no parts", "StringEquals", "", nil},
		{"Unicode stays whole", "StringLike", "é*", []policy.Part{lit("é"), anyText}},
		{"a variable of a provider", "StringEquals", "${cognito-identity.amazonaws.com:sub}", []policy.Part{vari("cognito-identity.amazonaws.com:sub")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := statement(t, policy.Identity, condition(`"`+tt.operator+`":{"kms:x":"`+tt.text+`"}`))
			v := s.Conditions[0].Values[0]
			assert.Equal(t, tt.text, v.Text)
			assert.Equal(t, tt.want, v.Parts)
		})
	}
	s := statement(t, policy.Identity, `"Resource":"arn:aws:kms:*:*:key/${aws:PrincipalTag/key}"`)
	assert.Equal(t, []policy.Part{lit("arn:aws:kms:"), anyText, lit(":"), anyText, lit(":key/"), vari("aws:principaltag/key")}, s.Resources[0].Parts)
	assert.True(t, s.Resources[0].HasVariable())
}

func TestVariablesAreTextUnderTheOldVersion(t *testing.T) {
	doc := parse(t, policy.Identity, `{"Statement":{"Effect":"Allow","Action":"kms:*","Resource":"arn:aws:kms:::${x}",
		"Condition":{"StringEquals":{"kms:a":"${}"},"StringLike":{"kms:a":"${*}"}}}}`)
	s := doc.Statements[0]
	assert.Equal(t, []policy.Part{lit("arn:aws:kms:::${x}")}, s.Resources[0].Parts)
	assert.Equal(t, []policy.Part{lit("${}")}, s.Conditions[0].Values[0].Parts)
	assert.Equal(t, []policy.Part{lit("${"), anyText, lit("}")}, s.Conditions[1].Values[0].Parts)
}

func TestLiteralValues(t *testing.T) {
	s := statement(t, policy.Identity, condition(`"StringLike":{"kms:a":["${*}","a*","${aws:username}",""]}`))
	values := s.Conditions[0].Values
	for i, want := range []struct {
		text string
		ok   bool
	}{{"*", true}, {"", false}, {"", false}, {"", true}} {
		text, ok := values[i].Literal()
		assert.Equal(t, want.text, text)
		assert.Equal(t, want.ok, ok)
	}
	assert.True(t, values[2].HasVariable())
	assert.False(t, values[1].HasVariable())
}

func TestNamesOfEnumerations(t *testing.T) {
	for k := policy.Key; k <= policy.Trust; k++ {
		found, ok := policy.KindOf(k.String())
		assert.True(t, ok && k.Valid() && found == k, k.String())
	}
	assert.False(t, policy.Kind(0).Valid())
	assert.Equal(t, "invalid kind", policy.Kind(0).String())
	assert.Equal(t, "invalid effect", policy.Effect(0).String())
	assert.Equal(t, "invalid principal type", policy.PrincipalType(0).String())
	assert.Equal(t, "invalid type", policy.ValueType(0).String())
	assert.Equal(t, "invalid resource kind", policy.ResourceKind(0).String())
	assert.Equal(t, "role session", policy.RoleSession.String())
	_, ok := policy.KindOf("")
	assert.False(t, ok)
}
