package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "The pilots decide"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "account"] if {
	input.principal.account == "305070901104"
	startswith(input.action, "kms:")
}

# METADATA
# title: "The harbour uses the key"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "account"] if {
	input.principal.account == "204060801003"
	input.action in {
		"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey",
		"kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
	}
}
