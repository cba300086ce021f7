package policy

import "strings"

func (p *parser) conditions(s *Statement, f *field, pos Pos) {
	if f.value.kind != objectNode {
		p.faults.add(CodeDataType, f.value.at.pos(pos.Path), "a Condition is an object, not %s", f.value.kind)
		return
	}
	seen := map[string]bool{}
	for i := range f.value.fields {
		block := &f.value.fields[i]
		at := block.at.pos(child(pos.Path, block.name))
		call, ok := parseOperator(block.name)
		name := Condition{Set: call.set, Operator: call.op.Name, IfExists: call.ifExists}.OperatorText()
		switch {
		case !ok:
			p.faults.add(CodeOperator, at, "%q is no condition operator", brief(block.name))
		case call.ifExists && call.op.Type == PresenceType:
			p.faults.add(CodeNullIfExists, at, "Null has no IfExists")
		case seen[name]:
			p.faults.add(CodeConditionCase, at, "the operator %s appears twice", name)
		default:
			seen[name] = true
			p.conditionBlock(s, call, block, at)
		}
	}
}

// conditionBlock reads the keys under one operator.
func (p *parser) conditionBlock(s *Statement, call operatorCall, block *field, pos Pos) {
	if block.value.kind != objectNode {
		p.faults.add(CodeDataType, block.value.at.pos(pos.Path), "under a condition operator stands an object, not %s", block.value.kind)
		return
	}
	seen := map[string]bool{}
	for i := range block.value.fields {
		f := &block.value.fields[i]
		c := Condition{Set: call.set, Operator: call.op.Name, IfExists: call.ifExists, Key: strings.ToLower(f.name), KeyText: f.name,
			Pos: f.at.pos(child(pos.Path, f.name))}
		if seen[c.Key] {
			p.faults.add(CodeConditionCase, c.Pos, "the condition key %q appears twice, differing in case", brief(f.name))
			continue
		}
		seen[c.Key] = true
		if p.version == Version2012 && strings.Contains(f.name, "${") {
			p.faults.add(CodeVariableElement, c.Pos, "a condition key has no policy variables")
			continue
		}
		if code, fault := conditionKeyFault(f.name); fault != "" {
			p.faults.add(code, c.Pos, "%s", fault)
			continue
		}
		if p.kind == Key && call.set == ForAllValues {
			p.overlyPermissive(c)
		}
		c.Values = p.operands(call, f.value, c.Pos)
		s.Conditions = append(s.Conditions, c)
	}
}

// overlyPermissive refuses what the service refuses with these texts (A-32;
// Guide, Using set operators with condition keys).
func (p *parser) overlyPermissive(c Condition) {
	switch {
	case strings.HasPrefix(c.Key, "kms:encryptioncontext:"):
		p.faults.add(CodeForAllValues, c.Pos, "OverlyPermissiveCondition:EncryptionContext: Using the ForAllValues set operator with a "+
			"single-valued condition key matches requests without the specified encryption context or with an unspecified encryption "+
			"context. To fix, remove ForAllValues.")
	case strings.HasPrefix(c.Key, "aws:requesttag/"):
		p.faults.add(CodeForAllValues, c.Pos, "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued "+
			"condition key matches requests without the specified tag or with an unspecified tag. To fix, remove ForAllValues.")
	}
}

// conditionKeyFault says why name is no condition key: a service prefix, a
// colon and a name. Names that no table knows are keys that nobody provides.
func conditionKeyFault(name string) (Code, string) {
	prefix, rest, found := strings.Cut(name, ":")
	switch {
	case !found || prefix == "" || rest == "":
		return CodeConditionKey, "a condition key is a prefix and a name with a colon between"
	case strings.ContainsFunc(prefix, func(c rune) bool { return !alnum(c) && !strings.ContainsRune("-_./", c) }):
		return CodeConditionKey, "the prefix of a condition key holds letters, digits, dots, slashes and hyphens"
	case strings.ContainsFunc(rest, func(c rune) bool { return c < 0x20 || c == 0x7f }):
		return CodeConditionKey, "a condition key holds no control characters"
	}
	if k, ok := ConditionKeyNamed(name); ok && k.Prefix() && len(name) <= len(k.Name) {
		return CodeTagKey, "the condition key ends where a name must follow, as in " + k.Name + "NAME"
	}
	return "", ""
}

// operands reads the values of one key.
func (p *parser) operands(call operatorCall, n node, pos Pos) []Value {
	values := []Value{}
	var first nodeKind
	p.each(n, pos.Path, func(n node, path string) {
		at := n.at.pos(path)
		switch {
		case n.kind != stringNode && n.kind != numberNode && n.kind != boolNode:
			p.faults.add(CodeDataType, at, "the value of a condition is a string, a number or a boolean, not %s", n.kind)
			return
		case first == 0:
			first = n.kind
		case n.kind != first:
			p.faults.add(CodeConditionDataType, at, "the values of a condition are of one JSON type; the first is %s, this is %s", first, n.kind)
			return
		}
		if v, ok := p.operand(call.op, n.text, at); ok {
			values = append(values, v)
		}
	})
	if n.kind == arrayNode && len(n.items) == 0 && (call.op.Negated || call.op.Type == PresenceType) {
		p.faults.add(CodeEmptyNegation, n.at.pos(pos.Path), "%s compares with nothing, which would always hold", call.op.Name)
	}
	return values
}

// operand checks one value against its operator's type.
func (p *parser) operand(op Operator, text string, at Pos) (Value, bool) {
	v := Value{Text: text, Pos: at}
	if !op.Variables() {
		v.Parts = literal(text)
		if code, fault := operandFault(op.Type, text); fault != "" {
			if p.version == Version2012 && strings.Contains(text, "${") {
				code, fault = CodeVariableOperator, "policy variables stand only under string and ARN operators"
			}
			p.faults.add(code, at, "%s", fault)
			return v, false
		}
		return v, true
	}
	var ok bool
	if v.Parts, ok = p.split(text, at, op.Wildcards, true); !ok {
		return v, false
	}
	if op.Type == ARNType && !v.HasVariable() && !arnPattern(text) {
		p.faults.add(CodeARN, at, "the value of %s is an ARN of six parts, each of which may hold wildcards", op.Name)
		return v, false
	}
	return v, true
}

// arnPattern tells whether text can be compared with ARNs part by part.
func arnPattern(text string) bool { return strings.Count(text, ":") >= 5 }
