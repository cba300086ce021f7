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
_deny contains [0, "everyone"] if {
	input.action == "kms:ScheduleKeyDeletion"
	some value in input.context["kms:schedulekeydeletionpendingwindowindays"]
	_number(value) <= 21
}

# The number that a value is.
_number(value) := to_number(value) if regex.match(`^[+-]?[0-9]{1,32}(?:\.[0-9]{1,32})?$`, value)
