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
#   statement: "$.Statement"
_allow contains [0, "role"] if {
	input.principal.role == "arn:aws:iam::204060801003:role/Lookout"
	input.action in {
		"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
		"kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom",
		"kms:ReEncryptTo",
	}
	every value in object.get(input, ["context", "aws:sourceip"], []) {
		not _within(value, ["198.51.100.0/24", "203.0.113.128/25"])
	}
}

# Whether a value is an IP address in one of the networks.
_within(value, networks) if {
	net.cidr_is_valid(concat("/", [value, "32"]))
	some network in networks
	net.cidr_contains(network, value)
}
