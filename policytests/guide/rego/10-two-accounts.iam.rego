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
#   statement: "$.Statement"
_allow contains [0, "policy"] if {
	input.action in {"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"}
	_statement_0_resource
}

# $.Statement.Resource
_statement_0_resource if {
	startswith(input.resource, "arn:aws:kms:")
	contains(trim_prefix(input.resource, "arn:aws:kms:"), ":204060801003:key/")
}

_statement_0_resource if {
	startswith(input.resource, "arn:aws:kms:")
	contains(trim_prefix(input.resource, "arn:aws:kms:"), ":305070901104:key/")
}
