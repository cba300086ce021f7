package keyreeve.example

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
	input.action == "kms:Encrypt"
	regex.match("^(?s:arn:aws:kms:us-....-1:111122223333:key/.*a.*b.*c.*)$", input.resource)
	_statement_0_condition_0
	every value_2 in object.get(input, ["context", "aws:principaltag/path"], []) {
		not startswith(value_2, `c:\*\`)
		not _statement_0_condition_1_matches(value_2)
	}
	_statement_0_condition_2
	every value_4 in object.get(input, ["context", "aws:principalarn"], []) {
		not startswith(value_4, "arn:aws:iam::111122223333:role/b")
		not regex.match("^(?s:arn:aws:iam::[^:]*:role/a)$", value_4)
	}
	every value_5 in object.get(input, ["context", "kms:encryptioncontext:path"], []) {
		[variable_2] := input.context["aws:principaltag/home"]
		startswith(value_5, concat("", [variable_2, "/"]))
	}
	"QmluYXJ5" in input.context["example:blob"]
}

# $.Statement[0].Condition.StringLike['aws:userid']
_statement_0_condition_0 if {
	some value in input.context["aws:userid"]
	value == "exact"
}

_statement_0_condition_0 if {
	some value in input.context["aws:userid"]
	strings.any_prefix_match(value, ["AIDA", "AROA"])
}

_statement_0_condition_0 if {
	some value in input.context["aws:userid"]
	strings.any_suffix_match(value, [":cd", ":ci"])
}

_statement_0_condition_0 if {
	some value in input.context["aws:userid"]
	contains(value, "-robot-")
}

_statement_0_condition_0 if {
	some value in input.context["aws:userid"]
	regex.match("^(?s:AROA.....:.*)$", value)
}

# $.Statement[0].Condition.StringNotLike['aws:PrincipalTag/path'], one value
_statement_0_condition_1_matches(value_2) if {
	startswith(value_2, "/a/")
	endswith(trim_prefix(value_2, "/a/"), "/b")
}

# $.Statement[0].Condition.StringEqualsIgnoreCase['aws:PrincipalTag/stage']
_statement_0_condition_2 if {
	some value_3 in input.context["aws:principaltag/stage"]
	lower(value_3) == "dev"
}

_statement_0_condition_2 if {
	some value_3 in input.context["aws:principaltag/stage"]
	[variable] := input.context["aws:principaltag/default"]
	lower(value_3) == lower(variable)
}
