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
	input.action in {"kms:CreateGrant", "kms:DescribeKey", "kms:ScheduleKeyDeletion"}
	startswith(input.resource, "arn:aws:kms:eu-central-1:204060801003:key/")
	"SIGN_VERIFY" in input.context["kms:keyusage"]
}
