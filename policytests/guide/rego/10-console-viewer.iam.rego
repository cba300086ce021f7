package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "identity"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# Not an action known here: tag:GetResources
# METADATA
# title: "LookAtKeys"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "policy"] if {
	input.action in {
		"kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:GetPublicKey", "kms:ListKeyPolicies",
		"kms:ListResourceTags",
	}
	startswith(input.resource, "arn:aws:kms:")
	contains(trim_prefix(input.resource, "arn:aws:kms:"), ":204060801003:key/")
}

# Not an action known here: iam:ListRoles
# Not an action known here: iam:ListUsers
# METADATA
# title: "LookAtLists"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "policy"] if input.action in {"kms:ListAliases", "kms:ListKeys"}
