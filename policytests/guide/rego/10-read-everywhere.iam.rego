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
	input.action in {
		"kms:DescribeCustomKeyStores", "kms:DescribeKey", "kms:GenerateRandom", "kms:GetKeyLastUsage",
		"kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:GetParametersForImport", "kms:GetPublicKey",
		"kms:ListAliases", "kms:ListGrants", "kms:ListKeyPolicies", "kms:ListKeyRotations", "kms:ListKeys",
		"kms:ListResourceTags", "kms:ListRetirableGrants",
	}
}
