package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "The pilots let services use it"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "account"] if {
	input.principal.account == "305070901104"
	input.action in {"kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"}
	"true" in input.context["kms:grantisforawsresource"]
}
