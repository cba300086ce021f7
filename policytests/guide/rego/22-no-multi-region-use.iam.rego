package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "identity"
#   version: "2012-10-17"
verdict := {"allow": set(), "deny": _deny}

# METADATA
# title: "Statement 0"
# custom:
#   statement: "$.Statement[0]"
_deny contains [0, "policy"] if {
	startswith(input.action, "kms:")
	"true" in input.context["kms:multiregion"]
}
