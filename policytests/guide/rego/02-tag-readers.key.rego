package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "The account decides by its own policies"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "account"] if {
	input.principal.account == "204060801003"
	startswith(input.action, "kms:")
}

# METADATA
# title: "Ida and Odd keep the tags"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "user"] if {
	input.principal.user == "arn:aws:iam::204060801003:user/Ida"
	input.action in {"kms:ListResourceTags", "kms:TagResource", "kms:UntagResource"}
}

# METADATA
# title: "Ida and Odd keep the tags"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "user"] if {
	input.principal.user == "arn:aws:iam::204060801003:user/Odd"
	input.action in {"kms:ListResourceTags", "kms:TagResource", "kms:UntagResource"}
}

# METADATA
# title: "Roles that see the tags"
# custom:
#   statement: "$.Statement[2]"
_allow contains [2, "role"] if {
	input.principal.role == "arn:aws:iam::204060801003:role/Harbourmaster"
	input.action == "kms:ListResourceTags"
}

# METADATA
# title: "Roles that see the tags"
# custom:
#   statement: "$.Statement[2]"
_allow contains [2, "role"] if {
	input.principal.role == "arn:aws:iam::204060801003:role/Shipwright"
	input.action == "kms:ListResourceTags"
}
