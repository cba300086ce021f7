package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "The mail service seals letters"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "service"] if {
	"ses.amazonaws.com" in input.principal.services
	input.action in {
		"kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair", "kms:GenerateDataKeyPairWithoutPlaintext",
		"kms:GenerateDataKeyWithoutPlaintext",
	}
	input.context["kms:encryptioncontext:aws:ses:rule-name"]
	input.context["kms:encryptioncontext:aws:ses:message-id"]
	"204060801003" in input.context["kms:encryptioncontext:aws:ses:source-account"]
	every value in input.context["kms:encryptioncontext:aws:ses:source-account"] {
		value == "204060801003"
	}
}
