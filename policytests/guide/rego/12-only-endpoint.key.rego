package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": _deny}

# METADATA
# title: "The account decides by its own policies"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "account"] if {
	input.principal.account == "204060801003"
	startswith(input.action, "kms:")
}

# METADATA
# title: "Only through the sluice"
# custom:
#   statement: "$.Statement[1]"
_deny contains [1, "everyone"] if {
	input.action in {
		"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
		"kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom",
		"kms:ReEncryptTo",
	}
	not "vpce-0c7d5a9e1b3f24680" in object.get(input, ["context", "aws:sourcevpce"], [])
}
