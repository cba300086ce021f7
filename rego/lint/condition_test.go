package lint_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// when is a key policy's Allow of an action under a condition.
func when(action, condition string) string {
	return in(inKey, `"Action": "`+action+`", "Condition": {`+condition+`}`)
}

// unless is a Deny.
func unless(action, condition string) string {
	return in(inDeny, `"Action": "`+action+`", "Condition": {`+condition+`}`)
}

func TestConditionKeysOfActions(t *testing.T) {
	run(t, map[string]row{
		"an encryption context in Sign":               {policy.Key, when("kms:Sign", `"Null": {"kms:EncryptionContextKeys": "false"}`), lint.Options{}, "error UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
		"negated, the Allow is wide open":             {policy.Key, when("kms:Sign", `"StringNotEquals": {"kms:EncryptionContext:a": "b"}`), lint.Options{}, "security UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
		"so it is with IfExists":                      {policy.Key, when("kms:Sign", `"StringEqualsIfExists": {"kms:KeyAgreementAlgorithm": "ECDH"}`), lint.Options{}, "security UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
		"and by absence":                              {policy.Key, when("kms:Sign", `"Null": {"kms:GrantOperations": "true"}`), lint.Options{}, "security UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
		"a Deny that always denies":                   {policy.Key, unless("kms:Sign", `"StringNotEquals": {"kms:GrantConstraintType": "b"}`), lint.Options{}, "error UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
		"a pattern of which some actions have it":     {policy.Key, unless("kms:*", `"StringNotEquals": {"kms:EncryptionContext:a": "b"}`), lint.Options{}, ""},
		"ViaService goes with nearly all key actions": {policy.Key, when("kms:DescribeKey", `"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}`), lint.Options{}, ""},
		"an asymmetric key has no context":            {policy.Key, when("kms:Decrypt", `"Null": {"kms:EncryptionContextKeys": "false"}`), lint.Options{KeySpec: "RSA_2048"}, "error UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
		"keys of another service":                     {policy.Key, when("kms:Decrypt", `"StringEquals": {"s3:prefix": "a"}`), lint.Options{}, "error UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
		"which other actions may have":                {policy.Identity, in(inUser, `"Action": "s3:ListBucket", "Resource": "*", "Condition": {"StringEquals": {"s3:prefix": "a"}}`), lint.Options{}, ""},
		"an identity provider's in a trust policy":    {policy.Trust, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Federated": "accounts.google.com"}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringEquals": {"accounts.google.com:aud": "a"}}}}`, lint.Options{}, ""},
		"negated tags on actions without":             {policy.Key, when("kms:Decrypt", `"StringNotEquals": {"aws:RequestTag/a": "b"}`), lint.Options{}, "security ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE"},
		"ReplicateKey carries tags":                   {policy.Key, when("kms:ReplicateKey", `"StringEquals": {"aws:RequestTag/a": "b"}`), lint.Options{}, ""},
	})
}

func TestVariablesAboutTheResourceAreNotTheCallers(t *testing.T) {
	run(t, map[string]row{
		"the owner's account as source": {policy.Key, naming(`{"Service": "logs.amazonaws.com"}`, `, "Condition": {"StringEquals": {"aws:SourceAccount": "${aws:ResourceAccount}"}}`), lint.Options{}, ""},
		"the owner's organization":      {policy.Key, naming(`"*"`, `, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}}`), lint.Options{}, ""},
	})
}

func TestNamesOfConditionKeys(t *testing.T) {
	run(t, map[string]row{
		"in any case":             {policy.Key, when("kms:Decrypt", `"StringEquals": {"KMS:CALLERACCOUNT": "111122223333"}`), lint.Options{}, ""},
		"aws:ARN is in nothing":   {policy.Key, when("kms:Decrypt", `"ArnEquals": {"aws:ARN": "arn:aws:iam::111122223333:role/a"}`), lint.Options{}, "error DEPRECATED_GLOBAL_CONDITION_KEY"},
		"a register too many":     {policy.Key, when("kms:Decrypt", `"StringEquals": {"kms:RecipientAttestation:PCR99": "a"}`), lint.Options{}, "error INVALID_SERVICE_CONDITION_KEY"},
		"a new global key":        {policy.Key, when("kms:Decrypt", `"StringEquals": {"aws:SourceVpcArn": "a"}`), lint.Options{}, "warning USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES"},
		"a misspelt word to know": {policy.Trust, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternlId": "a"}}}}`, lint.Options{}, "error INVALID_SERVICE_CONDITION_KEY"},
		"a key of bearer tokens":  {policy.Identity, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:GetServiceBearerToken", "Resource": "*", "Condition": {"StringEquals": {"sts:AWSServiceName": "codeartifact.amazonaws.com"}}}}`, lint.Options{}, ""},
		"an invented service":     {policy.Key, when("kms:Decrypt", `"StringEquals": {"kmss:ViaService": "a"}`), lint.Options{}, "error INVALID_SERVICE_CONDITION_KEY"},
	})
}

func TestSetQualifiers(t *testing.T) {
	run(t, map[string]row{
		"refused by KMS in key policies":              {policy.Key, when("kms:Decrypt", `"ForAllValues:StringEquals": {"kms:EncryptionContext:a": "b"}`), lint.Options{}, "error FORALLVALUES_WITH_SINGLE_VALUED_KEY"},
		"accepted by IAM":                             {policy.Identity, in(inUser, `"Action": "kms:Decrypt", `+anyKeys+`, "Condition": {"ForAllValues:StringEquals": {"kms:EncryptionContext:a": "b"}}`), lint.Options{}, "security FORALLVALUES_WITH_SINGLE_VALUED_KEY"},
		"CreateGrant always has operations":           {policy.Key, when("kms:CreateGrant", `"ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt"]}`), lint.Options{}, ""},
		"no tag keys are harmless":                    {policy.Identity, in(inUser, `"Action": "kms:TagResource", `+anyKeys+`, "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}`), lint.Options{}, ""},
		"ForAnyValue of the same key makes it safe":   {policy.Key, when("kms:Decrypt", `"ForAllValues:StringEquals": {"kms:ResourceAliases": "alias/a"}, "ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/*"}`), lint.Options{}, ""},
		"a service always sends a context":            {policy.Identity, in(inUser, `"Action": "kms:Decrypt", `+anyKeys+`, "Condition": {"StringLike": {"kms:ViaService": "ec2.*.amazonaws.com"}, "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": "aws:ebs:id"}}`), lint.Options{}, "warning KR_EC_KEYS_WITHOUT_VALUES"},
		"a Deny with ForAllValues is not looked at":   {policy.Key, unless("kms:Decrypt", `"ForAllValues:StringEquals": {"kms:ResourceAliases": "alias/a"}`), lint.Options{}, ""},
		"the case of a service's name is its own":     {policy.Key, when("kms:Decrypt", `"StringEquals": {"kms:EncryptionContext:SecretARN": "b"}, "StringLike": {"kms:EncryptionContext:aws:s3:arn": "c*"}`), lint.Options{}, ""},
		"so is that of a request by a service":        {policy.Key, when("kms:Decrypt", `"StringEquals": {"kms:EncryptionContext:a": "b", "kms:ViaService": "ssm.eu-west-1.amazonaws.com"}`), lint.Options{}, ""},
		"of an application it may differ":             {policy.Key, when("kms:Decrypt", `"StringEquals": {"kms:EncryptionContext:a": "b"}`), lint.Options{}, "warning KR_EC_KEY_CASE"},
		"a context with ForAnyValue and pair is open": {policy.Key, when("kms:Decrypt", `"StringEquals": {"kms:EncryptionContext:a": "b"}, "ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "a"}`), lint.Options{}, "suggestion KR_EC_KEYS_WITHOUT_VALUES"},
	})
}

func TestNamesOfAnEncryptionContextAreAllListed(t *testing.T) {
	text := when("kms:Decrypt", `"StringEquals": {"kms:EncryptionContext:Dept": "a", "kms:EncryptionContext:user": "b"}`)
	found, _ := lint.CheckText(policy.Key, []byte(text), lint.Options{})
	require.Len(t, found, 2)
	assert.Equal(t, `The condition finds "Dept" in any case, while a ciphertext opens in one only. Add "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["Dept", "user"]}, `+
		"with all other names that callers send: one that is not in the list is refused.", found[0].Message)
}

func TestViaService(t *testing.T) {
	via := func(op, value string) string {
		return strings.Replace(when("kms:Decrypt", `"`+op+`": {"kms:ViaService": "`+value+`"}`), `{"AWS": "111122223333"}`, `{"AWS": "arn:aws:iam::111122223333:role/A"}`, 1)
	}
	everybody := func(condition string) string {
		return strings.Replace(when("kms:Decrypt", condition), `{"AWS": "111122223333"}`, `"*"`, 1)
	}
	known := lint.Options{Known: func(p policy.Principal) bool {
		return p.Type != policy.Service || p.Text == "books.eu-central-1.example.com"
	}}
	run(t, map[string]row{
		"any Region":                        {policy.Key, via("StringLike", "s3.*.amazonaws.com"), lint.Options{}, ""},
		"any service":                       {policy.Key, via("StringLike", "*"), lint.Options{}, "security KR_VIASERVICE_WILDCARD"},
		"several services":                  {policy.Key, via("StringLike", "ec*.eu-central-1.amazonaws.com"), lint.Options{}, "security KR_VIASERVICE_WILDCARD"},
		"no Region":                         {policy.Key, via("StringEquals", "s3.amazonaws.com"), lint.Options{}, "security KR_VIASERVICE_WILDCARD"},
		"a misspelled service":              {policy.Key, via("StringEquals", "lamda.eu-central-1.amazonaws.com"), lint.Options{}, "security KR_VIASERVICE_WILDCARD"},
		"the suffix is one everywhere":      {policy.Key, via("StringEquals", "s3.cn-north-1.amazonaws.com.cn"), lint.Options{}, "security KR_VIASERVICE_WILDCARD"},
		"a service of the world":            {policy.Key, via("StringEquals", "books.eu-central-1.example.com"), known, ""},
		"another Region than the key's":     {policy.Key, via("StringEquals", "s3.us-east-1.amazonaws.com"), lint.Options{KeyARN: "arn:aws:kms:eu-central-1:111122223333:key/a"}, "warning KR_VIASERVICE_REGION"},
		"everybody through a service":       {policy.Key, everybody(`"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}`), lint.Options{}, "security KR_VIASERVICE_WITHOUT_CALLERACCOUNT"},
		"the account of an AWS managed key": {policy.Key, everybody(`"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com", "kms:CallerAccount": "111122223333"}`), lint.Options{}, ""},
		"the organization":                  {policy.Key, everybody(`"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com", "aws:PrincipalOrgID": "o-a1b2c3d4e5"}`), lint.Options{}, ""},
		"an ARN of the account":             {policy.Key, everybody(`"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}, "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/*"}`), lint.Options{}, ""},
	})
}

func TestMFAAndIfExists(t *testing.T) {
	run(t, map[string]row{
		"a Deny by IfExists":                      {policy.Key, unless("kms:Decrypt", `"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}`), lint.Options{}, ""},
		"an Allow without MFA":                    {policy.Key, when("kms:Decrypt", `"Bool": {"aws:MultiFactorAuthPresent": "false"}`), lint.Options{}, "warning BAD_PATTERN_FOR_MFA"},
		"an Allow by presence":                    {policy.Key, when("kms:Decrypt", `"Null": {"aws:MultiFactorAuthPresent": "false"}`), lint.Options{}, "warning BAD_PATTERN_FOR_MFA"},
		"two Denies, one for absence":             {policy.Key, in(inDeny, `"Action": "kms:Decrypt", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}, {"Effect": "Deny", "Principal": "*", "Resource": "*", "Action": "kms:Decrypt", "Condition": {"Null": {"aws:MultiFactorAuthPresent": "true"}}`), lint.Options{}, ""},
		"IfExists beside Null":                    {policy.Key, when("kms:Decrypt", `"StringEqualsIfExists": {"aws:SourceVpce": "vpce-0abc1234abcd5678e"}, "Null": {"aws:SourceVpce": "false"}`), lint.Options{}, ""},
		"IfExists on what is no guard":            {policy.Key, when("kms:Decrypt", `"StringEqualsIfExists": {"kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}`), lint.Options{}, ""},
		"IfExists in a Deny":                      {policy.Key, unless("kms:Decrypt", `"StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-0abc1234abcd5678e"}`), lint.Options{}, ""},
		"a variable that may be absent in a Deny": {policy.Key, unless("kms:Decrypt", `"StringNotEquals": {"aws:ResourceTag/a": "${aws:PrincipalTag/a}"}`), lint.Options{}, ""},
		"a variable that every caller has":        {policy.Key, when("kms:Decrypt", `"StringNotEquals": {"aws:ResourceTag/a": "${aws:PrincipalAccount}"}`), lint.Options{}, ""},
	})
}

func TestTypesOfValues(t *testing.T) {
	run(t, map[string]row{
		"a string operator on an ARN without wildcards": {policy.Key, when("kms:Decrypt", `"StringEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/a"}`), lint.Options{}, ""},
		"a number for a date":                           {policy.Key, when("kms:ImportKeyMaterial", `"NumericLessThan": {"kms:ValidTo": "1800000000"}`), lint.Options{}, ""},
		"a string operator on a date":                   {policy.Key, when("kms:Decrypt", `"StringEquals": {"aws:CurrentTime": "2026-01-01"}`), lint.Options{}, "warning TYPE_MISMATCH_DATE"},
		"a tag that is an ARN":                          {policy.Key, when("kms:Decrypt", `"ArnLike": {"aws:PrincipalTag/a": "arn:aws:iam::111122223333:role/*"}`), lint.Options{}, ""},
		"a star that is meant as one":                   {policy.Key, when("kms:Decrypt", `"StringEquals": {"aws:PrincipalTag/a": "${*}"}`), lint.Options{}, ""},
		"a question mark is no pattern":                 {policy.Key, when("kms:Decrypt", `"StringEquals": {"aws:PrincipalTag/a": "who?"}`), lint.Options{}, ""},
		"an old endpoint id":                            {policy.Key, when("kms:Decrypt", `"StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}`), lint.Options{}, ""},
		"a public range that holds private ones":        {policy.Key, when("kms:Decrypt", `"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}`), lint.Options{}, ""},
		"private addresses of a VPC":                    {policy.Key, when("kms:Decrypt", `"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}`), lint.Options{}, ""},
		"an account by pattern for one's own":           {policy.Key, when("kms:Decrypt", `"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/a"}`), lint.Options{}, ""},
	})
}

func TestTimesThatHaveRunOut(t *testing.T) {
	now := lint.Options{Now: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)}
	run(t, map[string]row{
		"before a day that is over":         {policy.Key, when("kms:Decrypt", `"DateLessThan": {"aws:CurrentTime": "2026-11-23T00:00:00Z"}`), now, "warning KR_DATE_PASSED"},
		"in seconds":                        {policy.Key, when("kms:Decrypt", `"NumericLessThan": {"aws:EpochTime": "1700000000"}`), now, "warning KR_DATE_PASSED"},
		"a Deny until then":                 {policy.Key, unless("kms:Decrypt", `"DateLessThanEquals": {"aws:CurrentTime": "2020"}`), now, "warning KR_DATE_PASSED"},
		"before a day to come":              {policy.Key, when("kms:Decrypt", `"DateLessThan": {"aws:CurrentTime": "2026-11-25T00:00:00Z"}`), now, ""},
		"after a day that is over":          {policy.Key, when("kms:Decrypt", `"DateGreaterThan": {"aws:CurrentTime": "2026-11-23T00:00:00Z"}`), now, ""},
		"one of several days is to come":    {policy.Key, when("kms:Decrypt", `"DateLessThan": {"aws:CurrentTime": ["2020-01-01", "2027-01-01"]}`), now, ""},
		"sessions that began before":        {policy.Key, unless("kms:Decrypt", `"DateLessThan": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z"}`), now, ""},
		"where nobody says what time it is": {policy.Key, when("kms:Decrypt", `"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}`), lint.Options{}, ""},
	})
}
