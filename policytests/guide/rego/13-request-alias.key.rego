package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "Ask for the toll key by its name"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "role"] if {
	input.principal.role == "arn:aws:iam::204060801003:role/Rigger"
	input.action == "kms:GenerateDataKey"
	"alias/toll-key" in input.context["kms:requestalias"]
}
