package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "The logbook is sealed"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "service"] if {
	"cloudtrail.amazonaws.com" in input.principal.services
	input.action == "kms:GenerateDataKey"
	"arn:aws:cloudtrail:eu-central-1:204060801003:trail/logbook" in input.context["aws:sourcearn"]
	every value_2 in input.context["kms:encryptioncontext:aws:cloudtrail:arn"] {
		startswith(value_2, "arn:aws:cloudtrail:")
		contains(trim_prefix(value_2, "arn:aws:cloudtrail:"), ":204060801003:trail/")
	}
}
