package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "endpoint"
#   version: "2008-10-17"
verdict := {"allow": _allow, "deny": set()}

# METADATA
# title: "Statement 0"
# custom:
#   statement: "$.Statement[0]"
_allow contains [0, "everyone"]
