# METADATA
# title: Answers
# description: |
#   Asks the policies that are attached to a question, and has decide.rego make
#   one answer of what they say. The schema "answer" describes the input: all
#   facts of a question, or names of things in the world of this bundle, which
#   bring the facts that are not given.
#
#   A question that cannot be answered as it stands has an error for its answer,
#   which is neither a yes nor a no.
# schemas:
#   - input: schema.answer
package keyreeve.answer

import data.keyreeve.decide
import data.keyreeve.guardrail
import data.keyreeve.policies
import data.keyreeve.schema
import data.keyreeve.world

# METADATA
# title: The answer
# description: |
#   {"allow", "reason", "layer", "grants"} as decide.rego has it, or
#   {"error": [what is wrong with the question, …]}.
# entrypoint: true
decision := {"error": faults} if _faulty

else := answer if {
	# regal ignore:with-outside-test-context
	answer := decide.decision with input as _combined
}

# METADATA
# title: The statements that settled it
# description: |
#   Those that denied, or those that together allowed: layer, level, name of the
#   policy, index, via, and what the policy calls them; of a guardrail its reason.
# entrypoint: true
statements := [] if _faulty

else := [_told(match) | some match in settled] if {
	# regal ignore:with-outside-test-context
	settled := decide.statements with input as _combined
}

_told(["guardrail", _, _, i, _]) := {"layer": "guardrail", "reason": _reasons[i]}

_told([layer, level, i, index, via]) := object.union(statement, place) if {
	name := question.policies[layer][level][i]
	statement := world.policies[name].statements[index]
	place := {"layer": layer, "level": level, "policy": name, "index": index, "via": via}
}

# METADATA
# title: The question in full
# description: The input, and what the action and the names in it bring.
question := object.union_n([_blank, _of_action, _of_caller, _of_target, _of_home, _of_endpoint, _given])

_blank := {
	"principal": {"management": false},
	"resource": {"management": false, "aws_managed": false},
	"context": {},
	"encryption_context": {},
	"policies": {},
	"grants": [],
	"child": null,
}

_given := object.remove(input, ["caller", "target", "endpoint"])

_of_action := {
	"rule": object.get(_action.rules, _kind, ""),
	"cross_account_possible": object.get(_action, "cross_account_possible", ""),
}

# What the action is asked about: the rule of evaluation follows from it.
_kind := _target.kind if _target

else := "none"

_of_caller := {
	"principal": _caller.principal,
	"policies": _caller.policies,
	"context": object.union(_own(_action.context), _own(_caller.context)),
} if {
	_caller
}

else := {}

_caller := world.principals[_found(world.principals, input.caller)[0]]

_action := object.get(world.actions, input.action, {"rules": {}, "keys": [], "context": {}})

_of_target := {
	"resource": _target.resource,
	"policies": _target.policies,
	"grants": _target.grants,
	"context": object.union(_own(_target.context), _named),
} if {
	_target
}

else := {}

# A caller that names no resource asks about its own account: about all of the
# service's there, which policies may name, or about nothing.
_of_home := {"resource": object.union(_home.resource, {"arn": _all}), "policies": _home.policies} if {
	not input.target
	not input.resource
}

else := {}

_all := _home.resource.arn if startswith(input.action, "kms:")

else := "*"

_home := world.accounts[_caller.principal.account]

_target := world.resources[_found(world.resources, input.target)[0]]

_named := _own({"kms:requestalias": [input.target]}) if startswith(input.target, "alias/")

else := {}

_of_endpoint := {"policies": endpoint.policies, "context": endpoint.context} if {
	endpoint := world.endpoints[input.endpoint]
}

else := {}

# Of the service's own condition keys a request has those of its action.
_own(context) := {key: values | some key, values in context; _possible(key)}

_possible(key) if not startswith(key, "kms:")

_possible(key) if key in _action.keys

# What a name stands for. If that is not one thing, it is a fault.
_found(things, name) := [name] if things[name]

else := [arn | some arn, thing in things; name in thing.names]

# METADATA
# scope: document
# title: What is wrong with the question
# description: A set of sentences; empty if it can be answered.
faults contains sprintf("input: %s", [fault.desc]) if some fault in json.match_schema(input, schema.answer)[1]

faults contains sprintf("caller: the world has %d of %s", [count(found), input.caller]) if {
	found := _found(world.principals, input.caller)
	count(found) != 1
}

faults contains sprintf("target: the world has %d of %s", [count(found), input.target]) if {
	found := _found(world.resources, input.target)
	count(found) != 1
}

faults contains sprintf("endpoint: the world has no %s", [input.endpoint]) if not world.endpoints[input.endpoint]

