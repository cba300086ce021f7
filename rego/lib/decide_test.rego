package keyreeve.decide_test

import data.keyreeve.decide

# A user asks to decrypt with a key of the own account; nothing allows it.
request := {
	"rule": "key_policy",
	"action": "kms:Decrypt",
	"cross_account_possible": true,
	"principal": {"type": "user", "account": "111122223333", "user": "AIDAUSER", "management": false},
	"resource": {"account": "111122223333", "management": false, "aws_managed": false},
	"encryption_context": {},
	"child": null,
	"grants": [],
	"layers": {"identity": [silent], "resource": [silent]},
}

silent := {"allow": [], "deny": []}

empty := [silent]

# A layer that allows by via.
by(via) := [{"allow": [["layer", 0, 0, 0, via]], "deny": []}]

denies := [{"allow": [], "deny": [["layer", 0, 0, 3, "policy"]]}]

layers(changes) := {"layers": changes}

delegates := layers({"resource": by("account"), "identity": by("policy")})

root := {"principal": {"type": "root"}}

role := {"principal": {"type": "role", "role": "AROAROLE", "session": "AROAROLE:s"}}

linked := {"principal": {"type": "service_linked_role", "role": "AROALINKED"}}

federated := {"principal": {"type": "federated", "session": "111122223333:f"}}

service := {"principal": {"type": "service", "services": ["logs.amazonaws.com"], "account": null}}

elsewhere := {"resource": {"account": "444455556666"}}

identity_only := {"rule": "identity_only", "action": "kms:CreateKey"}

trust := {"rule": "trust", "action": "sts:AssumeRole"}

granted(party) := {"grants": [{
	"id": "g1",
	"grantee": party,
	"retiree": null,
	"issuer": "111122223333",
	"operations": ["kms:Decrypt"],
	"equals": null,
	"subset": null,
}]}

to_user := granted({"via": "user", "id": "AIDAUSER"})

to_role := granted({"via": "role", "id": "AROAROLE"})

to_session := granted({"via": "session", "id": "AROAROLE:s"})

to_account := granted({"via": "account", "id": "111122223333"})

decided(changes) := answer if {
	answer := decide.decision with input as object.union_n(array.concat([request], changes))
}

stated(changes) := statements if {
	statements := decide.statements with input as object.union_n(array.concat([request], changes))
}

# Reason and layer, and whether it allows, in one word each.
verdict(changes) := sprintf("%s %s", [answer.reason, answer.layer]) if {
	answer := decided(changes)
	says_allow := answer.reason == "allow"
	answer.allow == says_allow
}

test_without_any_allow_a_request_is_refused if {
	verdict([]) == "no-allow resource"
	decided([]) == {
		"allow": false,
		"reason": "no-allow",
		"layer": "resource",
		"grants": [],
	}
}

test_a_request_without_facts_is_refused if {
	answer := decide.decision with input as {}
	answer.allow == false
}

test_a_caller_and_a_key_without_accounts_are_not_at_home if {
	answer := decide.decision with input as object.remove(
		object.union(request, layers({"resource": by("user")})),
		["resource"],
	)
	answer.allow == false
}

test_a_deny_in_any_layer_wins_over_every_allow if {
	every layer in ["guardrail", "scp", "rcp", "endpoint", "boundary", "session", "identity", "resource"] {
		changes := [
			delegates, to_user,
			layers({layer: [object.union(by("account")[0], {"deny": denies[0].deny})]}),
		]
		verdict(changes) == concat(" ", ["explicit-deny", layer])
		stated(changes) == denies[0].deny
		decided(changes).grants == []
	}
}

test_of_several_denies_the_first_layer_is_named if {
	order := ["guardrail", "scp", "rcp", "endpoint", "boundary", "session", "identity", "resource"]
	every i, layer in order {
		later := {other: denies | some other in array.slice(order, i, 8)}
		verdict([layers(later)]) == concat(" ", ["explicit-deny", layer])
	}
}

