package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "identity"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "KeysNamedTrialOnly"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "policy"] if {
	input.action in {"kms:DisableKey", "kms:EnableKey"}
	startswith(input.resource, "arn:aws:kms:")
	contains(trim_prefix(input.resource, "arn:aws:kms:"), ":204060801003:key/")
	every value in object.get(input, ["context", "kms:resourcealiases"], []) {
		startswith(value, "alias/")
		contains(trim_prefix(value, "alias/"), "Trial")
	}
	some value_2 in input.context["kms:resourcealiases"]
	startswith(value_2, "alias/")
	contains(trim_prefix(value_2, "alias/"), "Trial")
}
