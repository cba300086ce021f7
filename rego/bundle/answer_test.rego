package keyreeve.answer_test

import data.keyreeve.answer

# A user asks to decrypt with a key whose policy leaves it to the account.
facts := {
	"rule": "key_policy",
	"action": "kms:Decrypt",
	"cross_account_possible": true,
	"principal": {"type": "user", "account": "111122223333", "user": "AIDABOB"},
	"resource": {"arn": "arn:aws:kms:us-east-1:111122223333:key/k", "account": "111122223333"},
	"context": {"aws:username": ["bob"]},
	"policies": {"resource": [["payroll-key"]], "identity": [["use"]]},
}

bundled := {
	"policies": {
		"payroll-key": {"package": "key", "kind": "key", "statements": [{"sid": "Root"}]},
		"use": {"package": "use", "kind": "identity", "statements": [{"sid": "Use"}, {"sid": "Never"}]},
		"limit": {"package": "use", "kind": "boundary", "statements": [{"sid": "Use"}, {"sid": "Never"}]},
		"most": {"package": "use", "kind": "scp", "statements": [{"sid": "Use"}, {"sid": "Never"}]},
		"role-trust": {"package": "key", "kind": "trust", "statements": [{"sid": "Root"}]},
		"broken": {"package": "none", "kind": "identity", "statements": []},
	},
	"actions": {
		"kms:Decrypt": {
			"rules": {"key": "key_policy"},
			"cross_account_possible": true,
			"keys": ["kms:calleraccount", "kms:requestalias", "kms:encryptionalgorithm"],
			"context": {"kms:encryptionalgorithm": ["SYMMETRIC_DEFAULT"], "aws:securetransport": ["true"]},
		},
		"kms:CreateKey": {"rules": {"none": "identity_only"}, "cross_account_possible": false, "keys": [], "context": {}},
		"sts:AssumeRole": {"rules": {"role": "trust"}, "cross_account_possible": true, "keys": [], "context": {}},
	},
	"accounts": {"111122223333": {
		"resource": {
			"arn": "arn:aws:kms:us-east-1:111122223333:*",
			"account": "111122223333",
			"management": true,
		},
		"policies": {"rcp": [["most"]]},
	}},
	"principals": {
		"arn:aws:iam::111122223333:user/bob": {
			"names": ["user/bob", "user/bob@acme"],
			"principal": {"type": "user", "account": "111122223333", "user": "AIDABOB", "management": false},
			"context": {"aws:username": ["bob"], "kms:calleraccount": ["111122223333"], "kms:keyspec": ["x"]},
			"policies": {"identity": [["use"]]},
		},
		"arn:aws:iam::111122223333:user/twin": {"names": ["user/twin"]},
		"arn:aws:iam::444455556666:user/twin": {"names": ["user/twin"]},
	},
	"resources": {
		"arn:aws:kms:us-east-1:111122223333:key/k": {
			"names": ["key/payroll", "alias/payroll"],
			"kind": "key",
			"resource": {
				"arn": "arn:aws:kms:us-east-1:111122223333:key/k",
				"account": "111122223333",
				"management": false,
				"aws_managed": false,
			},
			"context": {"kms:keyspec": ["SYMMETRIC_DEFAULT"], "aws:resourceaccount": ["111122223333"]},
			"policies": {"resource": [["payroll-key"]]},
			"grants": [],
		},
		"arn:aws:iam::111122223333:role/r": {
			"names": ["role/r"],
			"kind": "role",
			"resource": {"arn": "arn:aws:iam::111122223333:role/r", "account": "111122223333"},
			"context": {},
			"policies": {"resource": [["role-trust"]]},
			"grants": [],
		},
	},
	"endpoints": {"vpce-1": {"context": {"aws:sourcevpce": ["vpce-1"]}, "policies": {}}},
}

# Policies that say something else for another input.
documents := {
	"key": {"verdict": {"allow": [[0, "account"]], "deny": []}},
	"use": {"verdict": {"allow": [[0, "policy"]], "deny": []}},
}

published := {"answer": {"type": "object"}}

asked(changes) := object.union(facts, changes)

without(paths) := json.remove(facts, paths)

decided(question) := decision if {
	decision := answer.decision with input as question
		with data.keyreeve.world as bundled
		with data.keyreeve.policies as documents
		with data.keyreeve.schema as published
}

faulty(question) := faults if {
	faults := answer.faults with input as question
		with data.keyreeve.world as bundled
		with data.keyreeve.policies as documents
		with data.keyreeve.schema as published
}

completed(question) := full if {
	full := answer.question with input as question
		with data.keyreeve.world as bundled
		with data.keyreeve.schema as published
}

test_facts_are_decided if {
	decided(facts) == {"allow": true, "reason": "allow", "layer": "identity", "grants": []}
	decided(asked({"policies": {"identity": [[]]}})).reason == "no-allow"
	decided(without(["policies/resource"])).layer == "resource"
}

