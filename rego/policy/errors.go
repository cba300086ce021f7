package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Code names the rule that a document broke. Codes are stable; they are those
// of IAM Access Analyzer's findings where it has one, otherwise they start
// with KR_.
type Code = string

// The codes.
const (
	CodeSyntax               Code = "JSON_SYNTAX_ERROR"
	CodeDuplicateKey         Code = "KR_DUPLICATE_JSON_KEY"
	CodeTooDeep              Code = "KR_NESTED_TOO_DEEPLY"
	CodeCharacter            Code = "KR_UNSUPPORTED_CHARACTER"
	CodeDataType             Code = "DATA_TYPE_MISMATCH"
	CodeElement              Code = "INVALID_POLICY_ELEMENT"
	CodeElementCombination   Code = "UNSUPPORTED_ELEMENT_COMBINATION"
	CodeMissingVersion       Code = "MISSING_VERSION"
	CodeVersion              Code = "INVALID_VERSION"
	CodeMissingStatement     Code = "MISSING_STATEMENT"
	CodeSid                  Code = "UNSUPPORTED_SID"
	CodeUniqueSid            Code = "UNIQUE_SIDS_REQUIRED"
	CodeMissingEffect        Code = "MISSING_EFFECT"
	CodeEffect               Code = "INVALID_EFFECT"
	CodeMissingPrincipal     Code = "MISSING_PRINCIPAL"
	CodeUnsupportedPrincipal Code = "UNSUPPORTED_PRINCIPAL"
	CodePrincipalKey         Code = "INVALID_PRINCIPAL_KEY"
	CodePrincipalFormat      Code = "INVALID_PRINCIPAL_FORMAT"
	CodePrincipalWildcard    Code = "UNSUPPORTED_WILDCARD_IN_PRINCIPAL"
	CodeServicePrincipal     Code = "INVALID_SERVICE_PRINCIPAL_FORMAT"
	CodeUserReference        Code = "INVALID_USER_REFERENCE"
	CodeRoleReference        Code = "INVALID_ROLE_REFERENCE"
	CodePartition            Code = "INVALID_PARTITION"
	CodeARNAccount           Code = "INVALID_ARN_ACCOUNT"
	CodeMissingAction        Code = "MISSING_ACTION"
	CodeAction               Code = "INVALID_ACTION"
	CodeMissingResource      Code = "MISSING_RESOURCE"
	CodeARNPrefix            Code = "INVALID_ARN_PREFIX"
	CodeARNField             Code = "MISSING_ARN_FIELD"
	CodeEmptyNegation        Code = "KR_EMPTY_NEGATION"
	CodeOperator             Code = "INVALID_CONDITION_OPERATOR"
	CodeNullIfExists         Code = "NULL_WITH_IF_EXISTS"
	CodeConditionKey         Code = "INVALID_CONDITION_KEY_FORMAT"
	CodeTagKey               Code = "MISSING_TAG_KEY_IN_CONDITION"
	CodeConditionCase        Code = "DUPLICATE_KEYS_WITH_DIFFERENT_CASE"
	CodeConditionDataType    Code = "INVALID_CONDITION_DATA_TYPE"
	CodeNumber               Code = "TYPE_MISMATCH_NUMBER"
	CodeDate                 Code = "INVALID_DATE_VALUE"
	CodeBool                 Code = "TYPE_MISMATCH_BOOLEAN"
	CodeIP                   Code = "TYPE_MISMATCH_IP_RANGE"
	CodeBinary               Code = "TYPE_MISMATCH_STRING"
	CodeARN                  Code = "KR_CONDITION_ARN"
	CodeVariableBrace        Code = "MISSING_BRACE_IN_VARIABLE"
	CodeVariableQuote        Code = "MISSING_QUOTE_IN_VARIABLE"
	CodeVariableEmpty        Code = "EMPTY_VARIABLE"
	CodeVariableSpace        Code = "UNSUPPORTED_SPACE_IN_VARIABLE"
	CodeVariableSymbol       Code = "UNSUPPORTED_SYMBOL_IN_VARIABLE"
	CodeVariableElement      Code = "VARIABLE_UNSUPPORTED_IN_ELEMENT"
	CodeVariableOperator     Code = "INVALID_VARIABLE_FOR_OPERATOR"
	CodeVariableColon        Code = "KR_VARIABLE_BEFORE_FIFTH_COLON"
	CodeVariableMany         Code = "KR_MULTIVALUED_VARIABLE"
	CodeIdentityPolicySize   Code = "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA"
	CodeResourcePolicySize   Code = "POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA"
	CodeTrustPolicySize      Code = "POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA"
	CodeSCPSize              Code = "POLICY_SIZE_EXCEEDS_SCP_QUOTA"
	CodeRCPSize              Code = "POLICY_SIZE_EXCEEDS_RCP_QUOTA"
	CodeRCPAllow             Code = "RCP_SYNTAX_ERROR_ALLOW"
	CodeRCPAction            Code = "RCP_SYNTAX_ERROR_ACTION"
	CodeRCPNotAction         Code = "RCP_SYNTAX_ERROR_NOTACTION"
	CodeRCPPrincipal         Code = "RCP_SYNTAX_ERROR_PRINCIPAL"
	CodeSCPPrincipal         Code = "SCP_SYNTAX_ERROR_PRINCIPAL"
	CodeTrustResource        Code = "ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE"
	CodeTrustNotPrincipal    Code = "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL"
	CodeTrustAction          Code = "MISMATCHED_ACTION_FOR_PRINCIPAL"
	CodeForAllValues         Code = "FORALLVALUES_WITH_SINGLE_VALUED_KEY"
)