faults contains sprintf("%s is missing", [concat(".", path)]) if {
	some path in (_missing - _from_names)
}

faults contains sprintf("action: %s is none: give rule and cross_account_possible with it", [input.action]) if {
	_nameless
	count(_missing & _by_action) > 0
}

faults contains "kms:RetireGrant has a rule of its own" if {
	question.action == "kms:RetireGrant"
	question.rule != "grant"
}

faults contains "the rule for grants is for kms:RetireGrant only" if {
	question.action != "kms:RetireGrant"
	question.rule == "grant"
}

faults contains sprintf("principal: a caller of type %s has %v", [type, concat(", ", wanted)]) if {
	type := question.principal.type
	wanted := _ids[type]
	given := {id | some id in {"account", "user", "role", "session", "services"}; question.principal[id]}
	given - _optional[type] != wanted
}

faults contains sprintf("context: %s is not in lower case", [key]) if {
	some key in object.keys(question.context)
	key != lower(key)
}

faults contains sprintf("policies.%s: one level, not %d", [layer, count(levels)]) if {
	some layer, levels in question.policies
	not layer in {"scp", "rcp"}
	count(levels) > 1
}

faults contains sprintf("policies.%s: more than one policy", [layer]) if {
	some layer in ["endpoint", "boundary", "resource"]
	count(question.policies[layer][_]) > 1
}

faults contains sprintf("policies.%s: the bundle has no such policy of this kind: %s", [layer, name]) if {
	some layer, levels in question.policies
	some names in levels
	some name in names
	not _fits(layer, name)
}

faults contains sprintf("policies: nothing is said by %s", [name]) if {
	some name in _attached
	not _verdicts[name]
}

_faulty if count(faults) > 0

_missing contains path if {
	some path in _required
	object.get(question, path, "") == ""
}

# What is missing because a name stands for nothing is told of the name.
_from_names contains ["principal", "type"] if {
	input.caller
	not _caller
}

_from_names contains path if {
	_nameless
	some path in _by_action
}

_by_action := {["rule"], ["cross_account_possible"]}

_nameless if {
	input.action
	not world.actions[input.action]
}

_required := [
	["rule"],
	["cross_account_possible"],
	["principal", "type"],
	["resource", "arn"],
	["resource", "account"],
]

# The ids that a caller has, by its type.
_ids := {
	"root": {"account"},
	"user": {"account", "user"},
	"role": {"account", "role", "session"},
	"federated": {"account", "session"},
	"web_identity": {"account", "role", "session"},
	"service_linked_role": {"account", "role", "session"},
	"service": {"services"},
}

# A federated user has the id of its parent, unless that is the root user.
_optional := object.union({type: set() | some type, _ in _ids}, {"federated": {"user"}})

_fits(layer, name) if world.policies[name].kind in _kinds[layer]

# Managed policies are identity policies also where they serve as boundary or
# session policy.
_kinds := {
	"scp": {"scp"},
	"rcp": {"rcp"},
	"endpoint": {"endpoint"},
	"boundary": {"boundary", "identity"},
	"session": {"session", "identity"},
	"identity": {"identity"},
	"resource": _resource_kinds,
}

_resource_kinds := {"trust"} if question.rule == "trust"

else := {"key"}

_attached contains name if {
	some levels in question.policies
	some names in levels
	some name in names
}

# What each policy says: the statements of it that match.
_verdicts[name] := said if {
	some name in _attached

	# regal ignore:with-outside-test-context
	said := policies[world.policies[name].package].verdict with input as _facts
}

# The input of policies.
_facts := {
	"action": question.action,
	"resource": question.resource.arn,
	"context": question.context,
	"principal": object.union(object.remove(question.principal, ["management"]), {"boundary": _bounded}),
}

default _bounded := false

_bounded if question.policies.boundary[_][_]

# The input of decide.rego.
_combined := object.union(object.remove(question, ["context", "policies", "resource"]), {
	"resource": object.remove(question.resource, ["arn"]),
	"layers": object.union(_guardrail, {layer: _levels(layer) | some layer in object.keys(question.policies)}),
})

# The organization's own Rego, if the bundle has any.
_guardrail := {"guardrail": [{"deny": [["guardrail", 0, 0, i, "policy"] | some i, _ in _reasons]}]}

_reasons := sort(reasons) if {
	# regal ignore:with-outside-test-context
	reasons := guardrail.deny with input as _facts
}

else := []

_levels(layer) := [said |
	some level, names in question.policies[layer]
	said := {"allow": _matches([layer, level], names, "allow"), "deny": _matches([layer, level], names, "deny")}
]

_matches([layer, level], names, effect) := [[layer, level, i, index, via] |
	some i, name in names
	some [index, via] in _verdicts[name][effect]
]
