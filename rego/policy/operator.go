package policy

import "strings"

// ValueType is the type of a condition key's values and of an operator's
// operands. The zero value is invalid.
type ValueType int

// The types.
const (
	StringType ValueType = iota + 1
	NumericType
	DateType
	BoolType
	BinaryType
	IPType
	ARNType
	// PresenceType is that of the operator Null alone: "true" asks for absence.
	PresenceType
)

var valueTypeNames = [...]string{"invalid type", "string", "number", "date", "boolean", "binary", "IP address", "ARN", "presence"}

// String names the type.
func (t ValueType) String() string {
	if t < StringType || t > PresenceType {
		return valueTypeNames[0]
	}
	return valueTypeNames[t]
}

// An Operator is one way of comparing, without qualifier and suffix.
type Operator struct {
	// Name in its canonical spelling.
	Name string
	Type ValueType
	// Negated operators hold if no value matches, and if the key is absent
	//
	Negated bool
	// Wildcards: `*` and `?` in operands are patterns.
	Wildcards bool
	// FoldCase: letters of either case are equal.
	FoldCase bool
}

// Variables tells whether policy variables are replaced in the operands: in
// those of string and ARN operators only.
func (o Operator) Variables() bool { return o.Type == StringType || o.Type == ARNType }

// Operators of A-40. ArnEquals and ArnLike are the same (IAM User Guide,
// condition operators), so both know wildcards.
var Operators = []Operator{
	{Name: "StringEquals", Type: StringType},
	{Name: "StringNotEquals", Type: StringType, Negated: true},
	{Name: "StringEqualsIgnoreCase", Type: StringType, FoldCase: true},
	{Name: "StringNotEqualsIgnoreCase", Type: StringType, FoldCase: true, Negated: true},
	{Name: "StringLike", Type: StringType, Wildcards: true},
	{Name: "StringNotLike", Type: StringType, Wildcards: true, Negated: true},
	{Name: "NumericEquals", Type: NumericType},
	{Name: "NumericNotEquals", Type: NumericType, Negated: true},
	{Name: "NumericLessThan", Type: NumericType},
	{Name: "NumericLessThanEquals", Type: NumericType},
	{Name: "NumericGreaterThan", Type: NumericType},
	{Name: "NumericGreaterThanEquals", Type: NumericType},
	{Name: "DateEquals", Type: DateType},
	{Name: "DateNotEquals", Type: DateType, Negated: true},
	{Name: "DateLessThan", Type: DateType},
	{Name: "DateLessThanEquals", Type: DateType},
	{Name: "DateGreaterThan", Type: DateType},
	{Name: "DateGreaterThanEquals", Type: DateType},
	{Name: "Bool", Type: BoolType},
	{Name: "BinaryEquals", Type: BinaryType},
	{Name: "IpAddress", Type: IPType},
	{Name: "NotIpAddress", Type: IPType, Negated: true},
	{Name: "ArnEquals", Type: ARNType, Wildcards: true},
	{Name: "ArnNotEquals", Type: ARNType, Wildcards: true, Negated: true},
	{Name: "ArnLike", Type: ARNType, Wildcards: true},
	{Name: "ArnNotLike", Type: ARNType, Wildcards: true, Negated: true},
	{Name: "Null", Type: PresenceType},
}

var operatorsByName = func() map[string]Operator {
	m := map[string]Operator{}
	for _, o := range Operators {
		m[strings.ToLower(o.Name)] = o
	}
	return m
}()

// OperatorNamed finds an operator by its name in any case.
func OperatorNamed(name string) (Operator, bool) {
	o, ok := operatorsByName[strings.ToLower(name)]
	return o, ok
}

// operatorCall is an operator as a condition block names it.
type operatorCall struct {
	set      SetQualifier
	op       Operator
	ifExists bool
}

// parseOperator reads "ForAnyValue:StringEqualsIfExists" in any case.
func parseOperator(text string) (operatorCall, bool) {
	var c operatorCall
	name := strings.ToLower(text)
	if qualifier, rest, found := strings.Cut(name, ":"); found {
		switch qualifier {
		case "foranyvalue":
			c.set = ForAnyValue
		case "forallvalues":
			c.set = ForAllValues
		default:
			return c, false
		}
		name = rest
	}
	name, c.ifExists = strings.CutSuffix(name, "ifexists")
	var ok bool
	c.op, ok = operatorsByName[name]
	return c, ok
}
