package analysis

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

const (
	bruteOwn   = "111122223333"
	bruteNamed = "444455556666"
)

// A subjectMatter is a condition key with what policies may say of it.
type subjectMatter struct {
	key    string
	types  []string // of operators: text, arn, number, date, bool, address
	values []string
	many   bool
}

var subjectMatters = []subjectMatter{
	{"kms:EncryptionContext:dept", []string{"text", "text", "text", "arn", "number"}, []string{"finance", "fin*", "FINANCE", "*", "?*", "", "${aws:username}", "${aws:PrincipalTag/dept}", "${aws:PrincipalTag/dept, 'it'}", "x-${aws:userid}", "${aws:PrincipalAccount}", "5", "${kms:EncryptionContext:app}"}, false},
	{"kms:EncryptionContext:app", []string{"text", "date", "bool"}, []string{"a?", "${aws:PrincipalTag/team}/*", "true", "2026-01-01", "*app"}, false},
	{"kms:EncryptionContextKeys", []string{"text"}, []string{"dept", "Dept", "app", "d*", "${aws:username}"}, true},
	{"aws:PrincipalTag/dept", []string{"text", "text", "number"}, []string{"finance", "fin*", "5", "${kms:EncryptionContext:dept}", "${aws:username}*", "${aws:PrincipalOrgID}", ""}, false},
	{"aws:PrincipalTag/team", []string{"text", "bool"}, []string{"red", "*", "true", "${aws:PrincipalTag/dept}"}, false},
	{"aws:PrincipalArn", []string{"arn", "text"}, []string{"arn:aws:iam::*:role/admin*", "arn:aws:iam::*:role/eng/*", "arn:aws:iam::444455556666:role/a/*", "arn:aws:iam::111122223333:role/a/b/*", "arn:aws:iam::444455556666:user/*", "arn:aws:iam::4*:user/eng/*", "arn:aws:sts::*:federated-user/gu*", "arn:aws:iam::*:user/${aws:username}",
		"arn:aws:iam::${kms:EncryptionContext:dept}:role/*", "arn:aws:iam::*:user/${aws:PrincipalTag/dept}", "arn:aws:iam::3*:root", "arn:aws:iam::*:role/${aws:PrincipalAccount}"}, false},
	{"aws:PrincipalType", []string{"text"}, []string{"User", "AssumedRole", "FederatedUser", "Account", "Service", "A*"}, false},
	{"aws:PrincipalAccount", []string{"text", "number"}, []string{"111122223333", "444455556666", "3*", "*7", "444455556667"}, false},
	{"kms:CallerAccount", []string{"text"}, []string{"111122223333", "44*", "${kms:EncryptionContext:app}"}, false},
	{"aws:PrincipalOrgID", []string{"text"}, []string{"o-exampleorg", "o-e*", "o-*", "${aws:PrincipalTag/dept}"}, false},
	{"aws:PrincipalOrgPaths", []string{"text"}, []string{"o-exampleorg/r-ab12/*", "o-e*/r-*/ou-ab12-*"}, true},
	{"aws:username", []string{"text", "number"}, []string{"bob", "b*", "${aws:PrincipalTag/dept}", "${kms:EncryptionContext:dept}", "eng*"}, false},
	{"aws:userid", []string{"text"}, []string{"AIDA*", "*:guest*", "444455556666", "3*:*", "AROA*:session"}, false},
	{"aws:FederatedProvider", []string{"text", "arn"}, []string{"accounts.google.com", "arn:aws:iam::*:oidc-provider/*", "*"}, false},
	{"accounts.google.com:sub", []string{"text"}, []string{"1234", "12*", "${aws:PrincipalTag/dept}"}, false},
	{"aws:SourceIdentity", []string{"text"}, []string{"bob", "b*"}, false},
	{"aws:MultiFactorAuthPresent", []string{"bool"}, []string{"true", "false"}, false},
	{"aws:MultiFactorAuthAge", []string{"number"}, []string{"300", "3600"}, false},
	{"aws:TokenIssueTime", []string{"date"}, []string{"2026-01-01T00:00:00Z", "2025-06-01T00:00:00Z"}, false},
	{"aws:CurrentTime", []string{"date"}, []string{"2026-06-01T00:00:00Z", "2026-01-01T00:00:00Z"}, false},
	{"aws:EpochTime", []string{"number", "date"}, []string{"1780000000"}, false},
	{"aws:SourceIp", []string{"address", "text"}, []string{"10.0.0.0/8", "192.0.2.0/24", "10.1.*"}, false},
	{"aws:VpcSourceIp", []string{"address"}, []string{"10.0.0.0/8", "10.1.0.0/16"}, false},
	{"aws:SourceVpce", []string{"text"}, []string{"vpce-11112222333344445", "vpce-1*"}, false},
	{"kms:ViaService", []string{"text"}, []string{"s3.us-east-1.amazonaws.com", "s*.us-east-1.amazonaws.com", "*.amazonaws.com", "${kms:EncryptionContext:app}.us-east-1.amazonaws.com"}, false},
	{"aws:CalledVia", []string{"text"}, []string{"s3.amazonaws.com", "e*.amazonaws.com"}, true},
	{"aws:ViaAWSService", []string{"bool"}, []string{"true", "false"}, false},
	{"kms:GrantIsForAWSResource", []string{"bool"}, []string{"true", "false"}, false},
	{"aws:PrincipalIsAWSService", []string{"bool"}, []string{"true", "false"}, false},
	{"aws:PrincipalServiceNamesList", []string{"text"}, []string{"logs.amazonaws.com", "l*.us-east-1.amazonaws.com"}, true},
	{"aws:SourceAccount", []string{"text"}, []string{"111122223333", "44*"}, false},
	{"aws:SourceArn", []string{"arn"}, []string{"arn:aws:s3:::data*", "arn:aws-cn:s3:*:444455556666:*"}, false},
	{"aws:SourceOrgPaths", []string{"text"}, []string{"o-exampleorg/r-ab12/ou-*"}, true},
	{"kms:KeySpec", []string{"text"}, []string{"SYMMETRIC_DEFAULT", "RSA_*"}, false},
	{"kms:GrantOperations", []string{"text"}, []string{"Decrypt", "*crypt", "CreateGrant"}, true},
	{"kms:EncryptionAlgorithm", []string{"text"}, []string{"SYMMETRIC_DEFAULT", "RSA*"}, false},
	{"kms:RequestAlias", []string{"text"}, []string{"alias/a", "alias/*b"}, false},
	{"kms:BypassPolicyLockoutSafetyCheck", []string{"bool"}, []string{"true"}, false},
	{"aws:SecureTransport", []string{"bool"}, []string{"true", "false"}, false},
	{"aws:ResourceAccount", []string{"text"}, []string{"111122223333", "${aws:PrincipalAccount}"}, false},
	{"aws:ResourceTag/dept", []string{"text"}, []string{"finance", "${aws:PrincipalTag/dept}"}, false},
	{"aws:RequestedRegion", []string{"text"}, []string{"us-east-1", "eu-*"}, false},
}

