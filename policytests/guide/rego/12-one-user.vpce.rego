package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "endpoint"
#   version: "2008-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "LotteReads"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "user"] if {
	input.principal.user == "arn:aws:iam::204060801003:user/Lotte"
	input.action in {"kms:Decrypt", "kms:DescribeKey", "kms:ListAliases", "kms:ListKeys"}
	input.resource == "arn:aws:kms:eu-central-1:204060801003:key/7c1e52a0-93d4-4b6f-8a17-2d5be09c6f31"
}
