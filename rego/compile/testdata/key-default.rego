package keyreeve.example

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "Enable IAM policies"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "account"] if {
	input.principal.account == "111122223333"
	startswith(input.action, "kms:")
}
