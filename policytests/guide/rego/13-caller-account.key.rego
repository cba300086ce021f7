package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "The volume service works for everybody here"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "everyone"] if {
	input.action in {
		"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey",
		"kms:GenerateDataKeyPair", "kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext",
		"kms:ReEncryptFrom", "kms:ReEncryptTo",
	}
	"204060801003" in input.context["kms:calleraccount"]
	"ec2.eu-central-1.amazonaws.com" in input.context["kms:viaservice"]
}
