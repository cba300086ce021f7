package keyreeve.example

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "identity"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": _deny}

# METADATA
# title: "Create"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "policy"] if {
	input.action in {
		"kms:CreateAlias", "kms:CreateKey", "kms:ListAliases", "kms:ListGrants", "kms:ListKeyPolicies",
		"kms:ListKeyRotations", "kms:ListKeys", "kms:ListResourceTags", "kms:ListRetirableGrants",
	}
}

# METADATA
# title: "OwnKeys"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "policy"] if {
	startswith(input.action, "kms:")
	_statement_1_resource
	every value in input.context["aws:resourcetag/owner"] {
		[variable_2] := object.get(input, ["context", "aws:principaltag/team"], ["nobody"])
		value == variable_2
	}
	some value_2 in input.context["kms:resourcealiases"]
	strings.any_prefix_match(value_2, ["alias/dev-", "alias/test-"])
	every value_3 in object.get(input, ["context", "aws:tagkeys"], []) {
		value_3 in {"owner", "stage"}
	}
}

# $.Statement[1].Resource
_statement_1_resource if input.resource == "arn:aws:kms:eu-west-1:111122223333:alias/shared"

_statement_1_resource if {
	startswith(input.resource, "arn:aws:kms:")
	contains(trim_prefix(input.resource, "arn:aws:kms:"), ":111122223333:key/")
}

_statement_1_resource if {
	[variable] := input.context["aws:username"]
	startswith(input.resource, concat("", ["arn:aws:kms:eu-west-1:111122223333:alias/", variable, "/"]))
}

# METADATA
# title: "NotProduction"
# custom:
#   statement: "$.Statement[2]"
_deny contains [2, "policy"] if {
	not regex.match("^(?s:arn:aws:kms:.*:.*:key/mrk-.*)$", input.resource)
	not _statement_2_resource
}

# $.Statement[2].NotResource
_statement_2_resource if {
	[variable] := input.context["aws:principaltag/key"]
	input.resource == concat("", ["arn:aws:kms:eu-west-1:111122223333:key/", variable])
}