test_guardrails_bind_everybody if {
	guardrail := layers({"guardrail": denies, "resource": by("service")})
	every caller in [root, linked, service, {"principal": {"management": true}}] {
		verdict([delegates, caller, guardrail]) == "explicit-deny guardrail"
	}
	verdict([delegates, layers({"guardrail": empty})]) == "allow identity"
}

test_every_deny_of_the_layer_is_named if {
	first := {"allow": [], "deny": [["scp", 0, 1, 3, "policy"]]}
	second := {"allow": [], "deny": [["scp", 1, 0, 2, "policy"], ["scp", 1, 1, 0, "policy"]]}
	stated([layers({"scp": [silent, second]})]) == second.deny
	stated([layers({"scp": [first, second]})]) == array.concat(first.deny, second.deny)
}

test_every_scp_level_must_allow if {
	verdict([delegates, layers({"scp": [by("policy")[0], by("policy")[0]]})]) == "allow identity"
	verdict([delegates, layers({"scp": [by("policy")[0], silent]})]) == "no-allow scp"
	verdict([delegates, layers({"scp": [silent, by("policy")[0]]})]) == "no-allow scp"
	verdict([delegates, layers({"scp": []})]) == "no-allow scp"
}

test_scps_bind_the_root_user if verdict([delegates, root, layers({"scp": empty})]) == "no-allow scp"

test_scps_do_not_bind_the_management_account if {
	manager := {"principal": {"management": true}}
	verdict([delegates, manager, layers({"scp": empty})]) == "allow identity"
	verdict([delegates, manager, layers({"scp": []})]) == "allow identity"
	verdict([delegates, manager, layers({"scp": denies})]) == "allow identity"
}

test_scps_do_not_bind_service_linked_roles_nor_services if {
	verdict([linked, layers({"scp": denies, "resource": by("role")})]) == "allow resource"
	verdict([service, layers({"scp": denies, "resource": by("service")})]) == "allow resource"
}

test_rcps_only_deny if {
	verdict([delegates, layers({"rcp": empty})]) == "allow identity"
	verdict([layers({"rcp": by("everyone")})]) == "no-allow resource"
}

test_rcps_bind_services if {
	verdict([service, layers({"rcp": denies, "resource": by("service")})]) == "explicit-deny rcp"
}

test_rcps_spare_what_they_do_not_bind if {
	denied := layers({"rcp": denies, "resource": by("role")})
	verdict([role, denied]) == "explicit-deny rcp"
	verdict([linked, denied]) == "allow resource"
	verdict([role, denied, {"resource": {"management": true}}]) == "allow resource"
	verdict([role, denied, {"resource": {"aws_managed": true}}]) == "allow resource"
	owner := {"rule": "grant", "action": "kms:RetireGrant"}
	verdict([root, denied, owner, to_account]) == "allow grant"
}

test_an_endpoint_policy_must_allow if {
	verdict([delegates, layers({"endpoint": empty})]) == "no-allow endpoint"
	verdict([delegates, layers({"endpoint": by("everyone")})]) == "allow identity"
	verdict([service, layers({"endpoint": empty, "resource": by("service")})]) == "no-allow endpoint"
}

test_an_account_in_an_endpoint_policy_is_everyone_in_it if {
	verdict([layers({"endpoint": by("account"), "resource": by("user")})]) == "allow resource"
}

test_scps_are_named_before_the_endpoint if {
	verdict([layers({"scp": empty, "endpoint": empty})]) == "no-allow scp"
}

test_across_accounts_the_permissions_table_may_say_no if {
	never := {"cross_account_possible": false}
	verdict([elsewhere, never, delegates, to_user]) == "cross-account resource"
	verdict([never, delegates]) == "allow identity"
	verdict([service, never, layers({"resource": by("service")})]) == "allow resource"
	verdict([elsewhere, never, layers({"endpoint": empty})]) == "no-allow endpoint"
}

