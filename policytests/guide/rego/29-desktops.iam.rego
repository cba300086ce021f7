package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "identity"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "Statement 0"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "policy"] if {
	input.action == "kms:CreateGrant"
	input.resource == "arn:aws:kms:eu-central-1:204060801003:key/7c1e52a0-93d4-4b6f-8a17-2d5be09c6f31"
}

# METADATA
# title: "Statement 1"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "policy"] if input.action in {"kms:ListAliases", "kms:ListKeys"}
