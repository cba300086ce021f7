package query

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A wish is what a condition key should be.
type wish struct {
	absent bool
	value  string
}

// maxWishes bounds how many values of one condition are tried.
const maxWishes = 3

// wishes are values with which a condition would hold, or would not. They are
// suggestions: the engine is asked whether they do.
func wishes(c policy.Condition, holds bool, q *decision.Question) []wish {
	op, known := policy.OperatorNamed(c.Operator)
	if !known {
		return nil
	}
	if op.Negated {
		holds = !holds
	}
	var all []wish
	add := func(w wish) {
		if !slices.Contains(all, w) && len(all) < maxWishes {
			all = append(all, w)
		}
	}
	if op.Type == policy.PresenceType {
		for _, v := range c.Values {
			if truth, ok := policy.Truth(v.Text); ok && truth == holds {
				add(wish{absent: true})
			} else if ok {
				add(wish{value: "any"})
			}
		}
		return all
	}
	if !holds || c.IfExists && !op.Negated {
		add(wish{absent: true})
	}
	for _, v := range c.Values {
		if value, ok := fitting(op, v, holds, q); ok {
			add(wish{value: value})
		}
	}
	return all
}

// fitting is a value that stands to an operand as the positive form of an
// operator says, or does not.
func fitting(op policy.Operator, v policy.Value, fits bool, q *decision.Question) (string, bool) {
	switch op.Type {
	case policy.BoolType:
		truth, ok := policy.Truth(v.Text)
		return strconv.FormatBool(truth == fits), ok
	case policy.NumericType:
		return number(op.Name, v.Text, fits)
	case policy.DateType:
		return date(op.Name, v.Text, fits)
	case policy.IPType:
		return address(v.Text, fits)
	}
	if !fits {
		return "", false // for texts, absence is enough
	}
	return sample(v, q)
}

// sample is a text that a pattern matches.
func sample(v policy.Value, q *decision.Question) (string, bool) {
	var b strings.Builder
	for _, p := range v.Parts {
		switch p.Kind {
		case policy.Literal:
			b.WriteString(p.Text)
		case policy.AnyText, policy.AnyChar:
			b.WriteString("x")
		case policy.Variable:
			have := q.Context[p.Text]
			switch {
			case len(have) == 1:
				b.WriteString(have[0])
			case p.HasDefault:
				b.WriteString(p.Default)
			default:
				return "", false
			}
		default:
			return "", false
		}
	}
	return b.String(), true
}

// number is a whole number on the right side of n.
func number(operator, n string, fits bool) (string, bool) {
	limit, err := strconv.ParseInt(n, 10, 64)
	if err != nil {
		return "", false
	}
	above := strings.Contains(operator, "Greater") == fits
	switch {
	case strings.HasSuffix(operator, "Equals") && !strings.Contains(operator, "Than"):
		if !fits {
			limit++
		}
	case strings.HasSuffix(operator, "ThanEquals") == fits:
		// n itself
	case above:
		limit++
	default:
		limit--
	}
	return strconv.FormatInt(limit, 10), limit >= 0
}

// date is a time on the right side of another, an hour away.
func date(operator, text string, fits bool) (string, bool) {
	t, ok := policy.Date(text)
	if !ok {
		return "", false
	}
	switch {
	case !strings.Contains(operator, "Than"):
		if !fits {
			t = t.Add(time.Hour)
		}
	case strings.Contains(operator, "Greater") == fits:
		t = t.Add(time.Hour)
	default:
		t = t.Add(-time.Hour)
	}
	return t.UTC().Format(time.RFC3339), true
}

// outside are addresses that RFC 5737 keeps for examples: one is in no range
// that is worth naming.
var outside = []string{"203.0.113.1", "198.51.100.200", "192.0.2.200"}

// address is one in a range, or outside of it.
func address(text string, inside bool) (string, bool) {
	prefix, ok := policy.Network(text)
	if !ok {
		return "", false
	}
	if inside {
		first := prefix.Masked().Addr()
		if next := first.Next(); prefix.Contains(next) {
			first = next
		}
		return first.String(), true
	}
	for _, a := range outside {
		if !prefix.Contains(netip.MustParseAddr(a)) {
			return a, true
		}
	}
	return "", false
}
