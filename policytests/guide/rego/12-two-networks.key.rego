package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "Administer from the tower"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "account"] if {
	input.principal.account == "204060801003"
	input.action in {
		"kms:CreateAlias", "kms:CreateCustomKeyStore", "kms:CreateGrant", "kms:CreateKey", "kms:DeleteAlias",
		"kms:DeleteCustomKeyStore", "kms:DeleteImportedKeyMaterial", "kms:DisableKey", "kms:DisableKeyRotation",
		"kms:EnableKey", "kms:EnableKeyRotation", "kms:PutKeyPolicy", "kms:RevokeGrant", "kms:TagResource",
		"kms:UntagResource", "kms:UpdateAlias", "kms:UpdateCustomKeyStore", "kms:UpdateKeyDescription",
		"kms:UpdatePrimaryRegion",
	}
	"vpc-0a11ce70" in input.context["aws:sourcevpc"]
}

# METADATA
# title: "Use from the quay"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "account"] if {
	input.principal.account == "204060801003"
	input.action in {
		"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
		"kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext",
	}
	"vpc-0b0b5e1f" in input.context["aws:sourcevpc"]
}

# METADATA
# title: "Look from anywhere"
# custom:
#   statement: "$.Statement[2]"
_allow contains [2, "account"] if {
	input.principal.account == "204060801003"
	input.action in {
		"kms:DescribeCustomKeyStores", "kms:DescribeKey", "kms:GetKeyLastUsage", "kms:GetKeyPolicy",
		"kms:GetKeyRotationStatus", "kms:GetParametersForImport", "kms:GetPublicKey", "kms:ListAliases",
		"kms:ListGrants", "kms:ListKeyPolicies", "kms:ListKeyRotations", "kms:ListKeys", "kms:ListResourceTags",
		"kms:ListRetirableGrants",
	}
}
