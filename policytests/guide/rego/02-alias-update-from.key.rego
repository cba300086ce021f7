package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "Kari may take the name from key 7c1e"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "user"] if {
	input.principal.user == "arn:aws:iam::204060801003:user/Kari"
	input.action in {"kms:DescribeKey", "kms:UpdateAlias"}
}
