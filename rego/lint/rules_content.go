package lint

import "github.com/keyreeve/keyreeve/rego/policy"

// actionRules are about actions and what they go with.
var actionRules = []Rule{
	{ID: "INVALID_ACTION", Severity: Error, Kinds: everyKind, Title: "An action does not exist."},
	{ID: "INVALID_SERVICE_IN_ACTION", Severity: Error, Kinds: everyKind, Title: "The service of an action does not exist."},
	{ID: "KR_ACTION_PATTERN_MATCHES_NOTHING", Severity: Error, Kinds: everyKind, Title: "A pattern matches no action."},
	{ID: "UNSUPPORTED_ACTION_IN_POLICY", Severity: Error, Kinds: []policy.Kind{policy.Key, policy.Endpoint},
		Title: "The kind of policy is never asked about an action that it names."},
	{ID: "KR_ACTION_NEEDS_STAR_RESOURCE", Severity: Error, Kinds: []policy.Kind{policy.Identity, policy.Boundary, policy.Session, policy.SCP, policy.Endpoint},
		Also: []string{"RESOURCE_MISMATCH"}, Title: "An action that has no resource stands beside the ARN of one."},
	{ID: "KR_ALIAS_ARN_FOR_KEY_ACTION", Severity: Security, Kinds: withResource, Title: "An action on keys stands beside the ARN of an alias."},
	{ID: "KR_ALIAS_ACTION_HALF", Severity: Warning, Kinds: granting, ByMeaning: true, Title: "An alias action is allowed on the alias or on the key, not on both."},
	{ID: "KR_KEY_POLICY_RESOURCE_NOT_STAR", Severity: Warning, Kinds: onKey, Also: []string{"E3514", "UNSUPPORTED_RESOURCE_ARN_IN_POLICY"},
		Title: "The Resource of a key policy is not \"*\"."},
	{ID: "KR_REENCRYPT_HALF", Severity: Warning, Kinds: onKey, Title: "Only one half of ReEncrypt is allowed."},
	{ID: "KR_WILDCARD_GROWS", Severity: Suggestion, Kinds: granting, Title: "A wildcard over administrative actions will cover actions that do not exist yet."},
	{ID: "RESOURCE_STAR", Severity: Security, Kinds: onIdentity, Also: []string{"KMS.1", "KMS.2", "CKV_AWS_111", "CKV_AWS_356"},
		Title: "Decryption is allowed with every key of every account."},
	{ID: "iam_policy_no_full_access_to_kms", Severity: Warning, Kinds: onIdentity, Title: "An identity policy allows every action of kms."},
	{ID: "REDUNDANT_ACTION", Severity: Suggestion, Kinds: everyKind, Title: "An action is covered by another of the same statement."},
	{ID: "REDUNDANT_RESOURCE", Severity: Suggestion, Kinds: withResource, Title: "A resource is covered by another of the same statement."},
}

// arnRules are about the shape of ARNs.
var arnRules = []Rule{
	{ID: "INVALID_ARN_PREFIX", Severity: Error, Kinds: withResource, Title: "A resource is neither an ARN nor \"*\"."},
	{ID: "MISSING_ARN_FIELD", Severity: Error, Kinds: withResource, Title: "An ARN has fewer than six parts."},
	{ID: "INVALID_PARTITION", Severity: Error, Kinds: everyKind, Title: "The partition of an ARN does not exist, or is not that of the key."},
	{ID: "INVALID_SERVICE", Severity: Error, Kinds: withResource, Title: "The service of an ARN does not exist."},
	{ID: "INVALID_ARN_SERVICE_CASE", Severity: Error, Kinds: everyKind, Title: "The service of an ARN is not in lower case."},
	{ID: "INVALID_REGION", Severity: Error, Kinds: withResource, Title: "The Region of an ARN does not exist."},
	{ID: "INVALID_ARN_REGION", Severity: Error, Kinds: withResource, Title: "The Region of an ARN has not the form of one."},
	{ID: "MISSING_ARN_REGION", Severity: Error, Kinds: withResource, Title: "The ARN of a key or alias has no Region."},
	{ID: "INVALID_ARN_ACCOUNT", Severity: Error, Kinds: everyKind, Title: "The account of an ARN has not twelve digits."},
	{ID: "MISSING_ARN_ACCOUNT", Severity: Error, Kinds: withResource, Title: "The ARN of a key or alias has no account."},
	{ID: "INVALID_ARN_RESOURCE", Severity: Error, Kinds: withResource, Title: "The last part of the ARN of a key or alias is not of that form."},
}

