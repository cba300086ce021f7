package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// fill puts the fields into a statement of kind k that is sound without them;
// a field that starts with "-" removes one.
func fill(k policy.Kind, fields ...string) string {
	parts := []string{`"Effect":"Deny"`, `"Action":"kms:Decrypt"`}
	if k == policy.Trust {
		parts[1] = `"Action":"sts:AssumeRole"`
	}
	if k.HasPrincipal() {
		parts = append(parts, `"Principal":"*"`)
	}
	if k.HasResource() {
		parts = append(parts, `"Resource":"*"`)
	}
	for _, f := range fields {
		name, _, _ := strings.Cut(strings.TrimPrefix(f, "-"), ":")
		for i, p := range parts {
			if strings.HasPrefix(p, name+":") {
				parts[i] = ""
			}
		}
		if !strings.HasPrefix(f, "-") {
			parts = append(parts, f)
		}
	}
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return `{"Version":"2012-10-17","Statement":[{` + strings.Join(kept, ",") + `}]}`
}

func condition(block string) string { return `"Condition":{` + block + `}` }

// faultsOf wants text to be refused.
func faultsOf(t *testing.T, k policy.Kind, text string) policy.Errors {
	t.Helper()
	doc, err := policy.Parse(k, []byte(text))
	require.Error(t, err, text)
	assert.Nil(t, doc)
	var all policy.Errors
	require.True(t, errors.As(err, &all), "%T", err)
	return all
}

type refusal struct {
	name string
	kind policy.Kind
	text string
	code policy.Code
	path string
}

func checkRefusals(t *testing.T, tests []refusal) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all := faultsOf(t, tt.kind, tt.text)
			assert.Equal(t, tt.code, all[0].Code, all.Error())
			assert.Equal(t, tt.path, all[0].Pos.Path, all.Error())
			assert.Len(t, all, 1, all.Error())
		})
	}
}

func TestMalformedDocumentsAreRefused(t *testing.T) {
	const one = `"Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]`
	checkRefusals(t, []refusal{
		{"nothing", policy.Key, "", policy.CodeSyntax, "$"},
		{"a list", policy.Key, "[]", policy.CodeDataType, "$"},
		{"two documents", policy.Key, "{" + one + "} {}", policy.CodeSyntax, "$"},
		{"an unknown version", policy.Key, `{"Version":"2011-10-17",` + one + `}`, policy.CodeVersion, "$.Version"},
		{"a version that is a number", policy.Key, `{"Version":2012,` + one + `}`, policy.CodeDataType, "$.Version"},
		{"an unknown element", policy.Key, `{"Statements":[],` + one + `}`, policy.CodeElement, "$.Statements"},
		{"a lower-case element", policy.Key, `{"version":"2012-10-17",` + one + `}`, policy.CodeElement, "$.version"},
		{"no statement", policy.Key, `{"Version":"2012-10-17"}`, policy.CodeMissingStatement, "$"},
		{"an empty list of statements", policy.Key, `{"Statement":[]}`, policy.CodeMissingStatement, "$.Statement"},
		{"a statement that is a string", policy.Key, `{"Statement":["x"]}`, policy.CodeDataType, "$.Statement[0]"},
		{"an id that is a list", policy.Key, `{"Id":[],` + one + `}`, policy.CodeDataType, "$.Id"},
		{"the same name twice", policy.Key, `{"Id":"a","Id":"b",` + one + `}`, policy.CodeDuplicateKey, "$.Id"},
		{"the same name twice, once escaped", policy.Key, `{"Id":"a","\u0049d":"b",` + one + `}`, policy.CodeDuplicateKey, "$.Id"},
		{"a service control policy without version", policy.SCP, `{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`, policy.CodeMissingVersion, "$"},
		{"a resource control policy of the old version", policy.RCP,
			`{"Version":"2008-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}}`, policy.CodeVersion, "$.Version"},
		{"a character beyond Latin-1", policy.Key, `{"Id":"中",` + one + `}`, policy.CodeCharacter, "$"},
		{"an escaped character beyond Latin-1", policy.Key, `{"Id":"\u4e2d",` + one + `}`, policy.CodeCharacter, "$.Id"},
		{"a delete character", policy.Identity, "{\"Id\":\"\x7f\"}", policy.CodeCharacter, "$"},
		{"broken UTF-8", policy.Endpoint, "{\"Id\":\"\xff\"}", policy.CodeCharacter, "$"},
	})
}

