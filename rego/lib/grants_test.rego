package keyreeve.grants_test

import data.keyreeve.decide
import data.keyreeve.grants

# A role session asks to decrypt with a key of its account, on which it has a grant.
request := {
	"rule": "key_policy",
	"action": "kms:Decrypt",
	"principal": {
		"type": "role",
		"account": "111122223333",
		"role": "AROAROLE",
		"session": "AROAROLE:s",
	},
	"resource": {"account": "111122223333"},
	"encryption_context": {"dept": "it", "purpose": "test"},
	"child": null,
	"grants": [grant],
}

grant := {
	"id": "g1",
	"grantee": {"via": "role", "id": "AROAROLE"},
	"retiree": null,
	"issuer": "111122223333",
	"operations": ["kms:Decrypt", "kms:DescribeKey"],
	"equals": null,
	"subset": null,
}

# The vias by which the grant, changed, applies to the request, changed.
vias(asked, given) := {g.via |
	changed := object.union_n([request, asked, {"grants": [object.union(grant, given)]}])
	applying := grants.applying with input as changed
	some g in applying
	g.id == "g1"
}

applies(asked, given) if count(vias(asked, given)) > 0

test_a_grant_applies_to_its_grantee if {
	vias({}, {}) == {"role"}
	vias({}, {"grantee": {"via": "session", "id": "AROAROLE:s"}}) == {"session"}
	vias({}, {"grantee": {"via": "account", "id": "111122223333"}}) == {"account"}
	vias({"principal": {"user": "AIDAUSER"}}, {"grantee": {"via": "user", "id": "AIDAUSER"}}) == {"user"}
}

test_a_grant_applies_to_nobody_else if {
	every party in [
		{"via": "role", "id": "AROAOTHER"},
		{"via": "role", "id": "AROAROLE:s"},
		{"via": "user", "id": "AROAROLE"},
		{"via": "session", "id": "AROAROLE:t"},
		{"via": "account", "id": "444455556666"},
		{"via": "service", "id": "logs.amazonaws.com"},
		{"via": "type", "id": "role"},
		null,
	] {
		vias({}, {"grantee": party}) == set()
	}
}

test_a_grant_applies_to_a_service_by_any_of_its_names if {
	service := {"principal": {"services": ["a.amazonaws.com", "b.amazonaws.com"]}}
	vias(service, {"grantee": {"via": "service", "id": "b.amazonaws.com"}}) == {"service"}
	vias(service, {"grantee": {"via": "service", "id": "c.amazonaws.com"}}) == set()
	vias(service, {"grantee": {"via": "user", "id": "b.amazonaws.com"}}) == set()
}

test_a_grant_applies_to_its_operations if {
	applies({"action": "kms:DescribeKey"}, {})
	not applies({"action": "kms:Encrypt"}, {})
}

test_equals_asks_for_exactly_its_pairs if {
	applies({}, {"equals": {"purpose": "test", "dept": "it"}})
	not applies({}, {"equals": {"dept": "it"}})
	not applies({}, {"equals": {"dept": "it", "purpose": "Test"}})
	not applies({}, {"equals": {"Dept": "it", "purpose": "test"}})
	not applies({}, {"equals": {"dept": "it", "purpose": "test", "more": "x"}})
	not applies({}, {"equals": {}})
}

test_subset_asks_for_at_least_its_pairs if {
	applies({}, {"subset": {"dept": "it"}})
	applies({}, {"subset": {"dept": "it", "purpose": "test"}})
	applies({}, {"subset": {}})
	not applies({}, {"subset": {"dept": "IT"}})
	not applies({}, {"subset": {"DEPT": "it"}})
	not applies({}, {"subset": {"dept": "it", "more": "x"}})
}

test_both_constraints_must_hold if {
	applies({}, {"equals": request.encryption_context, "subset": {"dept": "it"}})
	not applies({}, {"equals": request.encryption_context, "subset": {"dept": "hr"}})
	not applies({}, {"equals": {"dept": "it"}, "subset": {"dept": "it"}})
}

test_describe_key_has_no_context_to_constrain if {
	applies({"action": "kms:DescribeKey"}, {"equals": {"dept": "hr"}, "subset": {"dept": "hr"}})
}

creates(child, given) if {
	able := {"operations": ["kms:CreateGrant", "kms:Decrypt", "kms:Encrypt"]}
	none := {"operations": ["kms:Decrypt"], "equals": null, "subset": null}
	applies({"action": "kms:CreateGrant", "child": object.union(none, child)}, object.union(able, given))
}

test_a_child_has_no_more_operations if {
	creates({}, {})
	creates({"operations": ["kms:Decrypt", "kms:CreateGrant"]}, {})
	not creates({"operations": ["kms:Decrypt", "kms:Sign"]}, {})
}

test_a_child_is_asked_for if {
	not applies({"action": "kms:CreateGrant"}, {"operations": ["kms:CreateGrant"]})
}