// principalRules are about who is named.
var principalRules = []Rule{
	{ID: "INVALID_PRINCIPAL_FORMAT", Severity: Error, Kinds: withPrincipal, Also: []string{"INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY"},
		Title: "A principal is written in no form that exists."},
	{ID: "INVALID_PRINCIPAL_KEY", Severity: Error, Kinds: withPrincipal, Title: "The type of a principal does not exist."},
	{ID: "UNSUPPORTED_WILDCARD_IN_PRINCIPAL", Severity: Error, Kinds: []policy.Kind{policy.Key, policy.Endpoint}, Title: "A principal holds a wildcard."},
	{ID: "INVALID_SERVICE_PRINCIPAL_FORMAT", Severity: Error, Kinds: withPrincipal, Title: "A service principal has not the form of one."},
	{ID: "UNKNOWN_PRINCIPAL", Severity: Error, Kinds: withPrincipal, Title: "A service principal is misspelled."},
	{ID: "INVALID_USER_REFERENCE", Severity: Warning, Kinds: withPrincipal, Title: "A principal is the id of a user that was deleted."},
	{ID: "INVALID_ROLE_REFERENCE", Severity: Warning, Kinds: withPrincipal, Title: "A principal is the id of a role that was deleted."},
	{ID: "ALLOW_WITH_NOT_PRINCIPAL", Severity: Security, Kinds: []policy.Kind{policy.Key, policy.Endpoint}, Title: "Everybody who is not listed is allowed."},
	{ID: "KR_DENY_NOT_PRINCIPAL", Severity: Security, Kinds: []policy.Kind{policy.Key, policy.Endpoint},
		Title: "Deny with NotPrincipal hits more principals than it seems to."},
	{ID: "FEDERATED_PRINCIPAL_NOT_SUPPORTED", Severity: Error, Kinds: []policy.Kind{policy.Key, policy.Endpoint}, Title: "An identity provider is named where it matches nobody."},
	{ID: "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL", Severity: Security, Kinds: onKey, Title: "A service may use the key on behalf of anybody."},
	{ID: "RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL", Severity: Suggestion, Kinds: onKey,
		Title: "A service principal is narrowed less than it could be."},
	{ID: "UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL", Severity: Error, Kinds: onKey,
		Title: "A condition asks of a service what only callers with an account have."},
	{ID: "KR_PRINCIPAL_UNKNOWN", Severity: Warning, Kinds: withPrincipal, Title: "A principal does not exist in the world that was loaded."},
	{ID: "KR_PUBLIC_KEY", Severity: Security, Kinds: onKey, ByMeaning: true, Also: []string{"CKV_AWS_33", "kms_key_not_publicly_accessible", "KMS.5"},
		Title: "Somebody outside every trusted account may use the key."},
	{ID: "KR_CROSS_ACCOUNT", Severity: Warning, Kinds: []policy.Kind{policy.Key, policy.Trust}, Grants: true, ByMeaning: true,
		Title: "An account that is not trusted may use the key, or assume the role."},
	{ID: "KR_ROOT_DELEGATION_MISSING", Severity: Warning, Kinds: onKey, ByMeaning: true,
		Title: "The key policy does not let the account's identity policies count."},
	{ID: "KR_ROOT_DELEGATION_NARROW", Severity: Warning, Kinds: onKey, ByMeaning: true, Title: "The account may use the key but not repair its policy."},
	{ID: "KR_STAR_IS_NOT_DELEGATION", Severity: Security, Kinds: onKey, ByMeaning: true,
		Title: "Principal \"*\" grants directly; it does not delegate to identity policies."},
}

// keyRules are about all that may be done with a key.
var keyRules = []Rule{
	{ID: "KR_LOCKOUT_CALLER", Severity: Error, Kinds: onKey, ByMeaning: true, Title: "Whoever puts this policy could not put another."},
	{ID: "KR_LOCKOUT_ALL", Severity: Security, Kinds: onKey, ByMeaning: true, Also: []string{"CKV_AWS_93"}, Title: "Nobody can change the key policy."},
	{ID: "KR_ESCALATION_PUTKEYPOLICY", Severity: Security, Kinds: granting, ByMeaning: true, Title: "Somebody who does not administer the key may rewrite its policy."},
	{ID: "KR_ESCALATION_CREATEGRANT", Severity: Security, Kinds: granting, ByMeaning: true, Title: "Somebody may give anybody operations that they lack themselves."},
	{ID: "KR_ADMIN_AND_USER", Severity: Warning, Kinds: granting, ByMeaning: true, Title: "One principal may both administer the key and decrypt with it."},
	{ID: "KR_DELETE_UNGUARDED", Severity: Warning, Kinds: granting, ByMeaning: true, Title: "The key may be scheduled for deletion without a guard."},
	{ID: "KR_UNREACHABLE_ALLOW", Severity: Warning, Kinds: everyKind, ByMeaning: true, Title: "An Allow never takes effect."},
	{ID: "KR_DENY_WITHOUT_EFFECT", Severity: Warning, Kinds: everyKind, ByMeaning: true, Title: "A Deny refuses what nobody is allowed."},
	{ID: "REDUNDANT_STATEMENT", Severity: Suggestion, Kinds: everyKind, ByMeaning: true, Title: "Without the statement every decision is the same."},
	{ID: "KR_IDENTITY_INEFFECTIVE", Severity: Warning, Kinds: onIdentity, ByMeaning: true, Title: "No key policy lets an identity policy work."},
	{ID: "KR_NEW_ACCESS", Severity: Error, Kinds: withResource, ByMeaning: true, Title: "A new version allows what the old one did not."},
	{ID: "KR_ACCESS_NOT_GRANTED", Severity: Error, Kinds: withResource, ByMeaning: true, Title: "Access that must not be granted is granted."},
	{ID: "KR_EQUIVALENT", Severity: Error, Kinds: withResource, ByMeaning: true, Title: "Two versions that should decide alike do not."},
	{ID: "KR_ABAC_SELF_SERVICE", Severity: Security, Kinds: granting, ByMeaning: true,
		Title: "Access hangs on a tag or alias that the same principal may set."},
}

