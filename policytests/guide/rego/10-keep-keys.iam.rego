package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "identity"
#   version: "2012-10-17"
verdict := {"allow": set(), "deny": _deny}

# METADATA
# title: "Statement 0"
# custom:
#   statement: "$.Statement"
_deny contains [0, "policy"] if input.action in {"kms:DisableKey", "kms:ScheduleKeyDeletion"}
