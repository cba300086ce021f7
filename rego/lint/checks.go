package lint

import "github.com/keyreeve/keyreeve/rego/policy"

// The checks, each over one document, one statement, one condition.
var (
	documentChecks = []func(*checker){
		(*checker).version, (*checker).size, (*checker).sids, (*checker).oldVariables, (*checker).redundantTrust,
	}
	statementChecks = []func(*checker, *facts){
		(*checker).empty, (*checker).actionNames, (*checker).redundantActions, (*checker).unsupportedActions, (*checker).bareActions,
		(*checker).aliasResources, (*checker).keyPolicyResource, (*checker).reEncryptHalf, (*checker).wildcardGrows, (*checker).resourceARNs,
		(*checker).redundantResources, (*checker).negatedPrincipal, (*checker).knownPrincipals, (*checker).trustActions, (*checker).mfa,
	}
	// wholeChecks look for conditions that are not there, and so need to have
	// read all.
	wholeChecks = []func(*checker, *facts){
		(*checker).wideIdentity, (*checker).servicePrincipals, (*checker).encryptionContext, (*checker).pairedKeys, (*checker).attestation,
		(*checker).endpoint, (*checker).resourceControl,
	}
	conditionChecks = []func(*checker, *facts, *policy.Condition){
		(*checker).conditionKey, (*checker).carried, (*checker).qualifier, (*checker).operatorType, (*checker).wildcardText,
		(*checker).booleans, (*checker).numbers, (*checker).addresses, (*checker).networkIDs, (*checker).keyValue,
		(*checker).viaService, (*checker).ifExists, (*checker).untrustworthy, (*checker).absentVariable, (*checker).tooPermissive,
		(*checker).nullQualifier, (*checker).passed,
	}
)

// menders add to the findings of faults what was meant and how to mend it.
var menders = map[policy.Code]func(*checker, *Finding, policy.Error){
	policy.CodeSyntax:            (*checker).mendSyntax,
	policy.CodeElement:           (*checker).mendElement,
	policy.CodeEffect:            (*checker).mendEffect,
	policy.CodeVersion:           (*checker).mendVersion,
	policy.CodeMissingVersion:    (*checker).mendMissingVersion,
	policy.CodeSid:               (*checker).mendSid,
	policy.CodeDataType:          (*checker).mendDataType,
	policy.CodePrincipalKey:      (*checker).mendPrincipalKey,
	policy.CodePrincipalFormat:   (*checker).mendPrincipal,
	policy.CodeServicePrincipal:  (*checker).mendServicePrincipal,
	policy.CodePrincipalWildcard: (*checker).mendWildcardPrincipal,
	policy.CodeConditionKey:      (*checker).mendKey,
	policy.CodeCharacter:         (*checker).mendCharacter,
	policy.CodeOperator:          (*checker).mendOperator,
	policy.CodeNullIfExists:      (*checker).mendNull,
	policy.CodeForAllValues:      (*checker).mendForAllValues,
	policy.CodeAction:            (*checker).mendAction,
	policy.CodePartition:         (*checker).mendPartition,
}
