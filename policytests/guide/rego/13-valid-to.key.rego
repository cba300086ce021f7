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
	input.principal.role == "arn:aws:iam::204060801003:role/Locksmith"
	input.action == "kms:ImportKeyMaterial"
	some value in input.context["kms:validto"]
	_number(value) <= 1924991999
}

# The number that a value is.
_number(value) := to_number(value) if regex.match(`^[+-]?[0-9]{1,32}(?:\.[0-9]{1,32})?$`, value)