test_a_key_policy_allows_the_caller_itself if {
	verdict([layers({"resource": by("user")})]) == "allow resource"
	verdict([layers({"resource": by("everyone")})]) == "allow resource"
	verdict([role, layers({"resource": by("role")})]) == "allow resource"
	verdict([role, layers({"resource": by("session")})]) == "allow resource"
	verdict([federated, layers({"resource": by("session")})]) == "allow resource"
	stated([layers({"resource": by("user")})]) == by("user")[0].allow
}

test_the_account_in_a_key_policy_delegates if {
	verdict([layers({"resource": by("account")})]) == "no-allow identity"
	verdict([layers({"resource": by("account"), "identity": by("policy")})]) == "allow identity"
	stated([delegates]) == array.concat(by("account")[0].allow, by("policy")[0].allow)
}

test_iam_policies_alone_do_not_open_a_key if {
	verdict([layers({"identity": by("policy")})]) == "no-allow resource"
}

test_a_key_without_policy_is_not_opened_by_iam_policies if {
	answer := decide.decision with input as object.union(
		object.remove(request, ["layers"]),
		layers({"identity": by("policy")}),
	)
	[answer.reason, answer.layer] == ["no-allow", "resource"]
}

test_the_root_user_needs_no_iam_policy_where_the_account_is_allowed if {
	verdict([root]) == "no-allow resource"
	verdict([root, layers({"resource": by("account")})]) == "allow resource"
	verdict([root, elsewhere, layers({"resource": by("account")})]) == "allow resource"
	stated([root, layers({"resource": by("account")})]) == by("account")[0].allow
}

test_a_direct_allow_is_named_before_a_delegated_one if {
	both := layers({
		"identity": by("policy"),
		"resource": [{"allow": [["resource", 0, 0, 0, "account"], ["resource", 0, 0, 1, "user"]], "deny": []}],
	})
	verdict([both]) == "allow resource"
	stated([both]) == both.layers.resource[0].allow
}

test_a_service_is_allowed_by_the_key_policy_alone if {
	verdict([service, layers({"resource": by("service")})]) == "allow resource"
	verdict([service, layers({"resource": by("everyone")})]) == "allow resource"
	verdict([service]) == "no-allow resource"
}

test_policies_of_principals_do_not_apply_to_services if {
	verdict([service, identity_only, layers({"identity": by("policy")})]) == "no-allow identity"
	denied := {"boundary": denies, "session": denies, "identity": denies}
	verdict([service, layers(denied), layers({"resource": by("service")})]) == "allow resource"
}

test_across_accounts_both_sides_must_allow if {
	every via in ["everyone", "account", "user"] {
		verdict([elsewhere, layers({"resource": by(via)})]) == "no-allow identity"
		verdict([elsewhere, layers({"resource": by(via), "identity": by("policy")})]) == "allow identity"
	}
	verdict([elsewhere, layers({"identity": by("policy")})]) == "no-allow resource"
}

test_across_accounts_the_own_side_is_named_first if {
	verdict([elsewhere]) == "no-allow identity"
	verdict([elsewhere, layers({"identity": by("policy"), "boundary": empty})]) == "no-allow boundary"
	verdict([elsewhere, layers({"identity": by("policy"), "session": empty})]) == "no-allow session"
}

test_operations_on_no_key_are_allowed_by_iam_policies if {
	verdict([identity_only]) == "no-allow identity"
	verdict([identity_only, layers({"identity": by("policy")})]) == "allow identity"
	stated([identity_only, layers({"identity": by("policy")})]) == by("policy")[0].allow
	verdict([identity_only, root]) == "allow root"
}

test_operations_on_no_key_heed_no_key_policy if {
	stated([identity_only, layers({"identity": by("policy"), "resource": by("account")})]) == by("policy")[0].allow
	verdict([identity_only, root, layers({"resource": denies})]) == "allow root"
	verdict([identity_only, layers({"resource": by("user")})]) == "no-allow identity"
}

