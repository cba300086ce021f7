package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// valueTypes are the types that operators compare, each once.
func valueTypes() []policy.ValueType {
	var types []policy.ValueType
	for _, o := range policy.Operators {
		if !slices.Contains(types, o.Type) {
			types = append(types, o.Type)
		}
	}
	return types
}

// word is the name of a type as it stands in names of definitions.
func word(t policy.ValueType) string { return strings.ReplaceAll(t.String(), " ", "-") }

// conditions is the schema of a Condition. The properties are for editors to
// offer; the patterns take every spelling that is taken.
func conditions() object {
	offered, taken := object{}, object{}
	for _, o := range policy.Operators {
		block := "keys-"
		if o.Negated || o.Type == policy.PresenceType {
			block += "not-"
		}
		block += word(o.Type)
		forms := []string{o.Name}
		suffix := ""
		if o.Type != policy.PresenceType {
			forms = append(forms, o.Name+"IfExists", "ForAnyValue:"+o.Name, "ForAllValues:"+o.Name)
			suffix = "(" + anyCase("IfExists") + ")?"
		}
		for _, name := range forms {
			offered[name] = ref(block)
		}
		taken["^(("+anyCase("ForAnyValue")+"|"+anyCase("ForAllValues")+"):)?"+anyCase(o.Name)+suffix+"$"] = ref(block)
	}
	return object{"type": "object", "properties": offered, "patternProperties": taken, "additionalProperties": false}
}

// anyCase is a pattern of a name in any case.
func anyCase(name string) string {
	var b strings.Builder
	for _, c := range name {
		fmt.Fprintf(&b, "[%c%c]", upper(c), lower(c))
	}
	return b.String()
}

func upper(c rune) rune { return []rune(strings.ToUpper(string(c)))[0] }
func lower(c rune) rune { return []rune(strings.ToLower(string(c)))[0] }

// keys is the schema of what stands under an operator of a type: condition
// keys, of which those that the operator fits are offered.
func keys(t policy.ValueType, values string) object {
	offered := object{}
	for _, k := range policy.ConditionKeys {
		if !k.Fits(t) || k.Absent || k.Prefix() {
			continue // what follows a prefix is the author's
		}
		offered[k.Name] = object{"$ref": "#/$defs/" + values, "description": describe(k)}
	}
	return object{"type": "object", "properties": offered, "additionalProperties": ref(values),
		"propertyNames": object{"pattern": "^[^:]+:.+$"}}
}

func describe(k policy.ConditionKey) string {
	text := "Type: " + k.Type.String() + "."
	if k.Many {
		text += " May have several values: use ForAnyValue or ForAllValues."
	}
	if k.Global {
		return text + " In requests for every action."
	}
	return text + " In requests for " + strings.Join(k.Actions(), ", ") + "."
}

// values is the schema of what stands beside a condition key: a value or a
// list, which is not empty where that would match everything.
func values(t policy.ValueType, negated bool) object {
	one := object{"type": []string{"string", "number", "boolean"}}
	switch t {
	case policy.BoolType, policy.PresenceType:
		one = object{"anyOf": []any{object{"type": "boolean"}, object{"type": "string", "pattern": "^(" + anyCase("true") + "|" + anyCase("false") + ")$"}}}
	case policy.IPType, policy.BinaryType:
		one = object{"type": "string"}
	case policy.NumericType, policy.DateType:
		one = object{"type": []string{"string", "number"}}
	}
	return listOf(one, negated)
}
