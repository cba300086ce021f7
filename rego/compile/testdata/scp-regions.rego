package keyreeve.example

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "scp"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": _deny}

# METADATA
# title: "FullAccess"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "policy"]

# METADATA
# title: "RegionsInUse"
# custom:
#   statement: "$.Statement[1]"
_deny contains [1, "policy"] if {
	not startswith(input.action, "sts:")
	input.action != "iam:CreateServiceLinkedRole"
	every value in object.get(input, ["context", "aws:requestedregion"], []) {
		not value in {"eu-central-1", "eu-west-1"}
	}
	every value_2 in object.get(input, ["context", "aws:principalarn"], []) {
		not regex.match("^(?s:arn:aws:iam::[^:]*:role/Admin.*)$", value_2)
	}
}
