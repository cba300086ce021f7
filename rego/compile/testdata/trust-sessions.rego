package keyreeve.example

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "trust"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "Statement 0"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "account"] if {
	input.principal.account == "444455556666"
	input.action in {"sts:AssumeRole", "sts:TagSession"}
	"Example Unique ID Assigned" in input.context["sts:externalid"]
	input.context["aws:requesttag/project"]
}

# METADATA
# title: "Statement 1"
# custom:
#   statement: "$.Statement[1]"
_allow contains [1, "provider"] if {
	input.principal.provider == "arn:aws:iam::111122223333:saml-provider/corporate"
	input.action == "sts:AssumeRoleWithSAML"
}