func TestMalformedStatementsAreRefused(t *testing.T) {
	const s = "$.Statement[0]"
	checkRefusals(t, []refusal{
		{"an unknown element", policy.Key, fill(policy.Key, `"Actions":[]`), policy.CodeElement, s + ".Actions"},
		{"an element without a name", policy.Key, strings.Replace(fill(policy.Key), "[{", `[{"":1,`, 1), policy.CodeElement, s + "['']"},
		{"no effect", policy.Key, fill(policy.Key, `-"Effect"`), policy.CodeMissingEffect, s},
		{"an effect in lower case", policy.Key, fill(policy.Key, `"Effect":"allow"`), policy.CodeEffect, s + ".Effect"},
		{"no principal", policy.Key, fill(policy.Key, `-"Principal"`), policy.CodeMissingPrincipal, s},
		{"no principal at an endpoint", policy.Endpoint, fill(policy.Endpoint, `-"Principal"`), policy.CodeMissingPrincipal, s},
		{"no action", policy.Key, fill(policy.Key, `-"Action"`), policy.CodeMissingAction, s},
		{"Action and NotAction", policy.Key, fill(policy.Key, `"NotAction":"kms:*"`), policy.CodeElementCombination, s + ".NotAction"},
		{"Principal and NotPrincipal", policy.Key, fill(policy.Key, `"NotPrincipal":{"AWS":"111122223333"}`), policy.CodeElementCombination, s + ".NotPrincipal"},
		{"Resource and NotResource", policy.Identity, fill(policy.Identity, `"NotResource":"*"`), policy.CodeElementCombination, s + ".NotResource"},
		{"no resource in an identity policy", policy.Identity, fill(policy.Identity, `-"Resource"`), policy.CodeMissingResource, s},
		{"no resource in an endpoint policy", policy.Endpoint, fill(policy.Endpoint, `-"Resource"`), policy.CodeMissingResource, s},
		{"a principal in an identity policy", policy.Identity, fill(policy.Identity, `"Principal":"*"`), policy.CodeUnsupportedPrincipal, s + ".Principal"},
		{"a principal in a boundary", policy.Boundary, fill(policy.Boundary, `"Principal":"*"`), policy.CodeUnsupportedPrincipal, s + ".Principal"},
		{"a principal in a session policy", policy.Session, fill(policy.Session, `"NotPrincipal":"*"`), policy.CodeUnsupportedPrincipal, s + ".NotPrincipal"},
		{"a principal in a service control policy", policy.SCP, fill(policy.SCP, `"Principal":"*"`), policy.CodeSCPPrincipal, s + ".Principal"},
		{"a resource in a trust policy", policy.Trust, fill(policy.Trust, `"Resource":"*"`), policy.CodeTrustResource, s + ".Resource"},
		{"NotPrincipal in a trust policy", policy.Trust, fill(policy.Trust, `-"Principal"`, `"NotPrincipal":{"AWS":"111122223333"}`), policy.CodeTrustNotPrincipal, s + ".NotPrincipal"},
		{"NotAction in a trust policy", policy.Trust, fill(policy.Trust, `-"Action"`, `"NotAction":"sts:*"`), policy.CodeTrustAction, s + ".NotAction"},
		{"an action of kms in a trust policy", policy.Trust, fill(policy.Trust, `"Action":["sts:AssumeRole","kms:Decrypt"]`), policy.CodeTrustAction, s + ".Action[1]"},
		{"an action without service", policy.Key, fill(policy.Key, `"Action":"Decrypt"`), policy.CodeAction, s + ".Action"},
		{"an action with a space", policy.Key, fill(policy.Key, `"Action":"kms: Decrypt"`), policy.CodeAction, s + ".Action"},
		{"an empty action", policy.Key, fill(policy.Key, `"Action":[""]`), policy.CodeAction, s + ".Action[0]"},
		{"a variable in an action", policy.Key, fill(policy.Key, `"Action":"kms:${aws:username}"`), policy.CodeVariableElement, s + ".Action"},
		{"an action that is a number", policy.Key, fill(policy.Key, `"Action":[7]`), policy.CodeDataType, s + ".Action[0]"},
		{"NotAction of nothing", policy.Key, fill(policy.Key, `-"Action"`, `"NotAction":[]`), policy.CodeEmptyNegation, s + ".NotAction"},
		{"NotResource of nothing", policy.Identity, fill(policy.Identity, `-"Resource"`, `"NotResource":[]`), policy.CodeEmptyNegation, s + ".NotResource"},
		{"a resource that is no ARN", policy.Identity, fill(policy.Identity, `"Resource":"1234abcd"`), policy.CodeARNPrefix, s + ".Resource"},
		{"a resource with too few parts", policy.Identity, fill(policy.Identity, `"Resource":"arn:aws:kms:us-west-2"`), policy.CodeARNField, s + ".Resource"},
		{"a variable in the account of a resource", policy.Identity, fill(policy.Identity, `"Resource":"arn:aws:kms:*:${aws:PrincipalAccount}:key/*"`), policy.CodeVariableColon, s + ".Resource"},
		{"a Sid with a space in an identity policy", policy.Identity, fill(policy.Identity, `"Sid":"a b"`), policy.CodeSid, s + ".Sid"},
		{"a Sid that is null", policy.Key, fill(policy.Key, `"Sid":null`), policy.CodeDataType, s + ".Sid"},
		{"a Sid used twice", policy.SCP, `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Deny","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Deny","Action":"*","Resource":"*"}]}`,
			policy.CodeUniqueSid, "$.Statement[1].Sid"},
		{"an Allow in a resource control policy", policy.RCP, fill(policy.RCP, `"Effect":"Allow"`), policy.CodeRCPAllow, s + ".Effect"},
		{"every action in a resource control policy", policy.RCP, fill(policy.RCP, `"Action":["*"]`), policy.CodeRCPAction, s + ".Action[0]"},
		{"NotAction in a resource control policy", policy.RCP, fill(policy.RCP, `-"Action"`, `"NotAction":"kms:*"`), policy.CodeRCPNotAction, s + ".NotAction"},
		{"a named principal in a resource control policy", policy.RCP, fill(policy.RCP, `"Principal":{"AWS":"111122223333"}`), policy.CodeRCPPrincipal, s + ".Principal"},
		{"NotPrincipal in a resource control policy", policy.RCP, fill(policy.RCP, `-"Principal"`, `"NotPrincipal":"*"`), policy.CodeRCPPrincipal, s + ".NotPrincipal"},
	})
}

