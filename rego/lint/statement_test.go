package lint_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

const (
	inKey   = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Resource": "*", %}]}`
	inDeny  = `{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Resource": "*", %}]}`
	inUser  = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", %}]}`
	anyKeys = `"Resource": "arn:aws:kms:*:111122223333:key/*"`
)

// row is a statement, and the findings about it: "severity ID" in the order of
// their places.
type row struct {
	kind policy.Kind
	text string
	o    lint.Options
	want string
}

func run(t *testing.T, rows map[string]row) {
	t.Helper()
	for name, r := range rows {
		t.Run(name, func(t *testing.T) {
			found, _ := lint.CheckText(r.kind, []byte(r.text), r.o)
			var got []string
			for _, f := range found {
				got = append(got, f.Severity.String()+" "+f.Rule)
			}
			assert.Equal(t, r.want, strings.Join(got, ", "), "%s\n%v", r.text, told(found))
		})
	}
}

func in(frame, statement string) string { return strings.Replace(frame, "%", statement, 1) }

func TestActions(t *testing.T) {
	run(t, map[string]row{
		"the default key policy is fine":                {policy.Key, in(inKey, `"Action": "kms:*"`), lint.Options{}, ""},
		"case does not matter":                          {policy.Key, in(inKey, `"Action": "KMS:decrypt"`), lint.Options{}, ""},
		"a dot for a colon":                             {policy.Key, in(inKey, `"Action": "kms.Decrypt"`), lint.Options{}, "error INVALID_ACTION"},
		"actions of sts that keyreeve never asks for":   {policy.Identity, in(inUser, `"Action": "sts:AssumeRoot", "Resource": "*"`), lint.Options{}, ""},
		"an unknown action of sts":                      {policy.Identity, in(inUser, `"Action": "sts:AssumeRoll", "Resource": "*"`), lint.Options{}, "error INVALID_ACTION"},
		"actions of other services are not looked up":   {policy.Identity, in(inUser, `"Action": "s3:GetWhatever", "Resource": "*"`), lint.Options{}, ""},
		"all services":                                  {policy.SCP, in(inUser, `"Action": "*", "Resource": "*"`), lint.Options{}, ""},
		"a service of stars":                            {policy.SCP, in(inUser, `"Action": "*:Decrypt", "Resource": "*"`), lint.Options{}, ""},
		"another service in a key policy":               {policy.Key, in(inKey, `"Action": ["kms:Decrypt", "s3:GetObject"]`), lint.Options{}, "error UNSUPPORTED_ACTION_IN_POLICY"},
		"another service in the policy of its endpoint": {policy.Endpoint, in(inKey, `"Action": "s3:GetObject"`), lint.Options{}, ""},
		"wildcards over actions of no key are fine":     {policy.Key, in(inKey, `"Action": ["kms:List*", "kms:PutKeyPolicy"]`), lint.Options{}, ""},
		"a custom key store in a key policy":            {policy.Key, in(inKey, `"Action": "kms:CreateCustomKeyStore"`), lint.Options{}, "error UNSUPPORTED_ACTION_IN_POLICY"},
		"alias actions are asked about keys too":        {policy.Key, in(inKey, `"Action": ["kms:CreateAlias", "kms:DeleteAlias"]`), lint.Options{}, ""},
		"ListKeys beside a key is a warning":            {policy.Identity, in(inUser, `"Action": ["kms:ListKeys", "kms:DescribeKey"], `+anyKeys), lint.Options{}, "warning KR_ACTION_NEEDS_STAR_RESOURCE"},
		"CreateKey beside a key is an error":            {policy.Identity, in(inUser, `"Action": ["kms:CreateKey", "kms:TagResource"], `+anyKeys), lint.Options{}, "error KR_ACTION_NEEDS_STAR_RESOURCE"},
		"a repeated action":                             {policy.Key, in(inKey, `"Action": ["kms:Decrypt", "KMS:Decrypt"]`), lint.Options{}, "suggestion REDUNDANT_ACTION"},
		"overlap alone is not redundant":                {policy.Key, in(inKey, `"Action": ["kms:ReEncrypt*", "kms:*EncryptTo"]`), lint.Options{}, ""},
	})
}

func TestWildcardsThatGrow(t *testing.T) {
	run(t, map[string]row{
		"administrators who may put the policy": {policy.Key, in(inKey, `"Action": ["kms:Create*", "kms:Put*"]`), lint.Options{}, ""},
		"reading":                               {policy.Key, in(inKey, `"Action": ["kms:Describe*", "kms:Get*", "kms:List*"]`), lint.Options{}, ""},
		"use":                                   {policy.Key, in(inKey, `"Action": ["kms:ReEncrypt*", "kms:GenerateDataKey*"]`), lint.Options{}, ""},
		"tags":                                  {policy.Identity, in(inUser, `"Action": "kms:*Resource", `+anyKeys), lint.Options{}, "suggestion KR_WILDCARD_GROWS"},
		"boundaries grant nothing":              {policy.Boundary, in(inUser, `"Action": "kms:Create*", `+anyKeys), lint.Options{}, ""},
	})
}

