package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "identity"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# Not an action known here: ssm:GetParameter*
# $.Statement[0] (Allow) matches nothing: none of its actions is known here.

# METADATA
# title: "Statement 1"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "policy"] if {
	input.action == "kms:Decrypt"
	input.resource == "arn:aws:kms:eu-central-1:204060801003:key/7c1e52a0-93d4-4b6f-8a17-2d5be09c6f31"
}
