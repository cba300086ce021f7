package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": set(), "deny": _deny}

# METADATA
# title: "Statement 0"
# custom:
#   statement: "$.Statement[0]"
_deny contains [0, "role"] if {
	input.principal.role == "arn:aws:iam::204060801003:role/TollLedger"
	input.action == "kms:GenerateDataKey"
	"Sealed" in input.context["kms:encryptioncontext:cargo"]
}