// attestationRules are about enclaves.
var attestationRules = []Rule{
	{ID: "KR_ATTESTATION_NOT_ENFORCED", Severity: Security, Kinds: onKey, ByMeaning: true, Title: "An enclave's key may be used without attestation."},
	{ID: "KR_ATTESTATION_BYPASS", Severity: Security, Kinds: onKey, ByMeaning: true, Title: "Another path leads around the attestation."},
	{ID: "KR_ATTESTATION_NO_BINDING", Severity: Security, Kinds: onKey,
		Title: "The attestation pins parts of the image that do not identify what runs."},
	{ID: "KR_ATTESTATION_DEBUG_PCR", Severity: Security, Kinds: onKey, Title: "The attestation admits enclaves in debug mode."},
}

// endpointRules are about VPC endpoint policies.
var endpointRules = []Rule{
	{ID: "KR_VPCE_DEFAULT", Severity: Warning, Kinds: onEndpoint, Title: "The endpoint policy allows everything."},
	{ID: "KR_VPCE_UNTRUSTED_ACCOUNT", Severity: Security, Kinds: onEndpoint, Also: []string{"vpc_endpoint_connections_trust_boundaries"},
		Title: "The endpoint policy names an account that is not trusted."},
	{ID: "KR_VPCE_NO_RESOURCE_ACCOUNT", Severity: Security, Kinds: onEndpoint, Title: "The endpoint leads to the keys of every account."},
	{ID: "KR_VPCE_GRANTS_NOTHING", Severity: Warning, Kinds: onEndpoint, ByMeaning: true, Title: "The endpoint policy allows only what nothing else allows."},
	{ID: "KR_VPCE_SOURCEVPCE_MISMATCH", Severity: Security, Kinds: onKey, ByMeaning: true, Title: "A key policy asks for an endpoint that does not exist."},
}

// trustRules are about role trust policies.
var trustRules = []Rule{
	{ID: "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL", Severity: Error, Kinds: onTrust, Title: "A trust policy has no NotPrincipal."},
	{ID: "ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE", Severity: Error, Kinds: onTrust, Title: "A trust policy has no Resource."},
	{ID: "ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL", Severity: Error, Kinds: onTrust, Title: "A principal of a trust policy holds a wildcard."},
	{ID: "MISMATCHED_ACTION_FOR_PRINCIPAL", Severity: Error, Kinds: onTrust, Title: "An action is not one by which the principal could assume the role."},
	{ID: "KR_PUBLIC_ROLE", Severity: Security, Kinds: onTrust, ByMeaning: true, Title: "Somebody outside every trusted account may assume the role."},
	{ID: "REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY", Severity: Suggestion, Kinds: onTrust, Title: "A principal is covered by its account."},
}

// grantRules are about grants.
var grantRules = []Rule{
	{ID: "KR_GRANT_WIDE", Severity: Security, Grants: true, Title: "A grant gives cryptographic operations without a constraint, or to a whole account."},
	{ID: "KR_GRANT_DUPLICATE", Severity: Warning, Grants: true, Title: "Two grants give the same."},
	{ID: "KR_GRANT_NO_RETIRER", Severity: Warning, Grants: true, Title: "Nobody but an administrator can end a grant."},
	{ID: "KR_GRANT_CHAIN", Severity: Security, Grants: true, Title: "The grantee may grant on."},
	{ID: "KR_GRANT_UNSUPPORTED_OPERATION", Severity: Error, Grants: true, Title: "A grant names an operation that the key does not have."},
	{ID: "KR_GRANT_CONSTRAINT_IGNORED", Severity: Warning, Grants: true, Title: "A constraint narrows none of the operations."},
	{ID: "KR_GRANT_DEAD", Severity: Warning, Grants: true, ByMeaning: true, Title: "A grant never takes effect."},
	{ID: "KR_GRANT_STALE", Severity: Suggestion, Grants: true, Title: "A grant is old; grants never expire."},
}