func TestPrincipalsThatNameNobodyAreRefused(t *testing.T) {
	refuse := func(name, value string, code policy.Code, path string) refusal {
		return refusal{name, policy.Key, fill(policy.Key, `"Principal":`+value), code, "$.Statement[0].Principal" + path}
	}
	aws := func(name, text string, code policy.Code) refusal {
		return refuse(name, `{"AWS":"`+text+`"}`, code, ".AWS")
	}
	checkRefusals(t, []refusal{
		refuse("a bare account id", `"111122223333"`, policy.CodePrincipalFormat, ""),
		refuse("a list", `["*"]`, policy.CodePrincipalFormat, ""),
		refuse("an unknown form", `{"Account":"111122223333"}`, policy.CodePrincipalKey, ".Account"),
		refuse("a number", `{"AWS":[111122223333]}`, policy.CodeDataType, ".AWS[0]"),
		aws("a group", "arn:aws:iam::111122223333:group/Auditors", policy.CodePrincipalFormat),
		aws("all users of an account", "arn:aws:iam::111122223333:user/*", policy.CodePrincipalWildcard),
		aws("one character free", "arn:aws:iam::111122223333:user/Al?ce", policy.CodePrincipalWildcard),
		aws("a wildcard for the account", "arn:aws:iam::*:root", policy.CodePrincipalWildcard),
		aws("a variable", "arn:aws:iam::111122223333:user/${aws:username}", policy.CodeVariableElement),
		aws("another partition", "arn:gcp:iam::111122223333:root", policy.CodePartition),
		aws("an account of eleven digits", "arn:aws:iam::11112222333:root", policy.CodeARNAccount),
		aws("an ARN with a Region", "arn:aws:iam:us-east-1:111122223333:root", policy.CodePrincipalFormat),
		aws("a short account id", "11112222333", policy.CodePrincipalFormat),
		aws("a user without name", "arn:aws:iam::111122223333:user/", policy.CodePrincipalFormat),
		aws("a user with a bad character", "arn:aws:iam::111122223333:user/a b", policy.CodePrincipalFormat),
		aws("an assumed role of iam", "arn:aws:iam::111122223333:assumed-role/Clerk/anna", policy.CodePrincipalFormat),
		aws("an assumed role without session", "arn:aws:sts::111122223333:assumed-role/Clerk", policy.CodePrincipalFormat),
		aws("a queue", "arn:aws:sqs:us-east-1:111122223333:queue", policy.CodePrincipalFormat),
		aws("a deleted user", "AIDACKCEVSQ6C2EXAMPLE", policy.CodeUserReference),
		aws("a deleted role", "AROACKCEVSQ6C2EXAMPLE", policy.CodeRoleReference),
		refuse("every service", `{"Service":"*"}`, policy.CodeServicePrincipal, ".Service"),
		refuse("a service in capitals", `{"Service":"CloudTrail.amazonaws.com"}`, policy.CodeServicePrincipal, ".Service"),
		refuse("a service without domain", `{"Service":"cloudtrail"}`, policy.CodeServicePrincipal, ".Service"),
		refuse("any provider", `{"Federated":"*"}`, policy.CodePrincipalFormat, ".Federated"),
		refuse("a role as provider", `{"Federated":"arn:aws:iam::111122223333:role/Clerk"}`, policy.CodePrincipalFormat, ".Federated"),
		refuse("a provider in no account", `{"Federated":"arn:aws:iam::x:saml-provider/Corp"}`, policy.CodeARNAccount, ".Federated"),
		refuse("a short canonical id", `{"CanonicalUser":"79a5"}`, policy.CodePrincipalFormat, ".CanonicalUser"),
		{"nobody after NotPrincipal", policy.Key, fill(policy.Key, `-"Principal"`, `"NotPrincipal":{"AWS":[]}`), policy.CodeEmptyNegation, "$.Statement[0].NotPrincipal"},
	})
}

