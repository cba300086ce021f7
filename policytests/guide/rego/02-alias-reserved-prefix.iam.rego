package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "identity"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": _deny}

# METADATA
# title: "AnyName"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "policy"] if {
	input.action in {"kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"}
	startswith(input.resource, "arn:aws:kms:eu-central-1:204060801003:alias/")
}

# METADATA
# title: "ButNotQuarantine"
# custom:
#   statement: "$.Statement[1]"
_deny contains [1, "policy"] if {
	input.action in {"kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"}
	startswith(input.resource, "arn:aws:kms:eu-central-1:204060801003:alias/Quarantine")
}
