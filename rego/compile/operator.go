package compile

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A matcher says in which ways the variable v can match the values of a
// condition: alternatives of a disjunction. What v is not, say a number, it
// does not match.
type matcher func(sc *scope, op policy.Operator, c *policy.Condition, v *ast.Term) []conj

// operators are the matchers by the type of their operands. Null has none: it
// does not look at values.
var operators = map[policy.ValueType]matcher{
	policy.StringType: func(sc *scope, op policy.Operator, c *policy.Condition, v *ast.Term) []conj {
		return append(sc.text(v, c.Values, op.FoldCase), sc.ambiguous(c.Values, op.Negated)...)
	},
	policy.ARNType: func(sc *scope, op policy.Operator, c *policy.Condition, v *ast.Term) []conj {
		return append(sc.arn(v, c.Values), sc.ambiguous(c.Values, op.Negated)...)
	},
	policy.BinaryType:  binary,
	policy.BoolType:    boolean,
	policy.NumericType: numeric,
	policy.DateType:    date,
	policy.IPType:      address,
}

// binary compares base64 text: values come in the canonical encoding.
func binary(_ *scope, _ policy.Operator, c *policy.Condition, v *ast.Term) []conj {
	var values []string
	for _, value := range c.Values {
		values = append(values, value.Text)
	}
	return equals(v, values)
}

// boolean compares with "true" and "false", in either case where the key is
// not known to hold only those.
func boolean(_ *scope, _ policy.Operator, c *policy.Condition, v *ast.Term) []conj {
	var values []string
	for _, value := range c.Values {
		values = append(values, strings.ToLower(value.Text))
	}
	if k, ok := policy.ConditionKeyNamed(c.Key); !ok || k.Type != policy.BoolType {
		v = callTerm(ast.Lower, v)
	}
	return equals(v, values)
}

func equals(v *ast.Term, values []string) []conj {
	if len(values) == 0 {
		return nil
	}
	return []conj{{oneOf(v, sorted(values))}}
}

// comparisons by the end of an operator's name. A value that is less than one
// of several is less than the greatest, and so on, so that one comparison does.
var comparisons = []struct {
	suffix string
	with   *ast.Builtin
	// decides is 1 if the greatest of several values does, -1 if the least; 0
	// if each counts.
	decides int
}{
	{suffix: "LessThanEquals", with: ast.LessThanEq, decides: 1},
	{suffix: "LessThan", with: ast.LessThan, decides: 1},
	{suffix: "GreaterThanEquals", with: ast.GreaterThanEq, decides: -1},
	{suffix: "GreaterThan", with: ast.GreaterThan, decides: -1},
	{suffix: "Equals", with: ast.Equal},
}

// compare says that subject stands to operands as the operator's name says.
func compare(op policy.Operator, subject *ast.Term, operands []operand) []conj {
	if len(operands) == 0 {
		return nil
	}
	slices.SortStableFunc(operands, func(a, b operand) int { return a.value.Cmp(b.value) })
	for _, c := range comparisons {
		if !strings.HasSuffix(op.Name, c.suffix) {
			continue
		}
		switch c.decides {
		case 1:
			return []conj{{call(c.with, subject, operands[len(operands)-1].term)}}
		case -1:
			return []conj{{call(c.with, subject, operands[0].term)}}
		}
		if len(operands) == 1 {
			return []conj{{call(c.with, subject, operands[0].term)}}
		}
		// An array: many fractions have one hash.
		terms := make([]*ast.Term, len(operands))
		for i, o := range operands {
			terms[i] = o.term
		}
		return []conj{{call(ast.Member, subject, ast.ArrayTerm(terms...))}}
	}
	return nil
}

// An operand is a constant to compare with, and its place in the order.
type operand struct {
	term  *ast.Term
	value *big.Rat
}

func numeric(sc *scope, op policy.Operator, c *policy.Condition, v *ast.Term) []conj {
	var operands []operand
	for _, value := range c.Values {
		n, ok := policy.Number(value.Text)
		if !ok {
			sc.refuse(value.Pos, "expected a number")
			return nil
		}
		operands = append(operands, operand{term: number(value.Text), value: n})
	}
	return compare(op, sc.call(numberFunction, v), operands)
}

// number is the canonical form of a decimal number.
func number(text string) *ast.Term {
	sign := ""
	if text[0] == '-' {
		sign = "-"
	}
	whole, fraction, _ := strings.Cut(strings.TrimLeft(text, "+-"), ".")
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		whole += "." + fraction
	}
	if whole == "0" {
		sign = ""
	}
	return ast.NumberTerm(json.Number(sign + whole))
}

func date(sc *scope, op policy.Operator, c *policy.Condition, v *ast.Term) []conj {
	var operands []operand
	for _, value := range c.Values {
		t, ok := policy.Date(value.Text)
		if !ok {
			sc.refuse(value.Pos, "expected a date")
			return nil
		}
		operands = append(operands, instant(t, len(c.Values) <= few))
	}
	return compare(op, sc.call(instantFunction, v), operands)
}

// instant is t as nanoseconds since 1970: a readable call if wanted and where
// OPA can parse it, else a number.
func instant(t time.Time, readable bool) operand {
	ns := new(big.Int).Mul(big.NewInt(t.Unix()), big.NewInt(int64(time.Second)))
	ns.Add(ns, big.NewInt(int64(t.Nanosecond())))
	o := operand{value: new(big.Rat).SetInt(ns), term: ast.NumberTerm(json.Number(ns.String()))}
	if readable && ns.IsInt64() {
		o.term = callTerm(ast.ParseRFC3339Nanos, ast.StringTerm(t.UTC().Format(time.RFC3339Nano)))
	}
	return o
}

func address(sc *scope, _ policy.Operator, c *policy.Condition, v *ast.Term) []conj {
	var networks []string
	for _, value := range c.Values {
		n, ok := policy.Network(value.Text)
		if !ok {
			sc.refuse(value.Pos, "expected an IP address or a range")
			return nil
		}
		networks = append(networks, n.String())
	}
	if len(networks) == 0 {
		return nil
	}
	sc.shared[withinFunction] = true
	return []conj{{callRule(ruleRef(sharedNames[withinFunction]), v, stringArray(networks))}}
}
