package lint_test

import (
	"strings"
	"testing"

	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

const (
	guarded = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*",
		"kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"], "Resource": "*", "Condition": {"StringEquals": {%}}}}`
	administrators = `{"Version": "2012-10-17", "Id": "key-consolepolicy-3", "Statement": [{"Sid": "Enable IAM User Permissions", "Effect": "Allow",
		"Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"},
		{"Sid": "Allow access for Key Administrators", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/Admin"},
		"Action": ["kms:Create*", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*", "kms:Revoke*", "kms:Disable*", "kms:Get*",
		"kms:Delete*", "kms:TagResource", "kms:UntagResource", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion", "kms:RotateKeyOnDemand"], "Resource": "*"},
		{"Sid": "Allow attachment of persistent resources", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/App"},
		"Action": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"], "Resource": "*", "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}}]}`
)

// TestSilentWhereOtherToolsCryWolf has the false alarms that users of other
// tools reported, each with its thread, as far as they are about form.
func TestSilentWhereOtherToolsCryWolf(t *testing.T) {
	none := lint.Options{}
	run(t, map[string]row{
		"Deny to everybody (checkov 4394)": {policy.Key, unless("kms:*", `"Bool": {"aws:SecureTransport": "false"}`), none, ""},
		"a star guarded by the caller's account (prowler 679, 970; custodian 5201, 2167; steampipe-perimeter 23)": {policy.Key, in(guarded, `"kms:CallerAccount": "111122223333"`), none, ""},
		"a star guarded by service and account (kumo, qs-cfn-lint-rules 34)":                                      {policy.Key, in(guarded, `"kms:CallerAccount": "111122223333", "kms:ViaService": "ec2.eu-central-1.amazonaws.com"`), none, ""},
		"the default key policy (kics 4779, 6844)":                                                                {policy.Key, in(inKey, `"Sid": "Enable IAM User Permissions", "Action": "kms:*"`), none, ""},
		"the policy that the console writes":                                                                      {policy.Key, administrators, none, ""},
		"Resource * in a key policy (checkov 2336, 5148; tfsec 794, 797; Sonar rspec 565)":                        {policy.Key, in(inKey, `"Action": ["kms:Decrypt", "kms:DescribeKey"]`), none, ""},
		"an asymmetric key is not asked to rotate (kics 7337)":                                                    {policy.Key, in(inKey, `"Action": ["kms:Sign", "kms:GetPublicKey"]`), lint.Options{KeySpec: "RSA_2048"}, ""},
		"permissions split over two statements (parliament 3)":                                                    {policy.Identity, in(inUser, `"Action": "kms:CreateAlias", "Resource": "arn:aws:kms:*:111122223333:alias/*"}, {"Effect": "Allow", "Action": "kms:CreateAlias", `+anyKeys), none, ""},
		"a boundary with stars": {policy.Boundary, in(inUser, `"Action": "*", "Resource": "*"`), none, ""},
		"FullAWSAccess":         {policy.SCP, in(inUser, `"Action": "*", "Resource": "*"`), none, ""},
		"an Allow with NotAction and conditions in an SCP": {policy.SCP, in(inUser, `"NotAction": "kms:ScheduleKeyDeletion", "Resource": "*", "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}`), none, ""},
		"keys of an account narrowed by tag":               {policy.Identity, in(inUser, `"Action": "kms:Decrypt", `+anyKeys+`, "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}`), none, ""},
		"an AWS managed key": {policy.Key, in(guarded, `"kms:CallerAccount": "111122223333", "kms:ViaService": "s3.eu-central-1.amazonaws.com"`),
			lint.Options{AWSManaged: true}, ""},
		"a wildcard over the Region of a service": {policy.Key, strings.Replace(in(guarded, `"kms:CallerAccount": "111122223333"`), `"StringEquals": {`, `"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}, "StringEquals": {`, 1), none, ""},
	})
}
