package keyreeve.example

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "Trails of two accounts"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "service"] if {
	"cloudtrail.amazonaws.com" in input.principal.services
	input.action in {
		"kms:GenerateDataKey", "kms:GenerateDataKeyPair", "kms:GenerateDataKeyPairWithoutPlaintext",
		"kms:GenerateDataKeyWithoutPlaintext",
	}
	every value in input.context["kms:encryptioncontext:aws:cloudtrail:arn"] {
		startswith(value, "arn:aws:cloudtrail:")
		contains(trim_prefix(value, "arn:aws:cloudtrail:"), ":111122223333:trail/")
	}
	_statement_0_condition_1
}

# $.Statement[0].Condition.ArnLike['aws:SourceArn']
_statement_0_condition_1 if {
	some value_2 in input.context["aws:sourcearn"]
	startswith(value_2, "arn:aws:cloudtrail:eu-west-1:444455556666:trail/")
}

_statement_0_condition_1 if {
	some value_2 in input.context["aws:sourcearn"]
	regex.match("^(?s:arn:aws:cloudtrail:[^:]*:111122223333:trail/audit-.)$", value_2)
}

# Not an action known here: s3:GetObject
# Names nobody here: $.Statement[1].Principal.Federated
# METADATA
# title: "Statement 1"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "service"] if {
	"logs.eu-west-1.amazonaws.com" in input.principal.services
	input.action == "kms:Decrypt"
}

# METADATA
# title: "Statement 1"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "service"] if {
	"sns.amazonaws.com" in input.principal.services
	input.action == "kms:Decrypt"
}
