package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "identity"
#   version: "2012-10-17"
verdict := {"allow": set(), "deny": _deny}

# METADATA
# title: "SymmetricOnly"
# custom:
#   statement: "$.Statement[0]"
_deny contains [0, "policy"] if {
	input.action in {
		"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
		"kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom",
		"kms:ReEncryptTo",
	}
	startswith(input.resource, "arn:aws:kms:eu-central-1:204060801003:key/")
	not "SYMMETRIC_DEFAULT" in object.get(input, ["context", "kms:encryptionalgorithm"], [])
}
