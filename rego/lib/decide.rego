# METADATA
# title: The verdict
# description: |
#   Combines what the policies of every layer and the grants said about one
#   request into one answer. Requirement ids (A-13, …) name the rules.
#
#   A layer is null where nothing is attached; else it is a list of levels, each
#   a list of verdicts, one for each policy. A level allows when any policy in
#   it does; a layer allows when it has levels and each of them does.
package keyreeve.decide

import data.keyreeve.grants

_order := ["scp", "rcp", "endpoint", "boundary", "session", "identity", "resource"]

# METADATA
# title: The answer
# description: |
#   Always defined. The first rule that applies settles the request: explicit
#   denies (A-10), guardrails (A-11), use across accounts (A-12), what the
#   policies allow, what grants allow (A-55); then it is refused (A-19).
# entrypoint: true
decision := _denial(layer) if layer := _denying[0]

else := _refusal(barrier.reason, barrier.layer) if barrier := _barrier

else := _permission if count(_open) > 0

else := _granted if count(_open_grants) > 0

else := _refusal("no-allow", _lacking)

# A-10: among several explicit denies the first layer is named.
_denying := [layer | some layer in _order; layer in _denied]

_denied contains layer if {
	some layer, levels in input.layers
	levels[_][_].deny[_]
	not layer in _exempt
}

_denial(layer) := object.union(
	_refusal("explicit-deny", layer),
	{"statements": _matching(layer, "deny")},
)

_refusal(reason, layer) := {
	"allow": false,
	"reason": reason,
	"layer": layer,
	"statements": [],
	"grants": [],
	"exempt": _exempt,
}

# The layers that do not bind this call. A-11 and A-17 for the guardrails; a
# service has no policies of its own (A-13 d).
_exempt contains "scp" if input.principal.type in {"service", "service_linked_role"}

_exempt contains "scp" if input.principal.management

_exempt contains "rcp" if input.principal.type == "service_linked_role"

_exempt contains "rcp" if input.resource.management

_exempt contains "rcp" if input.resource.aws_managed

_exempt contains "rcp" if input.action == "kms:RetireGrant"

_exempt contains layer if {
	input.principal.type == "service"
	some layer in {"boundary", "session", "identity"}
}

# Neither Allow nor Deny in a key policy has a say in these rules (A-16, A-17).
_exempt contains "resource" if input.rule in {"identity_only", "grant"}

# A layer that can only limit lets the request pass.
_passes(layer) if layer in _exempt

_passes(layer) if {
	input.layers[layer] == null
	not _confined(layer)
}

_passes(layer) if _allows(layer)

# A federated user's session without session policy has none of the
# permissions of its parent user.
_confined("session") if input.principal.type == "federated"

_allows(layer) if {
	input.layers[layer][0]
	every level in input.layers[layer] {
		some verdict in level
		verdict.allow[_]
	}
}

# What bars a request whatever else allows it: a guardrail that does not allow
# (A-11), and use across accounts where the permissions table says no (A-12).
_barrier := {"reason": "no-allow", "layer": "scp"} if not _passes("scp")

else := {"reason": "no-allow", "layer": "endpoint"} if not _passes("endpoint")

else := {"reason": "cross-account", "layer": "resource"} if {
	_foreign
	not input.cross_account_possible
}

# A service has no account, so it is never foreign (A-13 d).
_foreign if {
	input.principal.type != "service"
	not _at_home
}

_at_home if input.principal.account == input.resource.account

# By what the resource's policy matched the caller in an Allow. What no
# resource policy speaks about, the account leaves to its IAM policies.
_vias contains "account" if input.rule == "identity_only"

_vias contains via if {
	not "resource" in _exempt
	via := input.layers.resource[_][_].allow[_][1]
}

_open contains via if {
	some via in _vias
	_missing("policy", via) == "nothing"
}

# What an Allow by via still lacks: of IAM policies, permissions boundary and
# session policy the first that it needs and that does not allow.
_missing(source, via) := "identity" if {
	_delegates(source, via)
	not _entitled
}

else := layer if layer := _confining(via)[0]

else := "nothing"

_confining(via) := [layer | some layer in _limits(via); not _passes(layer)]

# Whether an Allow needs IAM policies beside it: one for an account always
# (A-13 b, A-14), and across accounts every one but a grant's (A-15).
_delegates(_, "account")

_delegates("policy", _) if _foreign

# The root user needs no IAM policy (A-13 b, A-15, A-16).
_entitled if input.principal.type == "root"

_entitled if {
	not "identity" in _exempt
	_allows("identity")
}

# The layers whose implicit deny limits an Allow by via (A-18, A-57). In the
# caller's own account an Allow for the session itself or for everyone is not
# limited, nor one for a user by the user's boundary; across accounts all are.
_limits(_) := ["boundary", "session"] if _foreign

_limits(via) := _own_limits(via) if not _foreign

_own_limits(via) := [] if via in {"everyone", "session", "service"}

else := ["session"] if {
	via == "user"
	input.principal.type == "user"
}

else := ["boundary", "session"]

_permission := {
	"allow": true,
	"reason": "allow",
	"layer": _permitting,
	"statements": array.concat(_speaking, _supporting(_permitting)),
	"grants": [],
	"exempt": _exempt,
}

_permitting := "root" if {
	input.rule == "identity_only"
	input.principal.type == "root"
}

else := "identity" if _shared

else := "resource"

_shared if {
	input.principal.type != "root"
	every via in _open { _delegates("policy", via) }
}

_speaking := [match | some match in _matching("resource", "allow"); match[4] in _open] if not "resource" in _exempt

else := []

_supporting(layer) := _matching("identity", "allow") if layer == "identity"

else := []

# The statements of a layer that matched: layer, level, policy, index, via.
_matching(layer, effect) := [match |
	statement := input.layers[layer][level][policy][effect][_]
	match := [layer, level, policy, statement[0], statement[1]]
]

_open_grants contains grant if {
	some grant in grants.applying
	_missing("grant", grant.via) == "nothing"
}

_granted := {
	"allow": true,
	"reason": "allow",
	"layer": "grant",
	"statements": _backing,
	"grants": {grant.id | some grant in _open_grants},
	"exempt": _exempt,
}

# Grants for the account alone have IAM policies beside them.
_backing := _matching("identity", "allow") if {
	input.principal.type != "root"
	every grant in _open_grants { grant.via == "account" }
}

else := []

# What a refusal lacked. A caller of another account is told of its own side
# first, which does not depend on what that account holds (A-20).
_lacking := layer if {
	lacking := [miss | some miss in ["boundary", "session", "identity"]; miss in _misses]
	layer := lacking[0]
}

else := "resource"

_misses contains _missing("policy", via) if some via in _vias

_misses contains _missing("grant", grant.via) if some grant in grants.applying

_misses contains _missing("policy", "account") if _foreign
