package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "identity"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "NameKeysMadeHere"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "policy"] if {
	input.action in {"kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"}
	startswith(input.resource, "arn:aws:kms:eu-central-1:204060801003:key/")
	"AWS_KMS" in input.context["kms:keyorigin"]
}
