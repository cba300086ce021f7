package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "The mailbox service works for everybody here"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "everyone"] if {
	input.action in {"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
	"workmail.eu-central-1.amazonaws.com" in input.context["kms:viaservice"]
	"204060801003" in input.context["kms:calleraccount"]
}

# METADATA
# title: "The account may look and revoke"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "account"] if {
	input.principal.account == "204060801003"
	input.action in {
		"kms:DescribeCustomKeyStores", "kms:DescribeKey", "kms:GetKeyLastUsage", "kms:GetKeyPolicy",
		"kms:GetKeyRotationStatus", "kms:GetParametersForImport", "kms:GetPublicKey", "kms:ListAliases",
		"kms:ListGrants", "kms:ListKeyPolicies", "kms:ListKeyRotations", "kms:ListKeys", "kms:ListResourceTags",
		"kms:ListRetirableGrants", "kms:RevokeGrant",
	}
}
