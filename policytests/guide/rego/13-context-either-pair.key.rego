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
	input.principal.role == "arn:aws:iam::204060801003:role/TollLedger"
	input.action == "kms:GenerateDataKey"
	"North" in input.context["kms:encryptioncontext:quay"]
	every value in input.context["kms:encryptioncontext:quay"] {
		value == "North"
	}
}

# METADATA
# title: "Statement 1"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "role"] if {
	input.principal.role == "arn:aws:iam::204060801003:role/TollLedger"
	input.action == "kms:GenerateDataKey"
	"Skarv" in input.context["kms:encryptioncontext:vessel"]
	every value in input.context["kms:encryptioncontext:vessel"] {
		value == "Skarv"
	}
}
