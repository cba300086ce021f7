package lint_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// naming is a key policy's statement for a principal.
func naming(principal, rest string) string {
	return `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": ` + principal + `, "Action": "kms:Decrypt", "Resource": "*"` + rest + `}}`
}

// TestLikelyCausesOfWrongPrincipalsAreTold has what people stumbled over: the
// service says only that a principal is invalid.
func TestLikelyCausesOfWrongPrincipalsAreTold(t *testing.T) {
	for text, row := range map[string]struct{ says, meant string }{
		"arn:aws::111122223333:role/A":                                      {"iam is missing", "arn:aws:iam::111122223333:role/A"},
		"arn:aws:iam:111122223333:role/A":                                   {"A colon is missing", "arn:aws:iam::111122223333:role/A"},
		"arn:aws:iam::111122223333":                                         {"nobody in it", "arn:aws:iam::111122223333:root"},
		"arn:aws:iam::111122223333:role:A":                                  {"A slash", "arn:aws:iam::111122223333:role/A"},
		"arn:aws:iam::111122223333:roles/A":                                 {"The type is role", "arn:aws:iam::111122223333:role/A"},
		"arn:aws:iam::111122223333:assumed-role/A/s":                        {"of sts", "arn:aws:sts::111122223333:assumed-role/A/s"},
		"arn:aws:sts::111122223333:assumed-role/A":                          {"session is missing", ""},
		"arn:aws:iam::111122223333:group/Staff":                             {"Name the users", ""},
		"arn:aws:iam:eu-central-1:111122223333:role/A":                      {"no Region", ""},
		"arn:aws:iam::111122223333:role/A,arn:aws:iam::111122223333:role/B": {"several principals in one string", ""},
		`[\"arn:aws:iam::111122223333:role/A\"]`:                            {"a list inside a string", ""},
		"1111-2222-3333":                                                    {"digits only", "111122223333"},
		"11112222":                                                          {"twelve digits", ""},
		"lambda.amazonaws.com":                                              {`under "Service"`, ""},
		"arn:awss:iam::111122223333:role/A":                                 {"partition", "arn:aws:iam::111122223333:role/A"},
		"arn:aws:iam::111122223333:*":                                       {"wildcards", "arn:aws:iam::111122223333:root"},
		"arn:aws:iam::111122223333:role/*":                                  {"aws:PrincipalArn", ""},
	} {
		t.Run(text, func(t *testing.T) {
			found, _ := lint.CheckText(policy.Key, []byte(naming(`{"AWS": ["111122223333", "`+text+`"]}`, "")), lint.Options{})
			require.Len(t, found, 1)
			assert.Equal(t, "$.Statement.Principal.AWS[1]", found[0].Span.Path)
			assert.Contains(t, found[0].Message, row.says)
			assert.Equal(t, row.meant, found[0].Suggestion)
			assert.Equal(t, row.meant != "", len(found[0].Fixes) == 1)
		})
	}
}

func TestServicePrincipals(t *testing.T) {
	rest := func(condition string) string { return `, "Condition": {` + condition + `}` }
	run(t, map[string]row{
		"of a Region":                     {policy.Key, naming(`{"Service": "logs.eu-central-1.amazonaws.com"}`, rest(`"ArnLike": {"aws:SourceArn": "arn:aws:logs:eu-central-1:111122223333:*"}`)), lint.Options{}, ""},
		"with a path of names":            {policy.Key, naming(`{"Service": "delivery.logs.amazonaws.com"}`, rest(`"StringEquals": {"aws:SourceAccount": "111122223333"}`)), lint.Options{}, ""},
		"of a domain of one's own":        {policy.Key, naming(`{"Service": "books.example.com"}`, rest(`"StringEquals": {"aws:SourceAccount": "111122223333"}`)), lint.Options{}, ""},
		"with the domain of the shop":     {policy.Key, naming(`{"Service": "s3.amazon.com"}`, rest(`"StringEquals": {"aws:SourceAccount": "111122223333"}`)), lint.Options{}, "error UNKNOWN_PRINCIPAL"},
		"with a Region and that domain":   {policy.Key, naming(`{"Service": "logs.eu-west-1.aws.amazon.com"}`, rest(`"StringEquals": {"aws:SourceAccount": "111122223333"}`)), lint.Options{}, "error UNKNOWN_PRINCIPAL"},
		"with a Region and a slip":        {policy.Key, naming(`{"Service": "logs.eu-west-1.amazonws.com"}`, rest(`"StringEquals": {"aws:SourceAccount": "111122223333"}`)), lint.Options{}, "error UNKNOWN_PRINCIPAL"},
		"of somebody else's domain":       {policy.Key, naming(`{"Service": "ledger.example.com"}`, rest(`"StringEquals": {"aws:SourceAccount": "111122223333"}`)), lint.Options{}, ""},
		"with a misspelled domain":        {policy.Key, naming(`{"Service": "logs.amazonws.com"}`, rest(`"StringEquals": {"aws:SourceAccount": "111122223333"}`)), lint.Options{}, "error UNKNOWN_PRINCIPAL"},
		"denied":                          {policy.Key, strings.Replace(naming(`{"Service": "logs.amazonaws.com"}`, ""), "Allow", "Deny", 1), lint.Options{}, ""},
		"reading":                         {policy.Key, strings.Replace(naming(`{"Service": "logs.amazonaws.com"}`, ""), "Decrypt", "DescribeKey", 1), lint.Options{}, ""},
		"by source but with IfExists":     {policy.Key, naming(`{"Service": "logs.amazonaws.com"}`, rest(`"StringEqualsIfExists": {"aws:SourceAccount": "111122223333"}`)), lint.Options{}, "security RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL, security KR_IFEXISTS_WEAKENS"},
		"every account's resources":       {policy.Key, naming(`{"Service": "logs.amazonaws.com"}`, rest(`"ArnLike": {"aws:SourceArn": "arn:aws:logs:*:*:*"}`)), lint.Options{}, "error WILDCARD_USAGE_TOO_PERMISSIVE"},
		"every account's, of one account": {policy.Key, naming(`{"Service": "logs.amazonaws.com"}`, rest(`"ArnLike": {"aws:SourceArn": "arn:aws:logs:*:*:*"}, "StringEquals": {"aws:SourceAccount": "111122223333"}`)), lint.Options{}, ""},
		"a bucket has no account":         {policy.Key, naming(`{"Service": "s3.amazonaws.com"}`, rest(`"ArnLike": {"aws:SourceArn": "arn:aws:s3:::books*"}`)), lint.Options{}, ""},
		"beside callers of an account":    {policy.Key, naming(`{"Service": "logs.amazonaws.com", "AWS": "111122223333"}`, rest(`"StringEquals": {"kms:CallerAccount": "111122223333"}`)), lint.Options{}, "error UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL"},
	})
}

