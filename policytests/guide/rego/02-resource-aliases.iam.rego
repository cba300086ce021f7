package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "identity"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "RotateQuarantineKeys"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "policy"] if {
	input.action in {"kms:DisableKeyRotation", "kms:EnableKeyRotation", "kms:GetKeyRotationStatus"}
	_statement_0_resource
	some value in input.context["kms:resourcealiases"]
	startswith(value, "alias/quarantine")
}

# $.Statement[0].Resource
_statement_0_resource if {
	startswith(input.resource, "arn:aws:kms:")
	contains(trim_prefix(input.resource, "arn:aws:kms:"), ":204060801003:key/")
}

_statement_0_resource if {
	startswith(input.resource, "arn:aws:kms:")
	contains(trim_prefix(input.resource, "arn:aws:kms:"), ":305070901104:key/")
}