var operators = map[string][]string{
	"text":    {"StringEquals", "StringLike", "StringLike", "StringNotEquals", "StringNotLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"},
	"arn":     {"ArnLike", "ArnNotLike", "ArnEquals", "ArnNotEquals"},
	"number":  {"NumericEquals", "NumericLessThan", "NumericGreaterThanEquals", "NumericNotEquals"},
	"date":    {"DateLessThan", "DateGreaterThan", "DateEquals", "DateNotEquals"},
	"bool":    {"Bool"},
	"address": {"IpAddress", "NotIpAddress"},
}

// brutally draws one condition of any type.
func (g generator) brutally() (operator, key string, values []string) {
	m := pick(g, subjectMatters...)
	if g.IntN(8) == 0 {
		return "Null", m.key, []string{pick(g, "true", "false")}
	}
	operator = pick(g, operators[pick(g, m.types...)]...)
	if m.many || g.IntN(12) == 0 {
		operator = pick(g, "ForAnyValue:", "ForAllValues:") + operator
	}
	if g.IntN(5) == 0 {
		operator += "IfExists"
	}
	for range 1 + g.IntN(2) {
		values = append(values, pick(g, m.values...))
	}
	return operator, m.key, values
}

func (g generator) brutalStatement(k policy.Kind) map[string]any {
	s := map[string]any{"Effect": pick(g, "Allow", "Allow", "Deny")}
	s[pick(g, "Action", "Action", "Action", "NotAction")] = pick(g, []string{"kms:*"}, []string{"kms:Decrypt"}, []string{"kms:Decrypt", "kms:CreateGrant"}, []string{"kms:PutKeyPolicy"}, []string{"kms:*crypt*", "kms:Put*"})
	s["Resource"] = "*"
	if g.IntN(12) == 0 {
		s[pick(g, "Resource", "NotResource")] = pick(g, "arn:aws:kms:*:111122223333:key/*", "arn:aws:kms:us-east-1:*:key/12*")
	}
	if s["NotResource"] != nil {
		delete(s, "Resource")
	}
	if k.HasPrincipal() {
		p := pick[any](g, "*", "*", map[string]any{"AWS": bruteOwn}, map[string]any{"AWS": []string{"arn:aws:iam::111122223333:role/admin", "arn:aws:iam::444455556666:user/bob"}},
			map[string]any{"AWS": "arn:aws:iam::444455556666:root"}, map[string]any{"Service": "logs.us-east-1.amazonaws.com"}, map[string]any{"AWS": "arn:aws:sts::111122223333:federated-user/guest"})
		s[pick(g, "Principal", "Principal", "Principal", "NotPrincipal")] = p
	}
	g.conditions(s, g.IntN(4), g.brutally)
	return s
}

// brutal draws a policy of statements that mix whatever there is.
func (g generator) brutal(k policy.Kind) *policy.Document {
	for {
		var list []string
		for i := range 1 + g.IntN(4) {
			s := g.brutalStatement(k)
			s["Sid"] = fmt.Sprintf("S%d", i)
			text, err := json.Marshal(s)
			if err != nil {
				panic(err)
			}
			list = append(list, string(text))
		}
		if d, err := policy.Parse(k, []byte(full(strings.Join(list, ",")))); err == nil {
			return d
		}
	}
}
