package compile

import (
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A sharedFunction is a function that several statements of a module may call.
// The module holds those that it needs. Each looks at its argument before it
// calls a built-in that could fail on it, so that strict and lenient
// evaluation agree; on what is no number, date or address it is undefined.
type sharedFunction int

const (
	numberFunction sharedFunction = iota
	instantFunction
	withinFunction
	sharedFunctions
)

var sharedNames = [sharedFunctions]string{"_number", "_instant", "_within"}

// call is a call of a shared function, which the module then holds.
func (c *compiler) call(f sharedFunction, args ...*ast.Term) *ast.Term {
	c.shared[f] = true
	return ast.CallTerm(append([]*ast.Term{ast.RefTerm(ruleRef(sharedNames[f]))}, args...)...)
}

// The forms of request values, which are those that policy.Number and
// policy.Date read. A date is checked to the day of the month, leap years
// included, in the years that fit nanoseconds since 1970, because
// time.parse_rfc3339_ns fails on all others.
const (
	numberForm  = `^[+-]?[0-9]{1,32}(?:\.[0-9]{1,32})?$`
	epochForm   = `^(?:[0-9]{1,3}|[0-9]{5,11})$`
	decimalForm = `^[0-9]{1,11}\.[0-9]{1,9}$`
	yearForm    = `(?:1[7-9]|2[01])[0-9]{2}`
	monthForm   = yearForm + `-(?:0[1-9]|1[0-2])`
	dayForm     = `(?:` + yearForm + `-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|` +
		`(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|` +
		`(?:(?:1[7-9]|2[01])(?:0[48]|[2468][048]|[13579][26])|2000)-02-29)`
	minuteForm = dayForm + `T(?:[01][0-9]|2[0-3]):[0-5][0-9]`
	secondForm = minuteForm + `:[0-5][0-9](?:\.[0-9]{1,9})?`
	zoneForm   = `(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])`
)

// pieces are the definitions of f.
func (f sharedFunction) pieces() []piece {
	value := ast.VarTerm("value")
	form := func(pattern string) *ast.Expr { return call(ast.RegexMatch, ast.StringTerm(pattern), value) }
	define := func(result *ast.Term, body ...*ast.Expr) *ast.Rule {
		head := ast.NewHead(ast.Var(sharedNames[f]), nil, result)
		head.Args, head.Assign = []*ast.Term{value}, true
		return &ast.Rule{Head: head, Body: ast.NewBody(body...)}
	}
	var comment string
	var rules []*ast.Rule
	switch f {
	case numberFunction:
		comment = "The number that a value is."
		rules = append(rules, define(callTerm(ast.ToNumber, value), form(numberForm)))
	case instantFunction:
		comment = "The instant that a value names, in nanoseconds since 1970: a date, time and zone as far as they are given, or seconds since 1970."
		rules = instants(define, form)
	case withinFunction:
		comment = "Whether a value is an IP address in one of the networks."
		networks, network := ast.VarTerm("networks"), ast.VarTerm("network")
		single := callTerm(ast.Concat, ast.StringTerm("/"), ast.ArrayTerm(value, ast.StringTerm("32")))
		rules = append(rules, holdsIf(sharedNames[f], []*ast.Term{value, networks}, conj{
			call(ast.NetCIDRIsValid, single),
			someIn(network, networks),
			call(ast.NetCIDRContains, network, value),
		}))
	}
	var all []piece
	for i, r := range rules {
		locate(r, policy.Pos{Path: "$", Line: 1, Column: 1})
		p := piece{rule: r}
		if i == 0 {
			p.comments = comments([]string{comment})
		}
		all = append(all, p)
	}
	return all
}

// instants are the definitions of instantFunction. What a date leaves out is
// put in: the rest of the first instant of 1970, seconds, the zone.
func instants(define func(*ast.Term, ...*ast.Expr) *ast.Rule, form func(string) *ast.Expr) []*ast.Rule {
	value, whole, fraction := ast.VarTerm("value"), ast.VarTerm("whole"), ast.VarTerm("fraction")
	join := func(parts ...*ast.Term) *ast.Term {
		return callTerm(ast.Concat, ast.StringTerm(""), ast.ArrayTerm(parts...))
	}
	cut := func(text, from *ast.Term, length int) *ast.Term {
		return callTerm(ast.Substring, text, from, ast.IntNumberTerm(length))
	}
	date := func(text *ast.Term, pattern string) *ast.Rule {
		return define(callTerm(ast.ParseRFC3339Nanos, text), form("^"+pattern+"$"))
	}
	zero, minute := ast.IntNumberTerm(0), ast.IntNumberTerm(len("2006-01-02T15:04"))
	missing := cut(ast.StringTerm("1970-01-01T00:00:00Z"), callTerm(ast.Count, value), -1)
	return []*ast.Rule{
		date(value, secondForm+zoneForm),
		date(join(value, ast.StringTerm("Z")), secondForm),
		date(join(cut(value, zero, len("2006-01-02T15:04")), ast.StringTerm(":00"), cut(value, minute, -1)), minuteForm+zoneForm),
		date(join(value, missing), "(?:"+yearForm+"|"+monthForm+"|"+dayForm+"|"+minuteForm+")"),
		define(callTerm(ast.Multiply, callTerm(ast.ToNumber, value), ast.IntNumberTerm(1_000_000_000)), form(epochForm)),
		define(callTerm(ast.ToNumber, join(whole, cut(join(fraction, ast.StringTerm("000000000")), zero, 9))), form(decimalForm),
			call(ast.Assign, ast.ArrayTerm(whole, fraction), callTerm(ast.Split, value, ast.StringTerm(".")))),
	}
}
