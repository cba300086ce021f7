package lint

import "github.com/keyreeve/keyreeve/rego/policy"

// conditionRules are about operators, keys and what they mean together.
var conditionRules = []Rule{
	{ID: "INVALID_CONDITION_OPERATOR", Severity: Error, Kinds: everyKind, Title: "A condition operator does not exist."},
	{ID: "INVALID_CONDITION_KEY_FORMAT", Severity: Error, Kinds: everyKind, Title: "A condition key has not the form of one."},
	{ID: "INVALID_GLOBAL_CONDITION_KEY", Severity: Error, Kinds: everyKind, Title: "A condition key with the prefix aws: does not exist."},
	{ID: "INVALID_SERVICE_CONDITION_KEY", Severity: Error, Kinds: everyKind, Title: "A condition key of a service does not exist."},
	{ID: "DEPRECATED_GLOBAL_CONDITION_KEY", Severity: Warning, Kinds: everyKind, Also: []string{"UNSUPPORTED_GLOBAL_CONDITION_KEY"},
		Title: "A condition key has a newer name."},
	{ID: "USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES", Severity: Warning, Kinds: everyKind, Title: "No request to KMS holds the condition key."},
	{ID: "UNSUPPORTED_ACTION_FOR_CONDITION_KEY", Severity: Error, Kinds: everyKind, Title: "A condition key is never in the requests of an action."},
	{ID: "MISSING_QUALIFIER", Severity: Error, Kinds: everyKind, Title: "A key with many values stands under an operator without ForAnyValue or ForAllValues."},
	{ID: "FORALLVALUES_WITH_SINGLE_VALUED_KEY", Severity: Security, Kinds: everyKind, Title: "ForAllValues stands before a key with one value, and holds without it."},
	{ID: "KR_FORALLVALUES_NO_NULL_CHECK", Severity: Security, Kinds: granting, Title: "An Allow with ForAllValues also holds where the key is absent."},
	{ID: "KR_EC_KEYS_WITHOUT_VALUES", Severity: Warning, Kinds: granting, Title: "The encryption context is pinned by half."},
	{ID: "KR_EC_KEY_CASE", Severity: Warning, Kinds: granting, Title: "A condition matches names of the encryption context in any case, the ciphertext in one."},
	{ID: "WILDCARD_WITHOUT_LIKE_OPERATOR", Severity: Warning, Kinds: everyKind, Title: "A wildcard stands under an operator that takes it as text."},
	{ID: "KR_VIASERVICE_WILDCARD", Severity: Security, Kinds: granting, Title: "kms:ViaService admits more than one service, or none."},
	{ID: "KR_VIASERVICE_REGION", Severity: Warning, Kinds: granting, Title: "kms:ViaService names another Region than the key's."},
	{ID: "MISSING_PAIRED_CONDITION_KEYS", Severity: Security, Kinds: onKey, Title: "A key that tells the service, not the caller, stands alone."},
	{ID: "KR_VIASERVICE_WITHOUT_CALLERACCOUNT", Severity: Security, Kinds: onKey, Title: "Everybody is admitted through a service, from any account."},
	{ID: "NULL_WITH_IF_EXISTS", Severity: Error, Kinds: everyKind, Title: "Null has no IfExists."},
	{ID: "NULL_WITH_QUALIFIER", Severity: Suggestion, Kinds: everyKind, Title: "A set qualifier before Null has no effect."},
	{ID: "DUPLICATE_KEYS_WITH_DIFFERENT_CASE", Severity: Error, Kinds: everyKind, Title: "A condition names one key or operator twice, in different case."},
	{ID: "KR_IFEXISTS_WEAKENS", Severity: Security, Kinds: granting, Title: "IfExists lets in requests that lack the key which should narrow them."},
	{ID: "BAD_PATTERN_FOR_MFA", Severity: Warning, Kinds: withResource, Title: "The condition on MFA does not say what it seems to."},
	{ID: "PRIVATE_IP_ADDRESS", Severity: Error, Kinds: everyKind, Title: "aws:SourceIp is compared with private addresses only, and never matches."},
	{ID: "PRIVATE_IP_ADDRESS_SUBSET", Severity: Suggestion, Kinds: everyKind, Title: "Some addresses for aws:SourceIp are private and never match."},
	{ID: "PRIVATE_NOT_IP_ADDRESS", Severity: Error, Kinds: everyKind, Title: "aws:SourceIp is required to differ from private addresses, which it always does."},
	{ID: "PRIVATE_NOT_IP_ADDRESS_SUBSET", Severity: Suggestion, Kinds: everyKind, Title: "Some addresses that aws:SourceIp must differ from are private."},
	{ID: "IMPROVE_IP_RANGE", Severity: Suggestion, Kinds: everyKind, Title: "An address range has bits of a host, which count for nothing."},
	{ID: "INVALID_VPC_FORMAT", Severity: Error, Kinds: everyKind, Title: "A VPC id has not the form of one."},
	{ID: "INVALID_VPCE_FORMAT", Severity: Error, Kinds: everyKind, Title: "A VPC endpoint id has not the form of one."},
	{ID: "KR_SOURCEIP_BREAKS_SERVICES", Severity: Warning, Kinds: []policy.Kind{policy.Key, policy.Identity, policy.SCP, policy.RCP}, ByMeaning: true,
		Title: "A Deny by address also stops services that act for the caller."},
	{ID: "UNTRUSTWORTHY_CONDITION_KEY", Severity: Security, Kinds: withResource, Title: "Access hangs on a value that the caller sets at will."},
	{ID: "EQUIVALENT_TO_NULL_FALSE", Severity: Suggestion, Kinds: everyKind, ByMeaning: true, Title: "A condition holds whenever the key is present."},
	{ID: "EQUIVALENT_TO_NULL_TRUE", Severity: Suggestion, Kinds: everyKind, ByMeaning: true, Title: "A condition holds only where the key is absent."},
	{ID: "REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION", Severity: Suggestion, Kinds: everyKind, ByMeaning: true,
		Title: "A wildcard makes a condition on the key always hold."},
	{ID: "REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION", Severity: Suggestion, Kinds: everyKind, ByMeaning: true,
		Title: "A wildcard in a negated condition makes the statement match nothing."},
	{ID: "REDUNDANT_CONDITION_VALUE_NUM", Severity: Suggestion, Kinds: everyKind, Title: "Of several numbers one alone decides."},
}

