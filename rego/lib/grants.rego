# METADATA
# title: Grants
# description: Says which of the grants in input.grants speak for this request, and by what.
# schemas:
#   - input: schema.decide
package keyreeve.grants

# METADATA
# title: Grants that apply
# description: |
#   A set of {"id", "via"}: the grants whose grantee, operations and constraints fit
#   the request or, under the rule for RetireGrant, that the caller may retire.
# scope: document
applying contains {"id": grant.id, "via": via} if {
	input.rule == "key_policy"
	some grant in input.grants
	input.action in grant.operations
	via := _matched(grant.grantee)
	_fits(grant)
}

applying contains {"id": grant.id, "via": via} if {
	input.rule == "grant"
	some grant in input.grants
	some via in _retiring(grant)
}

# By what the caller is the grantee or the retiring principal.
_matched(party) := party.via if {
	party.via in {"user", "role", "session", "account"}
	input.principal[party.via] == party.id
}

else := "service" if {
	party.via == "service"
	party.id in input.principal.services
}

# Constraints (A-51). DescribeKey has no encryption context to hold against
# them, and CreateGrant passes them on.
_fits(_) if input.action == "kms:DescribeKey"

_fits(grant) if {
	input.action == "kms:CreateGrant"
	_narrows(input.child, grant)
}

_fits(grant) if {
	not input.action in {"kms:DescribeKey", "kms:CreateGrant"}
	_equals(grant.equals)
	_subset(grant.subset)
}

_equals(pairs) if pairs in {null, input.encryption_context}

_subset(pairs) if _within(pairs, input.encryption_context)

_within(pairs, _) if pairs in {null, {}}

_within(pairs, context) if {
	every name, value in pairs { context[name] == value }
}

# A-53: a grant made by a grant allows no more, under constraints as strict.
_narrows(child, grant) if {
	_keeps_equals(child, grant.equals)
	_keeps_subset(child, grant.subset)
	every operation in child.operations { operation in grant.operations }
}

_keeps_equals(child, pairs) if pairs in {null, child.equals}

_keeps_subset(child, pairs) if _within(pairs, child.subset)

_keeps_subset(child, pairs) if _within(pairs, child.equals)

# A-17: who may retire a grant. An account named by the grant, the one that
# made it and the owner of the key are their root users; IAM policies pass it
# on in the key's account, and where the account is the retiring principal.
_retiring(grant) := {via |
	some rule in ["retiree", "grantee", "issuer", "owner"]
	via := _retires_as(rule, grant)
}

_retires_as("retiree", grant) := _matched(grant.retiree)

_retires_as("grantee", grant) := via if {
	"kms:RetireGrant" in grant.operations
	via := _matched(grant.grantee)
	_itself(via)
}

_retires_as("issuer", grant) := "account" if {
	input.principal.account == grant.issuer
	_itself("account")
}

_retires_as("owner", _) := "account" if input.principal.account == input.resource.account

_itself("account") if input.principal.type == "root"

_itself(via) if via != "account"
