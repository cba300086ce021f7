package lint

import "github.com/keyreeve/keyreeve/rego/policy"

// grammarRules are about the JSON and the elements of a policy.
var grammarRules = []Rule{
	{ID: "JSON_SYNTAX_ERROR", Severity: Error, Kinds: everyKind, Grants: true, Title: "The text is not JSON."},
	{ID: "KR_DUPLICATE_JSON_KEY", Severity: Error, Kinds: everyKind, Grants: true, Title: "A name appears twice in one JSON object."},
	{ID: "KR_NESTED_TOO_DEEPLY", Severity: Error, Kinds: everyKind, Grants: true, Title: "The JSON is nested deeper than any policy."},
	{ID: "KR_UNSUPPORTED_CHARACTER", Severity: Error, Kinds: everyKind, Title: "The text holds a character that this kind of policy cannot hold."},
	{ID: "DATA_TYPE_MISMATCH", Severity: Error, Kinds: everyKind, Grants: true, Title: "An element has the wrong JSON type."},
	{ID: "INVALID_POLICY_ELEMENT", Severity: Error, Kinds: everyKind, Grants: true, Title: "An element is unknown."},
	{ID: "MISSING_STATEMENT", Severity: Error, Kinds: everyKind, Title: "The policy has no statement."},
	{ID: "MISSING_EFFECT", Severity: Error, Kinds: everyKind, Title: "A statement has no Effect."},
	{ID: "MISSING_ACTION", Severity: Error, Kinds: everyKind, Title: "A statement has neither Action nor NotAction."},
	{ID: "MISSING_RESOURCE", Severity: Error, Kinds: withResource, Title: "A statement has neither Resource nor NotResource."},
	{ID: "MISSING_PRINCIPAL", Severity: Error, Kinds: []policy.Kind{policy.Key, policy.RCP, policy.Endpoint, policy.Trust},
		Title: "A statement has no Principal."},
	{ID: "INVALID_EFFECT", Severity: Error, Kinds: everyKind, Title: "The Effect is neither Allow nor Deny."},
	{ID: "UNSUPPORTED_ELEMENT_COMBINATION", Severity: Error, Kinds: everyKind, Title: "An element stands beside its own negation."},
	{ID: "UNIQUE_SIDS_REQUIRED", Severity: Error, Kinds: []policy.Kind{policy.Identity, policy.Boundary, policy.Session, policy.SCP, policy.RCP, policy.Trust},
		Title: "Two statements have the same Sid, in a kind of policy that forbids it."},
	{ID: "UNIQUE_SIDS_RECOMMENDED", Severity: Warning, Kinds: []policy.Kind{policy.Key, policy.Endpoint}, Title: "Two statements have the same Sid."},
	{ID: "UNSUPPORTED_SID", Severity: Error, Kinds: []policy.Kind{policy.Identity, policy.Boundary, policy.Session, policy.Trust},
		Title: "A Sid holds more than letters and digits."},
	{ID: "EMPTY_SID_VALUE", Severity: Suggestion, Kinds: everyKind, Title: "A Sid is empty."},
	{ID: "EMPTY_ARRAY_ACTION", Severity: Suggestion, Kinds: everyKind, Title: "A statement has an empty list of actions."},
	{ID: "EMPTY_ARRAY_RESOURCE", Severity: Suggestion, Kinds: withResource, Title: "A statement has an empty list of resources."},
	{ID: "EMPTY_ARRAY_PRINCIPAL", Severity: Suggestion, Kinds: withPrincipal, Title: "A statement has an empty list of principals."},
	{ID: "EMPTY_OBJECT_PRINCIPAL", Severity: Suggestion, Kinds: withPrincipal, Title: "A Principal is an empty object."},
	{ID: "EMPTY_OBJECT_CONDITION", Severity: Suggestion, Kinds: everyKind, Title: "A Condition, or an operator in it, is an empty object."},
	{ID: "EMPTY_ARRAY_CONDITION", Severity: Suggestion, Kinds: everyKind, Title: "A condition compares with an empty list, which never holds."},
	{ID: "EMPTY_ARRAY_CONDITION_FORALLVALUES", Severity: Suggestion, Kinds: everyKind,
		Title: "ForAllValues compares with an empty list, which holds only where the key is absent."},
	{ID: "EMPTY_ARRAY_CONDITION_FORANYVALUE", Severity: Suggestion, Kinds: everyKind, Title: "ForAnyValue compares with an empty list, which never holds."},
	{ID: "EMPTY_ARRAY_CONDITION_IFEXISTS", Severity: Suggestion, Kinds: everyKind,
		Title: "An operator with IfExists compares with an empty list, which holds only where the key is absent."},
	{ID: "KR_EMPTY_NEGATION", Severity: Error, Kinds: everyKind, Title: "A negation lists nothing and so matches everything."},
	{ID: "UNSUPPORTED_PRINCIPAL", Severity: Error, Kinds: identities, Title: "The kind of policy has no Principal."},
	{ID: "WILDCARD_IN_SERVICE_NAME", Severity: Suggestion, Kinds: withResource, Title: "The service of an action holds a wildcard."},
}

