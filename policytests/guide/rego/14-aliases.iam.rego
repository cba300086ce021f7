package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "identity"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "KeysNamedSkarv"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "policy"] if {
	input.action in {
		"kms:Decrypt", "kms:DescribeCustomKeyStores", "kms:DescribeKey", "kms:ListAliases", "kms:ListGrants",
		"kms:ListKeyPolicies", "kms:ListKeyRotations", "kms:ListKeys", "kms:ListResourceTags",
		"kms:ListRetirableGrants",
	}
	"alias/Skarv" in input.context["kms:resourcealiases"]
	_statement_0
}

# METADATA
# title: "KeysNamedSkarv"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "policy"] if {
	input.action in {
		"kms:Decrypt", "kms:DescribeCustomKeyStores", "kms:DescribeKey", "kms:ListAliases", "kms:ListGrants",
		"kms:ListKeyPolicies", "kms:ListKeyRotations", "kms:ListKeys", "kms:ListResourceTags",
		"kms:ListRetirableGrants",
	}
	"alias/Skarv_Dock" in input.context["kms:resourcealiases"]
	_statement_0
}

# METADATA
# title: "KeysNamedSkarv"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "policy"] if {
	input.action in {
		"kms:Decrypt", "kms:DescribeCustomKeyStores", "kms:DescribeKey", "kms:ListAliases", "kms:ListGrants",
		"kms:ListKeyPolicies", "kms:ListKeyRotations", "kms:ListKeys", "kms:ListResourceTags",
		"kms:ListRetirableGrants",
	}
	"alias/Skarv_Trial" in input.context["kms:resourcealiases"]
	_statement_0
}

# $.Statement[0], what its rules have in common
_statement_0 if {
	startswith(input.resource, "arn:aws:kms:")
	contains(trim_prefix(input.resource, "arn:aws:kms:"), ":204060801003:key/")
}