// typeRules are about the types of condition keys and values.
var typeRules = []Rule{
	{ID: "TYPE_MISMATCH", Severity: Warning, Kinds: everyKind, Title: "An operator of one type stands before a key of another."},
	{ID: "TYPE_MISMATCH_BOOLEAN", Severity: Warning, Kinds: everyKind, Title: "A value is neither true nor false."},
	{ID: "TYPE_MISMATCH_DATE", Severity: Warning, Kinds: everyKind, Title: "A key that is a date stands under an operator of another type."},
	{ID: "TYPE_MISMATCH_IP_RANGE", Severity: Warning, Kinds: everyKind, Title: "A value is no address or range."},
	{ID: "TYPE_MISMATCH_NUMBER", Severity: Warning, Kinds: everyKind, Title: "A value is no number."},
	{ID: "TYPE_MISMATCH_STRING", Severity: Warning, Kinds: everyKind, Title: "A value is not of the type that its operator compares."},
	{ID: "INVALID_DATE_VALUE", Severity: Warning, Kinds: everyKind, Title: "A value is no date."},
	{ID: "KR_DATE_PASSED", Severity: Warning, Kinds: everyKind, Title: "A condition on the time of the request can never hold again."},
	{ID: "INVALID_CONDITION_DATA_TYPE", Severity: Error, Kinds: everyKind, Title: "The values of one condition are of several JSON types."},
	{ID: "INVALID_CONDITION_MULTIPLE_BOOLEAN", Severity: Error, Kinds: everyKind, Title: "A condition lists more than one truth value."},
	{ID: "STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS", Severity: Security, Kinds: everyKind,
		Title: "A string operator with wildcards compares an ARN, and lets the wildcard reach over colons."},
	{ID: "KR_CONDITION_ARN", Severity: Error, Kinds: everyKind, Title: "The value of an ARN operator is no ARN."},
	{ID: "INVALID_KMS_KEY_VALUE", Severity: Error, Kinds: withResource, Title: "The value of a condition must be the ARN of a key."},
}

// tagRules are about tags in conditions.
var tagRules = []Rule{
	{ID: "MISSING_TAG_KEY_IN_CONDITION", Severity: Error, Kinds: everyKind, Title: "A condition key ends where the name of a tag or pair must follow."},
	{ID: "ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", Severity: Suggestion, Kinds: withResource,
		Title: "An Allow asks for a tag in requests that carry none."},
	{ID: "ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", Severity: Suggestion, Kinds: withResource,
		Title: "An Allow with NotAction asks for a tag that some requests never carry."},
	{ID: "DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", Severity: Security, Kinds: withResource,
		Title: "A Deny asks for a tag in requests that carry none, and so never denies."},
	{ID: "DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", Severity: Security, Kinds: withResource,
		Title: "A Deny with NotAction asks for a tag that some requests never carry."},
}

// guardrailRules are about service and resource control policies.
var guardrailRules = []Rule{
	{ID: "SCP_SYNTAX_ERROR_PRINCIPAL", Severity: Error, Kinds: onSCP, Title: "A service control policy has no Principal."},
	{ID: "RCP_SYNTAX_ERROR_ALLOW", Severity: Error, Kinds: onRCP, Title: "A resource control policy does not allow."},
	{ID: "RCP_SYNTAX_ERROR_ACTION", Severity: Error, Kinds: onRCP, Title: "An action of a resource control policy does not name its service."},
	{ID: "RCP_SYNTAX_ERROR_NOTACTION", Severity: Error, Kinds: onRCP, Title: "A resource control policy has no NotAction."},
	{ID: "RCP_SYNTAX_ERROR_PRINCIPAL", Severity: Error, Kinds: onRCP, Title: "The Principal of a resource control policy is \"*\"."},
	{ID: "RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY", Severity: Warning, Kinds: onRCP,
		Title: "A Deny by the caller's organization also stops services."},
	{ID: "RCP_MISSING_RELATED_SERVICE_PRINCIPAL_CONDITION_KEY", Severity: Warning, Kinds: onRCP,
		Title: "A Deny by the source's organization also stops callers that are no service."},
	{ID: "RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK", Severity: Warning, Kinds: onRCP,
		Title: "A Deny by the source also stops service calls that name none."},
	{ID: "rcp_blanket_deny", Severity: Warning, Kinds: onRCP, Title: "A resource control policy denies everything to everybody."},
	{ID: "rcp_missing_service_carveout", Severity: Warning, Kinds: onRCP, Title: "A Deny has no exception for services of AWS."},
	{ID: "unsupported_rcp_service", Severity: Warning, Kinds: onRCP, Title: "Resource control policies do not reach the service."},
	{ID: "KR_RCP_RETIREGRANT", Severity: Suggestion, Kinds: onRCP, Title: "Resource control policies do not bind RetireGrant."},
	{ID: "KR_SCP_LEVEL_WITHOUT_ALLOW", Severity: Error, Kinds: onSCP, ByMeaning: true, Title: "The policies of one level of the organization allow nothing."},
}
