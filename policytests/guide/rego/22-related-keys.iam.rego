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
	input.action in {
		"kms:DescribeCustomKeyStores", "kms:DescribeKey", "kms:ListAliases", "kms:ListGrants", "kms:ListKeyPolicies",
		"kms:ListKeyRotations", "kms:ListKeys", "kms:ListResourceTags", "kms:ListRetirableGrants",
	}
	startswith(input.resource, "arn:aws:kms:")
	endswith(trim_prefix(input.resource, "arn:aws:kms:"), ":204060801003:key/mrk-7c1e52a093d44b6f8a172d5be09c6f31")
}
