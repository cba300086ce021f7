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
	input.action == "kms:UpdatePrimaryRegion"
	"ap-south-1" in input.context["kms:primaryregion"]
	_statement_0
}

# METADATA
# title: "Statement 0"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "policy"] if {
	input.action == "kms:UpdatePrimaryRegion"
	"eu-central-1" in input.context["kms:primaryregion"]
	_statement_0
}

# METADATA
# title: "Statement 0"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "policy"] if {
	input.action == "kms:UpdatePrimaryRegion"
	"sa-east-1" in input.context["kms:primaryregion"]
	_statement_0
}

# $.Statement[0], what its rules have in common
_statement_0 if {
	startswith(input.resource, "arn:aws:kms:")
	contains(trim_prefix(input.resource, "arn:aws:kms:"), ":204060801003:key/")
}
