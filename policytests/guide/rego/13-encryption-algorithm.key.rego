package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": set(), "deny": _deny}

# METADATA
# title: "One algorithm and no other"
# custom:
#   statement: "$.Statement[0]"
_deny contains [0, "role"] if {
	input.principal.role == "arn:aws:iam::204060801003:role/Locksmith"
	input.action in {"kms:Decrypt", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
	not "RSAES_OAEP_SHA_256" in object.get(input, ["context", "kms:encryptionalgorithm"], [])
}
