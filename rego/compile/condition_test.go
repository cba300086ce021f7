package compile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A sample of one operator: an operand list, and request values by whether
// they match it. For negated operators "match" is what the operator without
// Not says.
type sample struct {
	operator string
	operands string
	matches  []string
	differs  []string
	// wrong values are not of the operator's type; they never match.
	wrong []string
}

var samples = []sample{
	{"StringEquals", `"blue"`, []string{"blue"}, []string{"Blue", "blue ", "", "blu*"}, nil},
	{"StringEquals", `["blue","gre*n"]`, []string{"blue", "gre*n"}, []string{"green", "bluegre*n"}, nil},
	{"StringNotEquals", `"blue"`, []string{"blue"}, []string{"Blue", ""}, nil},
	{"StringNotEquals", `["blue","green"]`, []string{"blue", "green"}, []string{"Blue", ""}, nil},
	{"StringEqualsIgnoreCase", `"Blüe"`, []string{"blüe", "BLÜE", "Blüe"}, []string{"blue", ""}, nil},
	{"StringNotEqualsIgnoreCase", `["Blue","RED"]`, []string{"blue", "red", "rEd"}, []string{"green", ""}, nil},
	{"StringLike", `"a*"`, []string{"a", "ab", "a*"}, []string{"", "ba", "A"}, nil},
	{"StringLike", `"*"`, []string{"", "a"}, nil, nil},
	{"StringLike", `["*a","b*"]`, []string{"a", "xa", "b", "bx"}, []string{"", "ax", "xb"}, nil},
	{"StringLike", `["*b?","*b?*"]`, []string{"bb", "abc", "bcx"}, []string{"b", "ab"}, nil},
	{"StringLike", `"aba*aba"`, []string{"abaaba", "aba-aba"}, []string{"aba", "ababa"}, nil},
	{"StringLike", `"a*b*c"`, []string{"abc", "axbxc", "abbc"}, []string{"ac", "ab", "abcd", "cba"}, nil},
	{"StringLike", `"*b*"`, []string{"b", "abc"}, []string{"", "ac"}, nil},
	{"StringLike", `"*b*d*"`, []string{"bd", "abcde"}, []string{"", "db"}, nil},
	{"StringLike", `"a?.?\\"`, []string{`ab.c\`}, []string{`abxc\`, `a.c\`}, nil},
	{"StringLike", `"?"`, []string{"x", "é", "\n"}, []string{"", "xx"}, nil},
	{"StringLike", `"a*a*a*a*a*a*a*a*a*a*b"`, []string{"aaaaaaaaaab", "aaaaaaaaaaaaxb"}, []string{"aaaaaaaaab", "b", strings.Repeat("a", 200)}, nil},
	{"StringNotLike", `["a*","*z","m?n"]`, []string{"ab", "yz", "man"}, []string{"b", "moon"}, nil},
	{"NumericEquals", `"7"`, []string{"7", "7.0", "+7", "007"}, []string{"8", "7.01", "-7"}, []string{"", "x", "7x", "7e0", " 7", "true", "1e999999"}},
	{"NumericEquals", `["7","-1.50"]`, []string{"7", "-1.5"}, []string{"1.5"}, []string{"-"}},
	{"NumericNotEquals", `["7","8"]`, []string{"7", "8.0"}, []string{"9"}, []string{"x", ""}},
	{"NumericLessThan", `["5","10"]`, []string{"9.99", "4", "-3"}, []string{"10", "11"}, []string{"x"}},
	{"NumericLessThanEquals", `10`, []string{"10", "4"}, []string{"10.1"}, []string{"x"}},
	{"NumericGreaterThan", `["5","10"]`, []string{"6", "10"}, []string{"5", "4"}, []string{"x"}},
	{"NumericGreaterThanEquals", `5`, []string{"5", "12345678901234567890"}, []string{"4.9"}, []string{"x"}},
	{"DateEquals", `"2026-11-23T10:00:00Z"`, []string{"2026-11-23T10:00:00Z", "2026-11-23T11:00:00+01:00", "1795428000", "2026-11-23T10:00:00.000Z",
		"2026-11-23T10:00:00", "2026-11-23T10:00:00.000", "2026-11-23T10:00", "2026-11-23T10:00Z", "2026-11-23T12:30+02:30", "1795428000.0", "1795428000.000000000"},
		[]string{"2026-11-23T10:00:01Z", "1795428001"}, []string{"", "x", "2026-11-23T10:00:60", "2026-11-23 10:00", "2026-02-30T10:00:00Z", "2026-13-01", "9999-12-31T00:00:00Z", "-5"}},
	{"DateNotEquals", `"2026-11-23"`, []string{"2026-11-23T00:00:00Z", "2026-11-23"}, []string{"2026-11-24", "2026-11", "2026", "1795428000.5"}, []string{"yesterday", "2026-02-29"}},
	{"DateLessThan", `["2026-11-23T10:00:00Z","2020"]`, []string{"2026-11-23T09:59:59Z", "2024-02-29", "12345"}, []string{"2026-11-23T10:00:00Z"}, []string{"x"}},
	{"DateLessThan", `"9999-12-31T23:59:59Z"`, []string{"2026-11-23T09:59:59Z"}, nil, []string{"x"}},
	{"DateLessThanEquals", `"1795428000"`, []string{"1795428000", "2026-11-23T10:00:00Z"}, []string{"1795428001"}, []string{"x"}},
	{"DateGreaterThan", `"2026-11-23T10:00:00Z"`, []string{"2026-11-23T10:00:00.001Z"}, []string{"2026-11-23T10:00:00Z"}, []string{"x"}},
	{"DateGreaterThanEquals", `["2027","2026-11-23"]`, []string{"2026-11-23T00:00:00Z"}, []string{"2026-11-22T23:59:59Z"}, []string{"x"}},
	{"Bool", `"true"`, []string{"true"}, []string{"false"}, []string{"yes", "1", ""}},
	{"Bool", `false`, []string{"false"}, []string{"true"}, []string{"0"}},
	{"Bool", `["true","False"]`, []string{"true", "false"}, nil, []string{"0"}},
	{"BinaryEquals", `"QmluYXJ5"`, []string{"QmluYXJ5"}, []string{"Qmlu", "qmluyxj5"}, []string{"*"}},
	{"IpAddress", `"10.0.0.0/8"`, []string{"10.0.0.0", "10.255.1.2", "::ffff:10.1.2.3"}, []string{"11.0.0.0", "::1"}, []string{"", "x", "10.0.0.0/8", "10.0.0", "010.0.0.1", "10.0.0.1/"}},
	{"IpAddress", `["203.0.113.7","2001:db8::/32"]`, []string{"203.0.113.7", "2001:db8::1", "2001:DB8:0::1"}, []string{"203.0.113.8", "2001:db9::"}, []string{"2001:db8::g", "fe80::1%eth0"}},
	{"NotIpAddress", `["10.0.0.0/8","192.0.2.0/24"]`, []string{"10.0.0.0", "192.0.2.9"}, []string{"11.0.0.0"}, []string{"x"}},
	{"ArnEquals", `"arn:aws:iam::111122223333:role/a"`, []string{"arn:aws:iam::111122223333:role/a"}, []string{"arn:aws:iam::111122223333:role/b", "arn:aws:iam::111122223333:role/A"}, []string{"", "x"}},
	{"ArnLike", `"arn:aws:*::111122223333:role/*"`, []string{"arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:role/a:b"},
		[]string{"arn:aws:iam:x::111122223333:role/a", "arn:aws:iam::111122223334:role/a"}, []string{"arn:aws:iam::111122223333"}},
	{"ArnEquals", `"arn:aws:s?s:*:111122223333:topic"`, []string{"arn:aws:sns:us-east-1:111122223333:topic"}, []string{"arn:aws:s:s:us-east-1:111122223333:topic", "arn:aws:sns:us-east-1:x:111122223333:topic"}, []string{"x"}},
	{"ArnLike", `["arn:aws:s3:::b*","arn:aws:s3:::*t"]`, []string{"arn:aws:s3:::bucket", "arn:aws:s3:::t"}, []string{"arn:aws:s3:::x"}, []string{"x"}},
	{"ArnNotEquals", `"arn:aws:iam::111122223333:role/a"`, []string{"arn:aws:iam::111122223333:role/a"}, []string{"arn:aws:iam::111122223333:role/b"}, []string{"x"}},
	{"ArnNotLike", `["arn:aws:iam:*:*:role/a?c*","arn:aws:s3:::*"]`, []string{"arn:aws:iam::1:role/abcd", "arn:aws:s3:::"}, []string{"arn:aws:iam::1:role/ac"}, []string{"x", ""}},
}

// keys of requests, each with room for the index of a sample: of an encryption
// context, one that the vocabulary knows, and one that it does not.
var keys = []string{"kms:EncryptionContext:Name%d", "aws:PrincipalTag/Name%d", "example:Name%d"}

func TestOperators(t *testing.T) {
	for _, effect := range []string{"Allow", "Deny"} {
		for _, key := range keys {
			for _, qualifier := range []string{"", "ForAnyValue:", "ForAllValues:"} {
				for _, suffix := range []string{"", "IfExists"} {
					operatorCase{effect: effect, key: key, qualifier: qualifier, suffix: suffix}.check(t)
				}
			}
		}
	}
}

type operatorCase struct {
	effect, key, qualifier, suffix string
}

// check compiles one document with a statement for each sample, each about a
// key of its own, and asks until every list of values of every sample was
// there.
func (c operatorCase) check(t *testing.T) {
	t.Helper()
	var statements []string
	rounds := 0
	for i, s := range samples {
		statements = append(statements, fmt.Sprintf(`{"Effect":%q,"Principal":"*","Action":"*","Resource":"*","Condition":{"%s%s%s":{%q:%s}}}`,
			c.effect, c.qualifier, s.operator, c.suffix, fmt.Sprintf(c.key, i), s.operands))
		rounds = max(rounds, len(s.lists()))
	}
	p := prepare(t, compiled(t, policy.Endpoint, `{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",\n")+`]}`))
	for round := range rounds {
		request := map[string]any{}
		var want []int
		for i, s := range samples {
			list := s.lists()[min(round, len(s.lists())-1)]
			if list != nil {
				request[strings.ToLower(fmt.Sprintf(c.key, i))] = list
			}
			if c.want(s, list) {
				want = append(want, i)
			}
		}
		got := p.matching(t, c.effect, request)
		require.Equalf(t, want, got, "%+v, given %v", c, request)
	}
}

