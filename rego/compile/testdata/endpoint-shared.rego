package keyreeve.example

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "endpoint"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "Statement 0"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "account"] if {
	input.principal.account == "111122223333"
	input.action in {"kms:Decrypt", "kms:Encrypt"}
	_statement_0
}

# METADATA
# title: "Statement 0"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "account"] if {
	input.principal.account == "444455556666"
	input.action in {"kms:Decrypt", "kms:Encrypt"}
	_statement_0
}

# $.Statement[0], what its rules have in common
_statement_0 if {
	input.resource in {
		"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		"arn:aws:kms:eu-west-1:444455556666:key/0987dcba-09fe-87dc-65ba-ab0987654321",
	}
	some value in input.context["kms:encryptioncontextkeys"]
	value in {"dept", "tenant"}
	"athena.amazonaws.com" in input.context["aws:calledvia"]
}