// An Error is one fault of a document. Its message says what is wrong without
// quoting more than the offending word.
type Error struct {
	Code    Code
	Message string
	Pos     Pos
}

// Error gives place and message on one line.
func (e Error) Error() string {
	return fmt.Sprintf("%s (line %d, column %d): %s", e.Pos.Path, e.Pos.Line, e.Pos.Column, e.Message)
}

// Errors are the faults of one document in the order of their places, at most
// maxErrors of them.
type Errors []Error

// maxErrors bounds what one document is told; the reader stops there. Read
// tells more, for tools.
const (
	maxErrors  = 50
	moreErrors = 950
)

// Error lists every fault, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Summary is the first fault on one line and the number of the others, for a
// client that gets one sentence. The texts that the service fixes stand alone.
func (e Errors) Summary() string {
	switch {
	case len(e) == 0:
		return ""
	case e[0].Code == CodeForAllValues:
		return e[0].Message
	case len(e) == 1:
		return e[0].Error()
	default:
		return fmt.Sprintf("%s (and %d more)", e[0].Error(), len(e)-1)
	}
}

// LimitExceeded tells whether err says that the document is larger than its
// kind allows, which clients learn as another error than a malformed one.
func LimitExceeded(err error) bool {
	return hasCode(err, CodeIdentityPolicySize, CodeResourcePolicySize, CodeTrustPolicySize, CodeSCPSize, CodeRCPSize)
}

func hasCode(err error, codes ...Code) bool {
	var all Errors
	return errors.As(err, &all) && slices.ContainsFunc(all, func(e Error) bool { return slices.Contains(codes, e.Code) })
}

// faults gathers errors while a document is read.
type faults struct {
	all Errors
	// more than maxErrors that are kept.
	more int
}

func (f *faults) add(code Code, pos Pos, format string, args ...any) {
	if !f.full() {
		f.all = append(f.all, Error{Code: code, Message: fmt.Sprintf(format, args...), Pos: pos})
	}
}

func (f *faults) full() bool { return len(f.all) >= maxErrors+f.more }

// err is nil if there were none.
func (f *faults) err() error {
	if len(f.all) == 0 {
		return nil
	}
	slices.SortStableFunc(f.all, func(a, b Error) int { return a.Pos.Offset - b.Pos.Offset })
	return f.all
}

// brief shortens text so that a message stays readable.
func brief(text string) string {
	const most = 80
	r := []rune(text)
	if len(r) <= most {
		return text
	}
	return string(r[:most]) + "…"
}