func TestMalformedConditionsAreRefused(t *testing.T) {
	refuse := func(name, block string, code policy.Code, path string) refusal {
		return refusal{name, policy.Key, fill(policy.Key, condition(block)), code, "$.Statement[0].Condition" + path}
	}
	checkRefusals(t, []refusal{
		{"a condition that is a list", policy.Key, fill(policy.Key, `"Condition":[]`), policy.CodeDataType, "$.Statement[0].Condition"},
		refuse("an unknown operator", `"StringMatches":{"kms:X":"a"}`, policy.CodeOperator, ".StringMatches"),
		refuse("an unknown qualifier", `"ForSomeValue:StringEquals":{"kms:X":"a"}`, policy.CodeOperator, "['ForSomeValue:StringEquals']"),
		refuse("a doubled suffix", `"StringEqualsIfExistsIfExists":{"kms:X":"a"}`, policy.CodeOperator, ".StringEqualsIfExistsIfExists"),
		refuse("Null with IfExists", `"NullIfExists":{"kms:X":"true"}`, policy.CodeNullIfExists, ".NullIfExists"),
		refuse("an operator twice in another case", `"Bool":{},"BOOL":{}`, policy.CodeConditionCase, ".BOOL"),
		refuse("a block that is a string", `"Bool":"true"`, policy.CodeDataType, ".Bool"),
		refuse("a key twice in another case", `"Bool":{"kms:X":"true","KMS:x":"true"}`, policy.CodeConditionCase, ".Bool['KMS:x']"),
		refuse("a key without colon", `"Bool":{"MultiRegion":"true"}`, policy.CodeConditionKey, ".Bool.MultiRegion"),
		refuse("a key with a line feed", `"Bool":{"kms:X\ny":"true"}`, policy.CodeConditionKey, `.Bool['kms:X`+"\n"+`y']`),
		refuse("a key without name", `"Bool":{"kms:":"true"}`, policy.CodeConditionKey, ".Bool['kms:']"),
		refuse("a key with a space in its prefix", `"Bool":{"k ms:X":"true"}`, policy.CodeConditionKey, ".Bool['k ms:X']"),
		refuse("a variable in a key", `"Bool":{"aws:ResourceTag/${aws:username}":"true"}`, policy.CodeVariableElement, ".Bool['aws:ResourceTag/${aws:username}']"),
		refuse("a tag key that is missing", `"StringEquals":{"aws:RequestTag/":"a"}`, policy.CodeTagKey, ".StringEquals['aws:RequestTag/']"),
		refuse("a context key that is missing", `"StringEquals":{"kms:EncryptionContext":"a"}`, policy.CodeTagKey, ".StringEquals['kms:EncryptionContext']"),
		refuse("values of two types", `"StringEquals":{"kms:X":["1",1]}`, policy.CodeConditionDataType, ".StringEquals['kms:X'][1]"),
		refuse("all of an encryption context", `"ForAllValues:StringEquals":{"kms:EncryptionContext:Dept":"IT"}`, policy.CodeForAllValues,
			"['ForAllValues:StringEquals']['kms:EncryptionContext:Dept']"),
		refuse("all of a request tag", `"ForAllValues:StringEquals":{"aws:RequestTag/Dept":"IT"}`, policy.CodeForAllValues,
			"['ForAllValues:StringEquals']['aws:RequestTag/Dept']"),
	})
}

