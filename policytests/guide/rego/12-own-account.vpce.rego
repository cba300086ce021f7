package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "endpoint"
#   version: "2008-10-17"
verdict := {"allow": set(), "deny": _deny}

# METADATA
# title: "StrangersStayOut"
# custom:
#   statement: "$.Statement[0]"
_deny contains [0, "everyone"] if {
	startswith(input.action, "kms:")
	startswith(input.resource, "arn:aws:kms:")
	contains(trim_prefix(input.resource, "arn:aws:kms:"), ":204060801003:key/")
	not "204060801003" in object.get(input, ["context", "aws:principalaccount"], [])
}
