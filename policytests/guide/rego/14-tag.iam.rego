package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "identity"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "KeysOfTheSkarv"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "policy"] if {
	input.action in {"kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext"}
	startswith(input.resource, "arn:aws:kms:ap-southeast-1:204060801003:key/")
	"Skarv" in input.context["aws:resourcetag/vessel"]
	every value in input.context["aws:resourcetag/vessel"] {
		value == "Skarv"
	}
}