// versionRules are about the Version and the size of a policy.
var versionRules = []Rule{
	{ID: "INVALID_VERSION", Severity: Error, Kinds: everyKind, Title: "The Version is none that exists."},
	{ID: "MISSING_VERSION", Severity: Warning, Kinds: everyKind, Title: "The policy has no Version, so variables are plain text."},
	{ID: "KR_OLD_VERSION_WITH_VARIABLES", Severity: Security, Kinds: everyKind, Also: []string{"VARIABLE_UNSUPPORTED_IN_VERSION"},
		Title: "A value holds a policy variable, which the Version in force does not replace."},
	{ID: "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA", Severity: Warning, Kinds: identities, Title: "The policy is larger than the quota for its kind."},
	{ID: "POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA", Severity: Warning, Kinds: []policy.Kind{policy.Key, policy.Endpoint},
		Title: "The policy is larger than the quota for its kind."},
	{ID: "POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA", Severity: Warning, Kinds: onTrust, Title: "The trust policy is larger than its quota."},
	{ID: "POLICY_SIZE_EXCEEDS_SCP_QUOTA", Severity: Error, Kinds: onSCP, Title: "The service control policy is larger than its quota."},
	{ID: "POLICY_SIZE_EXCEEDS_RCP_QUOTA", Severity: Error, Kinds: onRCP, Title: "The resource control policy is larger than its quota."},
}

// variableRules are about policy variables.
var variableRules = []Rule{
	{ID: "MISSING_BRACE_IN_VARIABLE", Severity: Error, Kinds: everyKind, Title: "A policy variable is not closed."},
	{ID: "MISSING_QUOTE_IN_VARIABLE", Severity: Error, Kinds: everyKind, Title: "The default of a policy variable lacks its quotes."},
	{ID: "EMPTY_VARIABLE", Severity: Error, Kinds: everyKind, Title: "A policy variable has no name."},
	{ID: "UNSUPPORTED_SPACE_IN_VARIABLE", Severity: Error, Kinds: everyKind, Title: "A policy variable holds a space."},
	{ID: "UNSUPPORTED_SYMBOL_IN_VARIABLE", Severity: Error, Kinds: everyKind, Title: "A policy variable is not the name of a condition key."},
	{ID: "VARIABLE_UNSUPPORTED_IN_ELEMENT", Severity: Error, Kinds: everyKind, Title: "A policy variable stands where none is replaced."},
	{ID: "INVALID_VARIABLE_FOR_OPERATOR", Severity: Error, Kinds: everyKind, Title: "A policy variable stands under an operator that replaces none."},
	{ID: "KR_VARIABLE_BEFORE_FIFTH_COLON", Severity: Error, Kinds: withResource, Title: "A policy variable stands before the last part of a resource's ARN."},
	{ID: "KR_MULTIVALUED_VARIABLE", Severity: Error, Kinds: everyKind, Title: "A policy variable names a condition key with many values."},
	{ID: "KR_VARIABLE_MAYBE_ABSENT", Severity: Security, Kinds: withResource,
		Title: "A negated condition compares with a variable that may be absent, and then holds."},
	{ID: "VARIABLE_USAGE_TOO_PERMISSIVE", Severity: Error, Kinds: withResource, Title: "A variable stands beside a wildcard in the value of a key that tells who calls."},
	{ID: "WILDCARD_USAGE_TOO_PERMISSIVE", Severity: Error, Kinds: withResource, Title: "A wildcard swallows the account or the organization that a condition should name."},
}
