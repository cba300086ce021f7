package oracle

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// condition tells whether c holds for the request.
func (f facts) condition(c policy.Condition) bool {
	values, present := f.context[c.Key]
	if c.Operator == "Null" {
		return slices.ContainsFunc(c.Values, func(v policy.Value) bool {
			return strings.EqualFold(v.Text, "true") != present
		})
	}
	compare, negated := operator(c.Operator)
	if !present {
		return c.IfExists || c.Set == policy.ForAllValues || negated && c.Set == policy.NoQualifier
	}
	// one tells whether the operator holds for a single value of the request.
	one := func(value string) bool {
		matched := slices.ContainsFunc(c.Values, func(operand policy.Value) bool {
			if replaces(c.Operator) && f.ambiguous(operand.Text) {
				return f.against(negated)
			}
			return compare(f, operand.Text, value)
		})
		return matched != negated
	}
	all := !slices.ContainsFunc(values, func(v string) bool { return !one(v) })
	some := slices.ContainsFunc(values, one)
	switch {
	case named(c.Key) && f.effect == policy.Allow:
		return all // of names that differ only in case, each value
	case named(c.Key):
		return some // in a Deny, any
	case c.Set == policy.ForAllValues:
		return all
	case c.Set == policy.ForAnyValue:
		return some
	case negated:
		return all // no value matches
	default:
		return some // as ForAnyValue
	}
}

// named tells whether a key is that of a name that the request or the key's
// owner chose, which may be there again in other case.
func named(key string) bool {
	return strings.HasPrefix(key, "kms:encryptioncontext:") || strings.HasPrefix(key, "aws:requesttag/") || strings.HasPrefix(key, "aws:resourcetag/")
}

// replaces tells whether variables are replaced in an operator's operands: in
// those of string and ARN operators only.
func replaces(operator string) bool {
	return strings.HasPrefix(operator, "String") || strings.HasPrefix(operator, "Arn")
}

// A comparison tells whether a value of the request matches an operand of the
// policy. A value that is not of the operator's type matches nothing.
type comparison func(f facts, operand, value string) bool

// operator is the table of A-40, Null aside. Negated operators hold where
// their counterpart does not.
func operator(name string) (compare comparison, negated bool) {
	if positive, ok := negations[name]; ok {
		return comparisons[positive], true
	}
	return comparisons[name], false
}

var negations = map[string]string{
	"StringNotEquals":           "StringEquals",
	"StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
	"StringNotLike":             "StringLike",
	"NumericNotEquals":          "NumericEquals",
	"DateNotEquals":             "DateEquals",
	"NotIpAddress":              "IpAddress",
	"ArnNotEquals":              "ArnEquals",
	"ArnNotLike":                "ArnLike",
}

var comparisons = map[string]comparison{
	"StringEquals": func(f facts, operand, value string) bool {
		t, ok := f.text(operand, false)
		return ok && t.matches(value)
	},
	"StringEqualsIgnoreCase": func(f facts, operand, value string) bool {
		t, ok := f.text(operand, false)
		return ok && strings.EqualFold(t.literal(), value)
	},
	"StringLike": func(f facts, operand, value string) bool {
		t, ok := f.text(operand, true)
		return ok && t.matches(value)
	},
	"NumericEquals":            numbers(func(order int) bool { return order == 0 }),
	"NumericLessThan":          numbers(func(order int) bool { return order < 0 }),
	"NumericLessThanEquals":    numbers(func(order int) bool { return order <= 0 }),
	"NumericGreaterThan":       numbers(func(order int) bool { return order > 0 }),
	"NumericGreaterThanEquals": numbers(func(order int) bool { return order >= 0 }),
	"DateEquals":               dates(func(order int) bool { return order == 0 }),
	"DateLessThan":             dates(func(order int) bool { return order < 0 }),
	"DateLessThanEquals":       dates(func(order int) bool { return order <= 0 }),
	"DateGreaterThan":          dates(func(order int) bool { return order > 0 }),
	"DateGreaterThanEquals":    dates(func(order int) bool { return order >= 0 }),
	"Bool": func(_ facts, operand, value string) bool {
		return isTruth(value) && strings.EqualFold(operand, value)
	},
	"BinaryEquals": binaryEquals,
	"IpAddress":    ipAddress,
	"ArnEquals":    arnLike,
	"ArnLike":      arnLike,
}

func isTruth(text string) bool {
	return strings.EqualFold(text, "true") || strings.EqualFold(text, "false")
}

// numbers compares a value of the request with an operand.
func numbers(holds func(order int) bool) comparison {
	return func(_ facts, operand, value string) bool {
		want, ok := readNumber(operand)
		have, ok2 := readNumber(value)
		return ok && ok2 && holds(have.Cmp(want))
	}
}

// dates compares a value of the request with an operand.
func dates(holds func(order int) bool) comparison {
	return func(_ facts, operand, value string) bool {
		want, ok := readDate(operand)
		have, ok2 := readDate(value)
		return ok && ok2 && holds(have.Cmp(want))
	}
}

// binaryEquals compares bytes; both sides are written in base64.
func binaryEquals(_ facts, operand, value string) bool {
	want, ok := readBase64(operand)
	have, ok2 := readBase64(value)
	return ok && ok2 && want == have
}

// ipAddress tells whether an address lies in the operand's range, v4 or v6.
func ipAddress(_ facts, operand, value string) bool {
	address, ok := readAddress(value)
	if !ok {
		return false
	}
	network, bits, ok := readRange(operand)
	if !ok || len(network) != len(address) {
		return false
	}
	for i := range bits {
		if network[i/8]>>(7-i%8)&1 != address[i/8]>>(7-i%8)&1 {
			return false
		}
	}
	return true
}

// arnLike compares the six parts one by one; each may hold wildcards.
func arnLike(f facts, operand, value string) bool {
	t, ok := f.text(operand, true)
	if !ok {
		return false
	}
	want, ok := t.arnParts()
	if !ok {
		return false
	}
	have := strings.SplitN(value, ":", 6)
	if len(have) != 6 || have[0] != "arn" {
		return false
	}
	for i, part := range want {
		if !part.matches(have[i]) {
			return false
		}
	}
	return true
}