func TestOtherPrincipals(t *testing.T) {
	known := func(names ...string) lint.Options {
		return lint.Options{Known: func(p policy.Principal) bool { return strings.Contains(strings.Join(names, " "), p.Text) }}
	}
	cn := lint.Options{Partition: "aws-cn"}
	run(t, map[string]row{
		"accounts are not looked up":       {policy.Key, naming(`{"AWS": ["111122223333", "arn:aws:iam::444455556666:root"]}`, ""), known(), ""},
		"users are":                        {policy.Key, naming(`{"AWS": "arn:aws:iam::111122223333:user/Ada"}`, ""), known(), "warning KR_PRINCIPAL_UNKNOWN"},
		"another partition than the key's": {policy.Key, naming(`{"AWS": "arn:aws:iam::111122223333:role/A"}`, ""), cn, "error INVALID_PARTITION"},
		"a provider in an endpoint policy": {policy.Endpoint, naming(`{"Federated": "cognito-identity.amazonaws.com"}`, `, "Condition": {"StringEquals": {"aws:ResourceAccount": "111122223333"}}`), lint.Options{}, "error FEDERATED_PRINCIPAL_NOT_SUPPORTED"},
		"everybody may be denied":          {policy.Key, strings.Replace(naming(`"*"`, ""), "Allow", "Deny", 1), lint.Options{}, ""},
		"one's own services in trust":      {policy.Trust, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}`, lint.Options{}, ""},
		"SAML without a provider":          {policy.Trust, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRoleWithSAML"}}`, lint.Options{}, "error MISMATCHED_ACTION_FOR_PRINCIPAL"},
	})
}

func TestEndpointPolicies(t *testing.T) {
	everybody := func(statement string) string {
		return `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", ` + statement + `}}`
	}
	own := lint.Options{Account: "111122223333", Trusted: []string{"444455556666"}}
	run(t, map[string]row{
		"limited to kms, any account":       {policy.Endpoint, everybody(`"Action": "kms:*", "Resource": "*"`), lint.Options{}, "security KR_VPCE_NO_RESOURCE_ACCOUNT"},
		"reading the keys of any account":   {policy.Endpoint, everybody(`"Action": "kms:DescribeKey", "Resource": "*"`), lint.Options{}, ""},
		"the organization's keys":           {policy.Endpoint, everybody(`"Action": "kms:*", "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceOrgID": "o-a1b2c3d4e5"}}`), lint.Options{}, ""},
		"a trusted account":                 {policy.Endpoint, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "kms:Decrypt", ` + anyKeys + `}}`, own, ""},
		"without an account nobody is told": {policy.Endpoint, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "kms:Decrypt", ` + anyKeys + `}}`, lint.Options{}, ""},
	})
}

func TestResourceControlPolicies(t *testing.T) {
	rcp := func(action, condition string) string { return in(inDeny, `"Action": "`+action+`"`+condition) }
	perimeter := `, "Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}`
	run(t, map[string]row{
		"RCPFullAWSAccess":             {policy.RCP, strings.Replace(rcp("*", ""), "Deny", "Allow", 1), lint.Options{}, ""},
		"the perimeter of AWS's guide": {policy.RCP, rcp("kms:*", perimeter), lint.Options{}, ""},
		"a network":                    {policy.RCP, rcp("kms:Decrypt", `, "Condition": {"NotIpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"}}`), lint.Options{}, "warning rcp_missing_service_carveout"},
		"one action without condition": {policy.RCP, rcp("kms:ScheduleKeyDeletion", ""), lint.Options{}, ""},
		"no Version":                   {policy.RCP, strings.Replace(rcp("kms:*", perimeter), `"Version": "2012-10-17", `, "", 1), lint.Options{}, "error MISSING_VERSION"},
	})
}
