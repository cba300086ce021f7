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
_allow contains [0, "user"] if {
	input.principal.user == "arn:aws:iam::305070901104:user/Ida"
	startswith(input.action, "kms:")
}

# METADATA
# title: "Statement 1"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "user"] if {
	input.principal.user == "arn:aws:iam::406080102205:user/Odd"
	input.action == "kms:CreateGrant"
}

# METADATA
# title: "Statement 2"
# custom:
#   statement: "$.Statement[2]"
_allow contains [2, "user"] if {
	input.principal.user == "arn:aws:iam::406080102205:user/Kari"
	input.action == "kms:Encrypt"
}
