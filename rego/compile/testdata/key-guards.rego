package keyreeve.example

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2012-10-17"
verdict := {"allow": _allow, "deny": _deny}

# METADATA
# title: "Only the break-glass role deletes"
# custom:
#   statement: "$.Statement[0]"
_deny contains [0, "everyone"] if {
	input.action in {"kms:DeleteImportedKeyMaterial", "kms:ScheduleKeyDeletion"}
	not _statement_0_spared
}

# Who is named in full, and has no permissions boundary, is spared.
_statement_0_spared if {
	input.principal.type == "root"
	input.principal.boundary == false
	input.principal.account == "111122223333"
}

_statement_0_spared if {
	input.principal.type in {"role", "service_linked_role", "web_identity"}
	input.principal.boundary == false
	input.principal.account == "111122223333"
	input.principal.role == "arn:aws:iam::111122223333:role/BreakGlass"
	input.principal.session == "arn:aws:sts::111122223333:assumed-role/BreakGlass/oncall"
}

# METADATA
# title: "Not from outside"
# custom:
#   statement: "$.Statement[1]"
_deny contains [1, "everyone"] if {
	not input.action in {
		"kms:DescribeCustomKeyStores", "kms:DescribeKey", "kms:ListAliases", "kms:ListGrants", "kms:ListKeyPolicies",
		"kms:ListKeyRotations", "kms:ListKeys", "kms:ListResourceTags", "kms:ListRetirableGrants",
	}
	every value in object.get(input, ["context", "aws:sourceip"], []) {
		not _within(value, ["2001:db8:7::/48", "203.0.113.0/24"])
	}
	not input.context["aws:sourcevpce"]
	"false" in input.context["aws:viaawsservice"]
}

# METADATA
# title: "Nobody \"unnamed\" - in this account"
# custom:
#   statement: "$.Statement[2]"
_allow contains [2, "everyone"] if {
	input.action == "kms:DescribeKey"
	not _statement_2_excluded
	every value in object.get(input, ["context", "aws:principalaccount"], []) {
		not value in {"444455556666", "777788889999"}
	}
}

# Who is named in any way is excluded.
_statement_2_excluded if input.principal.user == "arn:aws:iam::111122223333:user/mallory"

# Whether a value is an IP address in one of the networks.
_within(value, networks) if {
	net.cidr_is_valid(concat("/", [value, "32"]))
	some network in networks
	net.cidr_contains(network, value)
}
