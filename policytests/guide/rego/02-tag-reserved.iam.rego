package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "identity"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": _deny}

# METADATA
# title: "UseAnyKey"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "policy"] if {
	input.action in {
		"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
		"kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom",
		"kms:ReEncryptTo",
	}
	startswith(input.resource, "arn:aws:kms:")
	contains(trim_prefix(input.resource, "arn:aws:kms:"), ":204060801003:key/")
}

# METADATA
# title: "NotTheSealedOnes"
# custom:
#   statement: "$.Statement[1]"
_deny contains [1, "policy"] if {
	input.action in {
		"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
		"kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom",
		"kms:ReEncryptTo",
	}
	startswith(input.resource, "arn:aws:kms:")
	contains(trim_prefix(input.resource, "arn:aws:kms:"), ":204060801003:key/")
	"Sealed" in input.context["aws:resourcetag/class"]
}

# METADATA
# title: "NotTheUnclassed"
# custom:
#   statement: "$.Statement[2]"
_deny contains [2, "policy"] if {
	input.action in {
		"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
		"kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom",
		"kms:ReEncryptTo",
	}
	startswith(input.resource, "arn:aws:kms:")
	contains(trim_prefix(input.resource, "arn:aws:kms:"), ":204060801003:key/")
	not input.context["aws:resourcetag/class"]
}
