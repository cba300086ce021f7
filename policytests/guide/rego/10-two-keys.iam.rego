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
	input.resource in {
		"arn:aws:kms:eu-central-1:204060801003:key/7c1e52a0-93d4-4b6f-8a17-2d5be09c6f31",
		"arn:aws:kms:eu-central-1:204060801003:key/b8042f6d-51ce-4e79-9d30-fa67318c04e2",
	}
}
