package keyreeve.example

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "Enable IAM policies"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "account"] if {
	input.principal.account == "111122223333"
	startswith(input.action, "kms:")
}

# METADATA
# title: "Administration"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "user"] if {
	input.principal.user == "arn:aws:iam::111122223333:user/ops/carol"
	_statement_1
}

# METADATA
# title: "Administration"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "role"] if {
	input.principal.role == "arn:aws:iam::111122223333:role/KeyAdmins"
	_statement_1
}

# $.Statement[1], what its rules have in common
_statement_1 if {
	input.action in {
		"kms:CreateAlias", "kms:CreateCustomKeyStore", "kms:CreateGrant", "kms:CreateKey",
		"kms:DescribeCustomKeyStores", "kms:DescribeKey", "kms:EnableKey", "kms:EnableKeyRotation",
		"kms:ListAliases", "kms:ListGrants", "kms:ListKeyPolicies", "kms:ListKeyRotations", "kms:ListKeys",
		"kms:ListResourceTags", "kms:ListRetirableGrants", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion",
		"kms:TagResource",
	}
}

# METADATA
# title: "Use"
# custom:
#   statement: "$.Statement[2]"
_allow contains [2, "role"] if {
	input.principal.role == "arn:aws:iam::111122223333:role/Payroll"
	_statement_2
}

# METADATA
# title: "Use"
# custom:
#   statement: "$.Statement[2]"
_allow contains [2, "session"] if {
	input.principal.session == "arn:aws:sts::111122223333:assumed-role/Batch/nightly"
	_statement_2
}

# $.Statement[2], what its rules have in common
_statement_2 if {
	input.action in {
		"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
		"kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom",
		"kms:ReEncryptTo",
	}
	every value in input.context["kms:encryptioncontext:dept"] {
		value in {"finance", "payroll"}
	}
}

# METADATA
# title: "Grants for services"
# custom:
#   statement: "$.Statement[3]"
_allow contains [3, "role"] if {
	input.principal.role == "arn:aws:iam::111122223333:role/Payroll"
	input.action in {"kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"}
	"true" in input.context["kms:grantisforawsresource"]
}
