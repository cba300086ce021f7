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
	input.principal.role == "arn:aws:iam::204060801003:role/Assayers"
	input.action in {"kms:GenerateMac", "kms:VerifyMac"}
	"HMAC_SHA_384" in input.context["kms:macalgorithm"]
}

# METADATA
# title: "Statement 1"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "role"] if {
	input.principal.role == "arn:aws:iam::204060801003:role/Assayers"
	input.action in {"kms:GenerateMac", "kms:VerifyMac"}
	"HMAC_SHA_512" in input.context["kms:macalgorithm"]
}