func TestValuesThatCannotBeComparedAreRefused(t *testing.T) {
	value := func(name, operator, v string, code policy.Code) refusal {
		return refusal{name, policy.Key, fill(policy.Key, condition(`"`+operator+`":{"kms:X":`+v+`}`)), code, "$.Statement[0].Condition." + operator + "['kms:X']"}
	}
	checkRefusals(t, []refusal{
		value("a value that is an object", "StringEquals", `{}`, policy.CodeDataType),
		value("a value that is null", "StringEquals", `null`, policy.CodeDataType),
		value("a word for a number", "NumericEquals", `"seven"`, policy.CodeNumber),
		value("a number with an exponent", "NumericLessThan", `1e3`, policy.CodeNumber),
		value("a word for a date", "DateLessThan", `"tomorrow"`, policy.CodeDate),
		value("a word for a boolean", "Bool", `"yes"`, policy.CodeBool),
		value("a word for presence", "Null", `"1"`, policy.CodeBool),
		value("a name for an address", "IpAddress", `"localhost"`, policy.CodeIP),
		value("a range too wide", "NotIpAddress", `"10.0.0.0/33"`, policy.CodeIP),
		value("no base64", "BinaryEquals", `"a"`, policy.CodeBinary),
		value("an ARN of five parts", "ArnLike", `"arn:aws:kms:*:*"`, policy.CodeARN),
		value("a star for an ARN", "ArnEquals", `"*"`, policy.CodeARN),
		value("a variable that stays open", "StringEquals", `"a${aws:username"`, policy.CodeVariableBrace),
		value("a default that stays open", "StringEquals", `"${aws:username, 'a'"`, policy.CodeVariableBrace),
		value("a default without quotes", "StringEquals", `"${aws:username, a}"`, policy.CodeVariableQuote),
		value("a default without closing quote", "StringEquals", `"${aws:username, 'a}"`, policy.CodeVariableQuote),
		value("an empty variable", "StringLike", `"${}"`, policy.CodeVariableEmpty),
		value("a space in a variable", "StringLike", `"${aws: username}"`, policy.CodeVariableSpace),
		value("a quote in a variable", "StringLike", `"${aws:'x'}"`, policy.CodeVariableSymbol),
		value("a variable without prefix", "StringLike", `"${username}"`, policy.CodeVariableSymbol),
		value("a variable of many values", "StringLike", `"${aws:TagKeys}"`, policy.CodeVariableMany),
		value("a variable for a number", "NumericEquals", `"${aws:username}"`, policy.CodeVariableOperator),
		value("no value to differ from", "StringNotEquals", `[]`, policy.CodeEmptyNegation),
		value("no presence", "Null", `[]`, policy.CodeEmptyNegation),
	})
}

