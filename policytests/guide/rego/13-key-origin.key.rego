package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "Statement 0"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "role"] if {
	input.principal.role == "arn:aws:iam::204060801003:role/Locksmith"
	input.action == "kms:CreateKey"
	"AWS_KMS" in input.context["kms:keyorigin"]
}

# METADATA
# title: "Statement 1"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "role"] if {
	input.principal.role == "arn:aws:iam::204060801003:role/Locksmith"
	input.action in {
		"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
		"kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom",
		"kms:ReEncryptTo",
	}
	startswith(input.resource, "arn:aws:kms:eu-central-1:204060801003:key/")
	"AWS_CLOUDHSM" in input.context["kms:keyorigin"]
}
