package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "The chart service works for the chartroom"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "role"] if {
	input.principal.role == "arn:aws:iam::204060801003:role/Chartroom"
	input.action == "kms:CreateGrant"
	"geo.eu-central-1.amazonaws.com" in input.context["kms:viaservice"]
	"204060801003" in input.context["kms:calleraccount"]
	"arn:aws:geo:eu-central-1:204060801003:tracker/Skarv" in input.context["kms:encryptioncontext:aws:geo:arn"]
	every value_3 in input.context["kms:encryptioncontext:aws:geo:arn"] {
		value_3 == "arn:aws:geo:eu-central-1:204060801003:tracker/Skarv"
	}
}
