package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "identity"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# Not an action known here: iam:ListGroups
# Not an action known here: iam:ListRoles
# Not an action known here: iam:ListUsers
# METADATA
# title: "Statement 0"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "policy"] if {
	input.action in {
		"kms:CreateAlias", "kms:CreateKey", "kms:DeleteAlias", "kms:DescribeCustomKeyStores", "kms:DescribeKey",
		"kms:GenerateRandom", "kms:GetKeyLastUsage", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus",
		"kms:GetParametersForImport", "kms:GetPublicKey", "kms:ListAliases", "kms:ListGrants", "kms:ListKeyPolicies",
		"kms:ListKeyRotations", "kms:ListKeys", "kms:ListResourceTags", "kms:ListRetirableGrants", "kms:TagResource",
		"kms:UntagResource",
	}
}