test_only_create_grant_asks_for_a_child if {
	not applies({"child": {"operations": []}}, {"equals": {"dept": "it"}})
	not applies({"child": {"operations": [], "equals": {"dept": "it"}}}, {"equals": {"dept": "it"}})
}

test_a_child_of_an_unconstrained_grant_may_be_constrained if {
	creates({"equals": {"dept": "it"}}, {})
	creates({"subset": {"dept": "it"}}, {"subset": {}})
}

test_a_child_keeps_equals if {
	creates({"equals": {"dept": "it"}}, {"equals": {"dept": "it"}})
	not creates({"equals": {"dept": "it", "more": "x"}}, {"equals": {"dept": "it"}})
	not creates({"subset": {"dept": "it"}}, {"equals": {"dept": "it"}})
	not creates({}, {"equals": {"dept": "it"}})
}

test_a_child_keeps_subset_or_grows_stricter if {
	creates({"subset": {"dept": "it"}}, {"subset": {"dept": "it"}})
	creates({"subset": {"dept": "it", "more": "x"}}, {"subset": {"dept": "it"}})
	creates({"equals": {"dept": "it", "more": "x"}}, {"subset": {"dept": "it"}})
	creates({}, {"subset": {}})
	not creates({"subset": {"more": "x"}}, {"subset": {"dept": "it"}})
	not creates({"equals": {"dept": "hr"}}, {"subset": {"dept": "it"}})
	not creates({}, {"subset": {"dept": "it"}})
}

retire := {
	"rule": "grant",
	"action": "kms:RetireGrant",
	"resource": {"account": "999900001111"},
}

root := object.union(retire, {"principal": {"type": "root"}})

test_the_retiring_principal_retires if {
	vias(retire, {"retiree": {"via": "role", "id": "AROAROLE"}}) == {"role"}
	vias(retire, {"retiree": {"via": "role", "id": "AROAOTHER"}}) == set()
	vias(retire, {"retiree": {"via": "account", "id": "111122223333"}}) == {"account"}
}

test_the_grantee_retires_if_the_grant_says_so if {
	vias(retire, {}) == set()
	vias(retire, {"operations": ["kms:RetireGrant"]}) == {"role"}
	vias(retire, {"operations": ["kms:RetireGrant"], "subset": {"dept": "hr"}}) == {"role"}
}

test_an_account_as_grantee_retires_as_root_only if {
	account := {"operations": ["kms:RetireGrant"], "grantee": {"via": "account", "id": "111122223333"}}
	given := object.union(account, {"issuer": "999900001111"})
	vias(retire, given) == set()
	vias(root, given) == {"account"}
}

test_the_account_that_made_the_grant_retires_it_as_root_only if {
	vias(retire, {"issuer": "111122223333"}) == set()
	vias(root, {"issuer": "111122223333"}) == {"account"}
	vias(root, {"issuer": "444455556666"}) == set()
}

test_the_account_of_the_key_passes_retiring_on if {
	vias(object.union(retire, {"resource": {"account": "111122223333"}}), {}) == {"account"}
}

layers := {"layers": {"identity": [{"allow": [], "deny": []}]}}

may := {"layers": {"identity": [{"allow": [["identity", 0, 0, 0, "policy"]], "deny": []}]}}

verdict(changes) := sprintf("%s %s", [answer.reason, answer.layer]) if {
	answer := decide.decision with input as object.union_n(array.concat(
		[request, layers, retire, {"cross_account_possible": true}],
		changes,
	))
}

test_retiring_is_settled_by_the_grant if {
	retiree := {"grants": [object.union(grant, {"retiree": {"via": "role", "id": "AROAROLE"}})]}
	verdict([retiree]) == "allow grant"
	verdict([may]) == "no-allow resource"
	verdict([]) == "no-allow identity"
}

test_a_key_policy_has_no_say_in_retiring if {
	owner := {"resource": {"account": "111122223333"}}
	silent := {"layers": {"resource": [{"allow": [["resource", 0, 0, 0, "role"]], "deny": []}]}}
	verdict([owner, silent]) == "no-allow identity"

	denies := {"layers": {"resource": [{"allow": [], "deny": [["resource", 0, 0, 0, "role"]]}]}}
	verdict([owner, may, denies]) == "allow grant"
}

test_iam_policies_let_retire_in_the_accounts_that_may_pass_it_on if {
	retiree := {"grants": [object.union(grant, {"retiree": {"via": "account", "id": "111122223333"}})]}
	verdict([retiree]) == "no-allow identity"
	verdict([retiree, may]) == "allow grant"
	verdict([may, {"resource": {"account": "111122223333"}}]) == "allow grant"
	verdict([may, {"grants": [object.union(grant, {"issuer": "111122223333"})]}]) == "no-allow resource"
}

test_a_deny_in_an_iam_policy_stops_retiring if {
	retiree := {"grants": [object.union(grant, {"retiree": {"via": "role", "id": "AROAROLE"}})]}
	denies := {"layers": {"identity": [{"allow": [], "deny": [["identity", 0, 0, 0, "policy"]]}]}}
	verdict([retiree, denies]) == "explicit-deny identity"
}
