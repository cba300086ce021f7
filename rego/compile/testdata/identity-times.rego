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
	input.action == "kms:Decrypt"
	some value in input.context["aws:currenttime"]
	_instant(value) >= time.parse_rfc3339_ns("2026-11-23T00:00:00Z")
	some value_2 in input.context["aws:currenttime"]
	_instant(value_2) < 253402300799000000000
	some value_3 in input.context["aws:multifactorauthage"]
	_number(value_3) <= 3600
	every value_4 in object.get(input, ["context", "kms:rotationperiodindays"], []) {
		not _statement_0_condition_3_matches(value_4)
	}
	every value_5 in object.get(input, ["context", "aws:tokenissuetime"], []) {
		not _statement_0_condition_4_matches(value_5)
	}
}

# $.Statement[0].Condition.NumericNotEquals['kms:RotationPeriodInDays'], one value
_statement_0_condition_3_matches(value_4) if _number(value_4) in [90, 180.5]

# $.Statement[0].Condition.DateNotEquals['aws:TokenIssueTime'], one value
_statement_0_condition_4_matches(value_5) if {
	_instant(value_5) == time.parse_rfc3339_ns("2026-11-23T10:00:00Z")
}

# The number that a value is.
_number(value) := to_number(value) if regex.match(`^[+-]?[0-9]{1,32}(?:\.[0-9]{1,32})?$`, value)

# The instant that a value names, in nanoseconds since 1970: a date, time and zone as far as they are given, or seconds since 1970.
_instant(value) := time.parse_rfc3339_ns(value) if {
	regex.match(`^(?:(?:1[7-9]|2[01])[0-9]{2}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:(?:1[7-9]|2[01])(?:0[48]|[2468][048]|[13579][26])|2000)-02-29)T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$`, value)
}

_instant(value) := time.parse_rfc3339_ns(concat("", [value, "Z"])) if {
	regex.match(`^(?:(?:1[7-9]|2[01])[0-9]{2}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:(?:1[7-9]|2[01])(?:0[48]|[2468][048]|[13579][26])|2000)-02-29)T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?$`, value)
}

_instant(value) := time.parse_rfc3339_ns(concat("", [substring(value, 0, 16), ":00", substring(value, 16, -1)])) if {
	regex.match("^(?:(?:1[7-9]|2[01])[0-9]{2}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:(?:1[7-9]|2[01])(?:0[48]|[2468][048]|[13579][26])|2000)-02-29)T(?:[01][0-9]|2[0-3]):[0-5][0-9](?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$", value)
}

_instant(value) := time.parse_rfc3339_ns(concat("", [value, substring("1970-01-01T00:00:00Z", count(value), -1)])) if {
	regex.match("^(?:(?:1[7-9]|2[01])[0-9]{2}|(?:1[7-9]|2[01])[0-9]{2}-(?:0[1-9]|1[0-2])|(?:(?:1[7-9]|2[01])[0-9]{2}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:(?:1[7-9]|2[01])(?:0[48]|[2468][048]|[13579][26])|2000)-02-29)|(?:(?:1[7-9]|2[01])[0-9]{2}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:(?:1[7-9]|2[01])(?:0[48]|[2468][048]|[13579][26])|2000)-02-29)T(?:[01][0-9]|2[0-3]):[0-5][0-9])$", value)
}

_instant(value) := to_number(value) * 1000000000 if regex.match("^(?:[0-9]{1,3}|[0-9]{5,11})$", value)

_instant(value) := to_number(concat("", [whole, substring(concat("", [fraction, "000000000"]), 0, 9)])) if {
	regex.match(`^[0-9]{1,11}\.[0-9]{1,9}$`, value)
	[whole, fraction] := split(value, ".")
}