// lists of request values: none, each value alone, and mixtures.
func (s sample) lists() [][]string {
	some := append(append(append([]string{}, s.matches...), s.differs...), s.wrong...)
	lists := [][]string{nil}
	for _, v := range some {
		lists = append(lists, []string{v})
	}
	first, last := some[0], some[len(some)-1]
	return append(lists, []string{first, last}, []string{last, first}, []string{first, first})
}

// want says what say, in terms of single values.
func (c operatorCase) want(s sample, list []string) bool {
	op, _ := policy.OperatorNamed(s.operator)
	if list == nil {
		switch {
		case c.suffix != "" || c.qualifier == "ForAllValues:":
			return true
		case c.qualifier == "ForAnyValue:":
			return false
		default:
			return op.Negated
		}
	}
	passing := 0
	for _, v := range list {
		matching := slices.Contains(s.matches, v)
		if matching != op.Negated {
			passing++
		}
	}
	each := c.qualifier == "ForAllValues:" || c.qualifier == "" && op.Negated
	if c.key == keys[0] {
		each = c.effect == "Allow"
	}
	if each {
		return passing == len(list)
	}
	return passing > 0
}

func TestNullAsksForAbsence(t *testing.T) {
	for _, c := range []struct {
		values        string
		with, without bool
	}{
		{`"true"`, false, true},
		{`"false"`, true, false},
		{`["true","false"]`, true, true},
		{`true`, false, true},
	} {
		p := preparedDocument(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*",
			"Condition":{"Null":{"kms:EncryptionContext:Name":`+c.values+`}}}]}`)
		require.Equal(t, c.with, p.matches(t, "Allow", map[string]any{"kms:encryptioncontext:name": []string{"a", "b"}}), c.values)
		require.Equal(t, c.without, p.matches(t, "Allow", map[string]any{}), c.values)
	}
}