func TestTextsThatTheServiceFixesStandAlone(t *testing.T) {
	all := faultsOf(t, policy.Key, fill(policy.Key, condition(`"ForAllValues:StringEquals":{"kms:EncryptionContext:Dept":"IT"}`)))
	assert.Equal(t, "OverlyPermissiveCondition:EncryptionContext: Using the ForAllValues set operator with a single-valued condition key matches "+
		"requests without the specified encryption context or with an unspecified encryption context. To fix, remove ForAllValues.", all.Summary())
	_, err := policy.Parse(policy.Identity, []byte(fill(policy.Identity, condition(`"ForAllValues:StringEquals":{"aws:RequestTag/Dept":"IT"}`))))
	assert.NoError(t, err, "only key policies are refused")
}

func TestAllFaultsAreToldInTheirOrder(t *testing.T) {
	all := faultsOf(t, policy.Key, "{\n \"Statement\": {\n  \"Effect\": \"allow\",\n  \"Action\": [\"kms:*\", \"x\"],\n  \"é\": 1, \"Sid\": 7\n }\n}")
	var got []string
	for _, e := range all {
		got = append(got, e.Code)
	}
	assert.Equal(t, []string{policy.CodeMissingPrincipal, policy.CodeEffect, policy.CodeAction, policy.CodeElement, policy.CodeDataType}, got)
	assert.Equal(t, policy.Pos{Path: "$.Statement.Action[1]", Line: 4, Column: 23, Offset: 61}, all[2].Pos)
	assert.Equal(t, policy.Pos{Path: "$.Statement.Sid", Line: 5, Column: 18, Offset: 85}, all[4].Pos, "columns count characters, offsets bytes")
	assert.Equal(t, "$.Statement (line 2, column 15): a statement of a key policy needs a Principal (and 4 more)", all.Summary())
	assert.Equal(t, 4, strings.Count(all.Error(), "\n"))
}

func TestFaultsAreBounded(t *testing.T) {
	all := faultsOf(t, policy.Key, fill(policy.Key, `"`+strings.Repeat("é", 200)+`":1`))
	assert.Equal(t, `a statement has no element "`+strings.Repeat("é", 80)+`…"`, all[0].Message)
	assert.Equal(t, all[0].Error(), all.Summary())
	assert.Empty(t, policy.Errors{}.Summary())
	all = faultsOf(t, policy.Key, fill(policy.Key, `"Action":[`+strings.Repeat(`"",`, 5000)+`""]`))
	assert.Len(t, all, 50)
}

func TestUnknownKindIsAnErrorOfTheCaller(t *testing.T) {
	_, err := policy.Parse(0, []byte(`{}`))
	require.Error(t, err)
	assert.False(t, errors.As(err, new(policy.Errors)))
}
