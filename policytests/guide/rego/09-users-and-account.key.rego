package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "Customs and the pilots use the key"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "account"] if {
	input.principal.account == "305070901104"
	input.action in {
		"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
		"kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom",
		"kms:ReEncryptTo",
	}
	_statement_0
}

# METADATA
# title: "Customs and the pilots use the key"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "role"] if {
	input.principal.role == "arn:aws:iam::204060801003:role/Customs"
	_statement_0
}

# $.Statement[0], what its rules have in common
_statement_0 if {
	input.action in {
		"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
		"kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom",
		"kms:ReEncryptTo",
	}
}

# METADATA
# title: "They let services use it"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "account"] if {
	input.principal.account == "305070901104"
	input.action in {"kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"}
	_statement_1
}

# METADATA
# title: "They let services use it"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "role"] if {
	input.principal.role == "arn:aws:iam::204060801003:role/Customs"
	_statement_1
}

# $.Statement[1], what its rules have in common
_statement_1 if {
	input.action in {"kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"}
	"true" in input.context["kms:grantisforawsresource"]
}
