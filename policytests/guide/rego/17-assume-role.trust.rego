package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "trust"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "Statement 0"
# custom:
#   statement: "$.Statement"
_allow contains [0, "user"] if {
	input.principal.user == "arn:aws:iam::204060801003:user/Tor"
	input.action == "sts:AssumeRole"
}
