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
	"Ledger" in input.context["kms:encryptioncontextkeys"]
	"Tolls" in input.context["kms:encryptioncontext:ledger"]
	every value_2 in input.context["kms:encryptioncontext:ledger"] {
		value_2 == "Tolls"
	}
}
