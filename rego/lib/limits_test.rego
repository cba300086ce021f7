# What boundary and session policy limit (A-18).
package keyreeve.decide_test

test_boundary_and_session_policy_limit_iam_policies if {
	every layer in ["boundary", "session"] {
		verdict([delegates, layers({layer: empty})]) == concat(" ", ["no-allow", layer])
		verdict([delegates, layers({layer: []})]) == concat(" ", ["no-allow", layer])
		verdict([delegates, layers({layer: by("policy")})]) == "allow identity"
		verdict([identity_only, layers({"identity": by("policy"), layer: empty})]) == concat(" ", ["no-allow", layer])
	}
	verdict([delegates, layers({"boundary": empty, "session": empty})]) == "no-allow boundary"
}

test_a_boundary_does_not_limit_an_allow_for_the_user if {
	verdict([layers({"resource": by("user"), "boundary": empty})]) == "allow resource"
	verdict([layers({"resource": by("user"), "session": empty})]) == "no-allow session"
}

test_neither_limits_an_allow_for_the_session_or_for_everyone if {
	limited := layers({"boundary": empty, "session": empty})
	every via in ["session", "everyone"] {
		verdict([role, limited, layers({"resource": by(via)})]) == "allow resource"
		verdict([federated, limited, layers({"resource": by(via)})]) == "allow resource"
	}
}

test_both_limit_an_allow_for_the_role if {
	verdict([role, layers({"resource": by("role"), "boundary": empty})]) == "no-allow boundary"
	verdict([role, layers({"resource": by("role"), "session": empty})]) == "no-allow session"
	within := layers({"boundary": by("policy"), "session": by("policy")})
	verdict([role, within, layers({"resource": by("role")})]) == "allow resource"
}

test_both_limit_an_allow_for_the_identity_provider if {
	verdict([trust, role, layers({"resource": by("provider"), "session": empty})]) == "no-allow session"
	verdict([trust, role, layers({"resource": by("provider")})]) == "allow resource"
}

test_an_identity_provider_is_nobody_in_a_key_policy if {
	verdict([role, layers({"resource": by("provider")})]) == "no-allow resource"
	verdict([role, elsewhere, layers({"resource": by("provider"), "identity": by("policy")})]) == "no-allow resource"
}

test_both_limit_a_federated_session_allowed_by_its_user if {
	verdict([federated, layers({"resource": by("user"), "session": empty})]) == "no-allow session"
	verdict([federated, layers({"resource": by("user"), "session": by("policy")})]) == "allow resource"
	bounded := layers({"session": by("policy"), "boundary": empty})
	verdict([federated, bounded, layers({"resource": by("user")})]) == "no-allow boundary"
}

test_a_federated_session_without_session_policy_has_nothing_of_its_user if {
	verdict([federated, delegates]) == "no-allow session"
	verdict([federated, layers({"resource": by("user")})]) == "no-allow session"
	verdict([federated, delegates, layers({"session": by("policy")})]) == "allow identity"
	verdict([federated, layers({"resource": by("session")})]) == "allow resource"
	verdict([role, delegates]) == "allow identity"
}

test_across_accounts_both_always_limit if {
	every via in ["everyone", "account", "user", "role", "session"] {
		every layer in ["boundary", "session"] {
			both := layers({"resource": by(via), "identity": by("policy"), layer: empty})
			verdict([role, elsewhere, both]) == concat(" ", ["no-allow", layer])
		}
	}
}
