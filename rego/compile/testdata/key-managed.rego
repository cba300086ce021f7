package keyreeve.example

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "Whoever stores through the service in this account"
# custom:
#   statement: "$.Statement"
_allow contains [0, "everyone"] if {
	input.action in {
		"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey",
		"kms:GenerateDataKeyPair", "kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext",
		"kms:ReEncryptFrom", "kms:ReEncryptTo",
	}
	"ec2.eu-west-1.amazonaws.com" in input.context["kms:viaservice"]
	"111122223333" in input.context["kms:calleraccount"]
}

# METADATA
# title: "Whoever stores through the service in this account"
# custom:
#   statement: "$.Statement"
_allow contains [0, "everyone"] if {
	input.action in {
		"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey",
		"kms:GenerateDataKeyPair", "kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext",
		"kms:ReEncryptFrom", "kms:ReEncryptTo",
	}
	"rds.eu-west-1.amazonaws.com" in input.context["kms:viaservice"]
	"111122223333" in input.context["kms:calleraccount"]
}
