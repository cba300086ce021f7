package keyreeve.example

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "rcp"
#   version: "2012-10-17"
verdict := {"allow": set(), "deny": _deny}

# METADATA
# title: "OnlyOurOrganization"
# custom:
#   statement: "$.Statement[0]"
_deny contains [0, "everyone"] if {
	startswith(input.action, "kms:")
	not "o-exampleorg" in object.get(input, ["context", "aws:principalorgid"], [])
	"false" in object.get(input, ["context", "aws:principalisawsservice"], ["false"])
}
