package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "The crew asks by the name of its ship"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "role"] if {
	input.principal.role == "arn:aws:iam::204060801003:role/skarv-crew"
	input.action in {
		"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
		"kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext",
	}
	some value in input.context["kms:requestalias"]
	startswith(value, "alias/")
	contains(trim_prefix(value, "alias/"), "skarv")
}
