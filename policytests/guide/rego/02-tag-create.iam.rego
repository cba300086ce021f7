package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "identity"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "MakeKeys"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "policy"] if input.action == "kms:CreateKey"

# METADATA
# title: "TagKeys"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "policy"] if {
	input.action in {"kms:ListResourceTags", "kms:TagResource", "kms:UntagResource"}
	startswith(input.resource, "arn:aws:kms:")
	contains(trim_prefix(input.resource, "arn:aws:kms:"), ":204060801003:key/")
}