func TestResources(t *testing.T) {
	decrypt := `"Action": "kms:Decrypt", "Resource": `
	run(t, map[string]row{
		"keys of one account":                       {policy.Identity, in(inUser, `"Action": "kms:Decrypt", `+anyKeys), lint.Options{}, ""},
		"keys of any account":                       {policy.Identity, in(inUser, decrypt+`"arn:aws:kms:*:*:key/*"`), lint.Options{}, "security RESOURCE_STAR"},
		"any key by a short pattern":                {policy.Identity, in(inUser, decrypt+`"arn:aws:kms:*"`), lint.Options{}, "security RESOURCE_STAR"},
		"all but one":                               {policy.Identity, in(inUser, `"Action": "kms:Decrypt", "NotResource": "arn:aws:kms:*:111122223333:key/*"`), lint.Options{}, "security RESOURCE_STAR"},
		"encryption with every key":                 {policy.Identity, in(inUser, `"Action": "kms:Encrypt", "Resource": "*"`), lint.Options{}, ""},
		"a tag narrows":                             {policy.Identity, in(inUser, decrypt+`"*", "Condition": {"StringEquals": {"aws:ResourceTag/a": "b"}}`), lint.Options{}, ""},
		"the presence of a tag narrows":             {policy.Identity, in(inUser, decrypt+`"*", "Condition": {"Null": {"aws:ResourceTag/a": "false"}}`), lint.Options{}, ""},
		"an encryption context narrows":             {policy.Identity, in(inUser, decrypt+`"*", "Condition": {"Null": {"kms:EncryptionContext:aws:scheduler:schedule:arn": "false"}}`), lint.Options{}, ""},
		"services that are no more":                 {policy.Identity, in(inUser, `"Action": "deepracer:*", "Resource": "*"`), lint.Options{}, ""},
		"a tag with IfExists does not":              {policy.Identity, in(inUser, decrypt+`"*", "Condition": {"StringEqualsIfExists": {"aws:ResourceTag/a": "b"}}`), lint.Options{}, "security RESOURCE_STAR, security KR_IFEXISTS_WEAKENS"},
		"boundaries may have stars":                 {policy.Boundary, in(inUser, decrypt+`"*"`), lint.Options{}, ""},
		"a session policy too":                      {policy.Session, in(inUser, decrypt+`"*"`), lint.Options{}, ""},
		"everything of kms":                         {policy.Identity, in(inUser, `"Action": "kms:*", "Resource": "*"`), lint.Options{}, "warning iam_policy_no_full_access_to_kms, security RESOURCE_STAR"},
		"an alias among keys for alias actions":     {policy.Identity, in(inUser, `"Action": ["kms:CreateAlias", "kms:DescribeKey"], "Resource": ["arn:aws:kms:eu-central-1:111122223333:alias/a", "arn:aws:kms:*:111122223333:key/*"]`), lint.Options{}, ""},
		"a key action beside aliases alone":         {policy.Identity, in(inUser, `"Action": ["kms:CreateAlias", "kms:Decrypt"], "Resource": "arn:aws:kms:eu-central-1:111122223333:alias/a"`), lint.Options{}, "security KR_ALIAS_ARN_FOR_KEY_ACTION"},
		"an alias in a key policy":                  {policy.Key, strings.Replace(in(inKey, `"Action": "kms:Decrypt"`), `"Resource": "*"`, `"Resource": "arn:aws:kms:eu-central-1:111122223333:alias/a"`, 1), lint.Options{}, "security KR_ALIAS_ARN_FOR_KEY_ACTION"},
		"resources with variables are not compared": {policy.Identity, in(inUser, decrypt+`["arn:aws:kms:*:111122223333:key/${aws:PrincipalTag/a}", "arn:aws:kms:*:111122223333:key/a"]`), lint.Options{}, ""},
		"a key id alone is told what it lacks":      {policy.Identity, in(inUser, decrypt+`"arn:aws:kms:eu-central-1:111122223333:1234abcd-12ab-34cd-56ef-1234567890ab"`), lint.Options{}, "error INVALID_ARN_RESOURCE"},
		"another partition":                         {policy.Identity, in(inUser, decrypt+`"arn:aws:kms:eu-central-1:111122223333:key/a"`), lint.Options{Partition: "aws-cn"}, "error INVALID_PARTITION"},
		"ARNs of other services":                    {policy.Identity, in(inUser, `"Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"`), lint.Options{}, ""},
		"the key's own ARN":                         {policy.Key, strings.Replace(in(inKey, `"Action": "kms:Decrypt"`), `"Resource": "*"`, `"Resource": "arn:aws:kms:eu-central-1:111122223333:key/a"`, 1), lint.Options{KeyARN: "arn:aws:kms:eu-central-1:111122223333:key/a"}, "warning KR_KEY_POLICY_RESOURCE_NOT_STAR"},
		"no Resource in a key policy":               {policy.Key, strings.Replace(in(inKey, `"Action": "kms:Decrypt"`), `"Resource": "*", `, ``, 1), lint.Options{}, "error MISSING_RESOURCE"},
	})
}

func TestReEncryptHalves(t *testing.T) {
	two := `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/A"}, "Action": "kms:ReEncryptFrom", "Resource": "*"},
		{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/%"}, "Action": "kms:ReEncryptTo", "Resource": "*"}]}`
	run(t, map[string]row{
		"split over two statements":       {policy.Key, in(two, "A"), lint.Options{}, ""},
		"of two roles":                    {policy.Key, in(two, "B"), lint.Options{}, "warning KR_REENCRYPT_HALF, warning KR_REENCRYPT_HALF"},
		"the account delegates":           {policy.Key, in(inKey, `"Action": "kms:*"}, {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/A"}, "Action": "kms:ReEncryptFrom", "Resource": "*"`), lint.Options{}, ""},
		"said to be to another key":       {policy.Key, in(inKey, `"Action": "kms:ReEncryptFrom", "Condition": {"Bool": {"kms:ReEncryptOnSameKey": "false"}}`), lint.Options{}, ""},
		"an identity policy is not a key": {policy.Identity, in(inUser, `"Action": "kms:ReEncryptFrom", `+anyKeys), lint.Options{}, ""},
	})
}