test_a_denying_policy_denies if {
	denying := object.union(documents, {"use": {"verdict": {"allow": [], "deny": [[1, "policy"]]}}})
	decision := answer.decision with input as facts
		with data.keyreeve.world as bundled
		with data.keyreeve.policies as denying
		with data.keyreeve.schema as published
	decision == {"allow": false, "reason": "explicit-deny", "layer": "identity", "grants": []}
}

test_the_statements_that_settled_have_their_names if {
	statements := answer.statements with input as facts
		with data.keyreeve.world as bundled
		with data.keyreeve.policies as documents
		with data.keyreeve.schema as published
	statements == [
		{"layer": "resource", "level": 0, "policy": "payroll-key", "index": 0, "via": "account", "sid": "Root"},
		{"layer": "identity", "level": 0, "policy": "use", "index": 0, "via": "policy", "sid": "Use"},
	]
}

test_guardrails_deny_before_all_policies if {
	decision := answer.decision with input as facts
		with data.keyreeve.world as bundled
		with data.keyreeve.policies as documents
		with data.keyreeve.schema as published
		with data.keyreeve.guardrail.deny as {"second", "first"}
	decision == {"allow": false, "reason": "explicit-deny", "layer": "guardrail", "grants": []}
	statements := answer.statements with input as facts
		with data.keyreeve.world as bundled
		with data.keyreeve.policies as documents
		with data.keyreeve.schema as published
		with data.keyreeve.guardrail.deny as {"second", "first"}
	statements == [{"layer": "guardrail", "reason": "first"}, {"layer": "guardrail", "reason": "second"}]
}

test_guardrails_without_a_reason_deny_nothing if {
	decision := answer.decision with input as facts
		with data.keyreeve.world as bundled
		with data.keyreeve.policies as documents
		with data.keyreeve.schema as published
		with data.keyreeve.guardrail.deny as set()
	decision.allow
}

test_every_level_takes_part if {
	scps := asked({"policies": {"scp": [["most"], ["most"]]}})
	decided(scps).allow
	decided(asked({"policies": {"scp": [["most"], []]}})).layer == "scp"
	decided(asked({"policies": {"boundary": [["limit"]]}})).allow
	decided(asked({"policies": {"boundary": [[]]}})).layer == "boundary"
}

test_policies_see_the_facts if {
	seen := answer._facts with input as asked({"policies": {"boundary": [["limit"]]}})
		with data.keyreeve.world as bundled
		with data.keyreeve.schema as published
	seen == {
		"action": "kms:Decrypt",
		"resource": "arn:aws:kms:us-east-1:111122223333:key/k",
		"context": {"aws:username": ["bob"]},
		"principal": {"type": "user", "account": "111122223333", "user": "AIDABOB", "boundary": true},
	}
	unbounded := answer._facts with input as facts
		with data.keyreeve.world as bundled
		with data.keyreeve.schema as published
	unbounded.principal.boundary == false
}

test_names_bring_facts if {
	full := completed({"caller": "user/bob", "target": "key/payroll", "action": "kms:Decrypt", "endpoint": "vpce-1"})
	full.rule == "key_policy"
	full.cross_account_possible == true
	full.principal.user == "AIDABOB"
	full.resource.arn == "arn:aws:kms:us-east-1:111122223333:key/k"
	full.policies == {"identity": [["use"]], "resource": [["payroll-key"]]}
	full.context == {
		"aws:username": ["bob"],
		"aws:securetransport": ["true"],
		"aws:resourceaccount": ["111122223333"],
		"aws:sourcevpce": ["vpce-1"],
		"kms:calleraccount": ["111122223333"],
		"kms:encryptionalgorithm": ["SYMMETRIC_DEFAULT"],
	}
}

test_names_and_arns_are_answered_alike if {
	every caller in ["user/bob", "user/bob@acme", "arn:aws:iam::111122223333:user/bob"] {
		decided({"caller": caller, "target": "alias/payroll", "action": "kms:Decrypt"}).allow
	}
}

test_what_is_given_stands if {
	question := {
		"caller": "user/bob",
		"target": "key/payroll",
		"action": "kms:Decrypt",
		"context": {"aws:username": ["eve"]},
		"policies": {"identity": [[]]},
	}
	completed(question).context["aws:username"] == ["eve"]
	decided(question).layer == "identity"
}

test_a_key_named_by_alias_has_its_condition_key if {
	question := {"caller": "user/bob", "target": "alias/payroll", "action": "kms:Decrypt"}
	completed(question).context["kms:requestalias"] == ["alias/payroll"]
	by_name := object.union(question, {"target": "key/payroll"})
	not completed(by_name).context["kms:requestalias"]
}