test_what_lacks_an_allow_has_no_statements if {
	stated([]) == []
	stated([layers({"identity": by("policy")})]) == []
	stated([delegates, layers({"boundary": empty})]) == []
	stated([delegates, layers({"scp": empty})]) == []
	stated([elsewhere, {"cross_account_possible": false}, delegates]) == []
}

test_grants_allow_when_no_policy_does if {
	verdict([to_user]) == "allow grant"
	decided([to_user]).grants == {"g1"}
	stated([to_user]) == []
	stated([to_user, layers({"identity": by("policy")})]) == []
	verdict([to_user, delegates]) == "allow identity"
	decided([to_user, delegates]).grants == []
}

test_a_grant_to_the_account_delegates if {
	verdict([to_account]) == "no-allow identity"
	verdict([to_account, layers({"identity": by("policy")})]) == "allow grant"
	stated([to_account, layers({"identity": by("policy")})]) == by("policy")[0].allow
	verdict([to_account, root]) == "allow grant"
	stated([to_account, root, layers({"identity": by("policy")})]) == []
}

test_across_accounts_a_grant_to_the_caller_suffices if {
	verdict([to_user, elsewhere]) == "allow grant"
	verdict([to_account, elsewhere]) == "no-allow identity"
	verdict([to_account, elsewhere, layers({"identity": by("policy")})]) == "allow grant"
	verdict([to_account, elsewhere, root]) == "allow grant"
}

test_a_grant_allows_a_service if {
	verdict([service, granted({"via": "service", "id": "logs.amazonaws.com"})]) == "allow grant"
}

test_a_grant_is_limited_as_a_key_policy_is if {
	verdict([to_user, layers({"boundary": empty})]) == "allow grant"
	verdict([to_user, layers({"session": empty})]) == "no-allow session"
	verdict([to_user, elsewhere, layers({"boundary": empty})]) == "no-allow boundary"
	verdict([role, to_role, layers({"boundary": empty})]) == "no-allow boundary"
	verdict([role, to_role, layers({"session": empty})]) == "no-allow session"
	verdict([role, to_session, layers({"boundary": empty, "session": empty})]) == "allow grant"
	verdict([role, to_session, elsewhere, layers({"session": empty})]) == "no-allow session"
}

test_a_trust_policy_allows_the_caller_itself_or_through_its_account if {
	verdict([trust, layers({"resource": by("user")})]) == "allow resource"
	verdict([trust, layers({"resource": by("account")})]) == "no-allow identity"
	verdict([trust, delegates]) == "allow identity"
	verdict([trust, layers({"identity": by("policy")})]) == "no-allow resource"
	verdict([trust, role]) == "no-allow resource"
}

test_across_accounts_a_role_needs_both_sides if {
	verdict([trust, elsewhere, layers({"resource": by("user")})]) == "no-allow identity"
	verdict([trust, elsewhere, layers({"resource": by("user"), "identity": by("policy")})]) == "allow identity"
}

test_grants_have_no_say_in_trust if verdict([trust, to_user]) == "no-allow resource"

exempt(changes) := layers_exempt if {
	layers_exempt := decide.exempt with input as object.union_n(array.concat([request], changes))
}

test_layers_that_do_not_bind_are_listed if {
	exempt([]) == set()
	exempt([linked]) == {"scp", "rcp"}
	exempt([service]) == {"scp", "boundary", "session", "identity"}
	exempt([identity_only]) == {"resource"}
	exempt([{"principal": {"management": true}}]) == {"scp"}
	exempt([{"resource": {"management": true}}]) == {"rcp"}
	exempt([{"resource": {"aws_managed": true}}]) == {"rcp"}
	exempt([{"rule": "grant", "action": "kms:RetireGrant"}]) == {"rcp", "resource"}
}
