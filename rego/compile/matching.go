package compile

import "github.com/keyreeve/keyreeve/rego/policy"

// Matching is what regular expressions do with the values of one condition key.
// RE2 takes time in proportion to the bytes of the values times the length of
// the expressions. Who runs a module should bound that product: a built-in
// that has begun cannot be stopped, and requests bring the values of both.
type Matching struct {
	// Key in lower case; empty for the resource.
	Key string
	// Length is that of all expressions together, without what variables put
	// into them, in states.
	Length int
	// Variables counts the policy variables in the expressions by their key.
	Variables map[string]int
}

// expressions is the account of those that the subject of now is matched with.
func (sc *scope) expressions() *Matching {
	m := sc.matching[sc.subject]
	if m == nil {
		m = &Matching{Key: sc.subject, Variables: map[string]int{}}
		sc.matching[sc.subject] = m
	}
	return m
}

// count adds an expression of parts.
func (m *Matching) count(parts []policy.Part) {
	m.Length += 2
	for _, p := range parts {
		switch p.Kind {
		case policy.AnyText:
			m.Length += 2
		case policy.AnyChar:
			m.Length++
		case policy.Variable:
			m.Variables[p.Text]++
			m.Length += len(p.Default)
		default:
			m.Length += len(p.Text)
		}
	}
}

// Work is how many steps the matching takes at most, where bytes tells how long
// all values of a key are together.
func (m *Matching) Work(bytes func(key string) int) int64 {
	length := int64(m.Length)
	for key, times := range m.Variables {
		length += int64(times) * int64(bytes(key))
	}
	return length * int64(bytes(m.Key))
}
