# METADATA
# title: The verdict
# description: |
#   Combines what the policies of every layer and the grants said about one
#   request into one answer. Requirement ids (A-13, …) name the rules.
#
#   A layer is absent where nothing is attached; else it is a list of levels. A
#   level holds what matched in any of its policies, under "allow" and "deny":
#   [layer, level, policy, statement index, via]. It allows when it has an allow.
#   Only SCPs and RCPs have more than one level. Other facts may be absent where
#   they are false or empty.
# schemas:
#   - input: schema.decide
package keyreeve.decide

import data.keyreeve.grants

# METADATA
# title: The answer
# description: |
#   Always defined. The first rule that applies settles the request: explicit
#   denies (A-10), guardrails (A-11), use across accounts (A-12), what the
#   policies allow, what grants allow (A-55); then it is refused (A-19).
# entrypoint: true
decision := _refusal("explicit-deny", _denying[0]) if _denied

else := _refusal(barrier.reason, barrier.layer) if barrier := _barrier

else := _permission if _open[_]

else := _granted if _open_grants[_]

else := _refusal("no-allow", _lacking)

# Most requests meet no deny: this looks before _denying asks each layer.
_denied if input.layers[_][_].deny[0]

# A-10: among several explicit denies the first layer is named. The guardrails
# are the organization's own.
_denying := [layer |
	some layer in ["guardrail", "scp", "rcp", "endpoint", "boundary", "session", "identity", "resource"]
	input.layers[layer][_].deny[0]
	not exempt[layer]
]

_refusal(reason, layer) := {"allow": false, "reason": reason, "layer": layer, "grants": []}

# METADATA
# title: The layers that do not bind this call
# description: |
#   A-11 for the guardrails; a service has no policies of its own (A-13 d);
#   neither Allow nor Deny in a key policy has a say where the resource's policy
#   is not asked (A-16, A-17).
# entrypoint: true
exempt contains "scp" if input.principal.type in {"service", "service_linked_role"}

exempt contains "scp" if input.principal.management

exempt contains "rcp" if input.principal.type == "service_linked_role"

exempt contains "rcp" if input.resource.management

exempt contains "rcp" if input.resource.aws_managed

exempt contains "rcp" if input.action == "kms:RetireGrant"

exempt contains "boundary" if input.principal.type == "service"

exempt contains "session" if input.principal.type == "service"

exempt contains "identity" if input.principal.type == "service"

exempt contains "resource" if input.rule in {"identity_only", "grant"}

# What bars a request whatever else allows it: a guardrail that does not allow
# (A-11), and use across accounts where the permissions table says no (A-12).
_barrier := {"reason": "no-allow", "layer": "scp"} if _unguarded

else := {"reason": "no-allow", "layer": "endpoint"} if _closed

else := {"reason": "cross-account", "layer": "resource"} if {
	not input.cross_account_possible
	_foreign
}

# Every level of SCPs must allow.
_unguarded if {
	_gap
	not exempt.scp
}

_gap if {
	some level in input.layers.scp
	not level.allow[0]
}

_gap if input.layers.scp == []

_closed if {
	endpoint := input.layers.endpoint
	not endpoint[0].allow[0]
}

# A service has no account, so it is never foreign (A-13 d).
_foreign if {
	input.principal.type != "service"
	not _at_home
}

_at_home if input.principal.account == input.resource.account

# By what the resource's policy matched the caller in an Allow. Providers of
# identities speak in trust policies only (A-13 a). What no resource policy speaks
# about, the account leaves to its IAM policies.
_vias contains "account" if input.rule == "identity_only"

_vias contains via if {
	input.rule in {"key_policy", "trust"}
	via := input.layers.resource[_].allow[_][4]
	not _speechless(via)
}

_speechless("provider") if input.rule != "trust"

_open contains via if {
	some via in _vias
	not _missing("policy", via)
}

# The first layer that an Allow by via needs beside it and that does not
# allow; undefined if there is none. Most requests lack nothing, and are not
# asked what they need.
_missing(source, via) := lacking[0] if {
	_lacks[_] # regal ignore:prefer-some-in-iteration
	lacking := [layer | some layer in _needs(source, via); layer in _lacks]
}

_lacks contains "identity" if not _entitled

_lacks contains layer if {
	some layer in ["boundary", "session"]
	levels := input.layers[layer]
	not levels[0].allow[0]
}

# A federated user's session without session policy has none of the
# permissions of its parent user.
_lacks contains "session" if {
	input.principal.type == "federated"
	not input.layers.session
}

# The root user needs no IAM policy (A-13 b, A-15, A-16), and a service can
# have none.
_entitled if {
	input.layers.identity[0].allow[0]
	input.principal.type != "service"
}

_entitled if _root

_root if input.principal.type == "root"

# An Allow for an account always needs IAM policies beside it (A-13 b, A-14),
# and across accounts every one but a grant's (A-15).
_needs(source, via) := ["identity", "boundary", "session"] if _delegates(source, via)

else := ["boundary", "session"] if _foreign

else := _limits(via)

_delegates(_, "account")

_delegates("policy", _) if _foreign

# The layers whose implicit deny limits an Allow by via in the caller's own
# account (A-18, A-57): none, if it is for the session itself or for everyone;
# not its boundary, if it is for a user.
_limits(via) := [] if via in {"everyone", "session", "service"}

else := ["session"] if input.principal.type == "user"

else := ["boundary", "session"]

_permission := {"allow": true, "reason": "allow", "layer": _permitting, "grants": []}

# What allows: the policy of the resource, or that the caller is the root user;
# else it needed IAM policies.
_permitting := "resource" if _direct

else := "root" if {
	_root
	input.rule == "identity_only"
}

else := "resource" if _root

else := "identity"

_direct if {
	some via in _open
	via != "account"
	not _foreign # regal ignore:non-loop-expression
}

_open_grants contains grant if {
	some grant in grants.applying
	not _missing("grant", grant.via)
}

_granted := {
	"allow": true,
	"reason": "allow",
	"layer": "grant",
	"grants": {grant.id | some grant in _open_grants},
}

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

# METADATA
# title: The statements that settled it
# description: |
#   Those that denied, in the layer that the decision names; or those that
#   together allowed. None when an allow was missing, or a grant allowed that
#   needs no policy beside it.
# entrypoint: true
statements := [match | match := input.layers[decision.layer][_].deny[_]] if decision.reason == "explicit-deny"

else := array.concat(_opening, _supporting) if decision.allow

else := []

_opening := [match |
	decision.layer in {"resource", "identity"}
	match := input.layers.resource[_].allow[_]
	_open[match[4]]
	not exempt.resource
]

_supporting := input.layers.identity[0].allow if decision.layer == "identity"

else := input.layers.identity[0].allow if {
	decision.layer == "grant"
	not _root
	every grant in _open_grants { grant.via == "account" }
}

else := []