test_without_target_the_account_is_asked_about if {
	full := completed({"caller": "user/bob", "action": "kms:CreateKey"})
	full.rule == "identity_only"
	full.resource == {
		"arn": "arn:aws:kms:us-east-1:111122223333:*",
		"account": "111122223333",
		"management": true,
		"aws_managed": false,
	}
	full.policies.rcp == [["most"]]
	completed({"caller": "user/bob", "action": "sts:DecodeAuthorizationMessage"}).resource.arn == "*"
}

test_without_target_but_with_a_resource_that_is_it if {
	full := completed({"caller": "user/bob", "action": "kms:CreateKey", "resource": {"arn": "a", "account": "b"}})
	full.resource == {"arn": "a", "account": "b", "management": false, "aws_managed": false}
}

test_the_trust_policy_of_a_role_is_asked if {
	decided({"caller": "user/bob", "target": "role/r", "action": "sts:AssumeRole"}).allow
}

test_an_unknown_thing_is_a_fault if {
	question := {"caller": "user/bob", "target": "key/payroll", "action": "kms:Decrypt"}
	faulty(object.union(question, {"caller": "user/eve"})) == {"caller: the world has 0 of user/eve"}
	faulty(object.union(question, {"caller": "user/twin"}))["caller: the world has 2 of user/twin"]
	faulty(object.union(question, {"target": "key/none"}))["target: the world has 0 of key/none"]
	faulty(object.union(question, {"endpoint": "vpce-2"}))["endpoint: the world has no vpce-2"]
	faulty(object.union(question, {"endpoint": "vpce-1"})) == set()
}

test_a_fault_is_neither_yes_nor_no if {
	decided(without(["principal"])) == {"error": {"principal.type is missing"}}
	statements := answer.statements with input as without(["principal"])
		with data.keyreeve.world as bundled
		with data.keyreeve.policies as documents
		with data.keyreeve.schema as published
	statements == []
}

test_missing_facts_are_faults if {
	every path, fault in {
		"rule": "rule is missing",
		"principal/type": "principal.type is missing",
		"resource/arn": "resource.arn is missing",
		"resource/account": "resource.account is missing",
	} {
		faulty(without([path]))[fault]
	}
	unknown := json.patch(without(["cross_account_possible"]), [{"op": "replace", "path": "action", "value": "kms:None"}])
	faulty(unknown) == {"action: kms:None is none: give rule and cross_account_possible with it"}
	faulty(asked({"action": "kms:None"})) == set()
}

test_the_schema_is_held_against_the_input if {
	faults := answer.faults with input as asked({"rule": "other"})
		with data.keyreeve.world as bundled
		with data.keyreeve.policies as documents
		with data.keyreeve.schema as {"answer": {"properties": {"rule": {"enum": ["key_policy"]}}}}
	count(faults) == 1
}

test_grants_have_a_rule_of_their_own if {
	faulty(asked({"rule": "grant"})) == {"the rule for grants is for kms:RetireGrant only"}
	faulty(asked({"action": "kms:RetireGrant"})) == {"kms:RetireGrant has a rule of its own"}
	faulty(asked({"action": "kms:RetireGrant", "rule": "grant"})) == set()
}

test_a_caller_has_the_ids_of_its_type if {
	faulty(asked({"principal": {"role": "AROA"}})) == {"principal: a caller of type user has account, user"}
	faulty(asked({"principal": {"type": "role"}})) == {"principal: a caller of type role has account, role, session"}
	federated := asked({"principal": {"type": "federated", "session": "111122223333:f"}})
	faulty(federated) == set()
	faulty(json.remove(federated, ["principal/user"])) == set()
	service := json.patch(facts, [{
		"op": "replace",
		"path": "principal",
		"value": {"type": "service", "services": ["logs.amazonaws.com"]},
	}])
	faulty(service) == set()
}

test_condition_keys_are_in_lower_case if {
	faulty(asked({"context": {"aws:UserName": ["bob"]}})) == {"context: aws:UserName is not in lower case"}
}

test_layers_have_room_for_what_they_are if {
	faulty(asked({"policies": {"identity": [["use"], ["use"]]}})) == {"policies.identity: one level, not 2"}
	faulty(asked({"policies": {"boundary": [["use", "limit"]]}})) == {"policies.boundary: more than one policy"}
	faulty(asked({"policies": {"rcp": [[], []], "scp": [["most"], ["most", "most"]]}})) == set()
}

test_policies_are_there_and_of_their_layers_kind if {
	absent := "policies.identity: the bundle has no such policy of this kind: %s"
	faulty(asked({"policies": {"identity": [["none"]]}}))[sprintf(absent, ["none"])]
	faulty(asked({"policies": {"identity": [["most"]]}})) == {sprintf(absent, ["most"])}
	faulty(asked({"policies": {"identity": [["broken"]]}})) == {"policies: nothing is said by broken"}
	faulty(asked({"policies": {"boundary": [["use"]], "session": [["use"]]}})) == set()
	faulty(asked({"rule": "trust"})) == {"policies.resource: the bundle has no such policy of this kind: payroll-key"}
}
