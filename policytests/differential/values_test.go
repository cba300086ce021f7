package differential

import (
	"math/rand/v2"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A generator draws one world after another from its source.
type generator struct{ *rand.Rand }

// chance is true with probability p.
func (g generator) chance(p float64) bool { return g.Float64() < p }

// pick draws one of a list.
func pick[T any](g generator, list []T) T { return list[g.IntN(len(list))] }

// some draws n of a list, perhaps one twice.
func some[T any](g generator, list []T, n int) []T {
	out := make([]T, 0, n)
	for range n {
		out = append(out, pick(g, list))
	}
	return out
}

// values are what requests hold and policies ask for, by type: among them
// those that look alike, and those that are nearly of the type.
var values = map[policy.ValueType][]string{
	policy.StringType: {"red", "Red", "RED", "blue", "blu", "team-a", "team-b", "", "*", "?", "re*", "r?d", "a b", "red\nblue",
		"${aws:username}", "$", "é", "É", "ÿ", "111122223333", "o-ours", "true", "7", "aGVsbG8=", "AGVsbG8=", "aGVsbG8", "AES_256", "alias/app", "日本", "r😀d"},
	policy.NumericType: {"0", "-0", "7", "07", "7.0", "+7", "7.5", "-3", "30", "365", "100000000000000000000000000000", "1e3", "7.", ".5", "", "7 ", "0x10"},
	policy.DateType: {"2026-11-23T10:00:00Z", "2026-11-23T12:00:00+02:00", "2026-11-23T10:00:00", "2026-11-23T10:00Z", "2026-11-23", "2026-11", "2026",
		"2026-11-23T10:00:00.5Z", "1795428000", "1795428000.0", "1795428000.5", "0", "1970-01-01T00:00:00Z", "2026-02-30", "2026-11-23 10:00:00",
		"2025-12-31T23:59:59-08:00", "yesterday", "2028-02-29", "1795428001"},
	policy.BoolType:   {"true", "false", "True", "FALSE", "yes", "1", ""},
	policy.BinaryType: {"aGVsbG8=", "AGVsbG8=", "aGVsbG8h", "aGVsbG8", "", "AAAA", "not base64"},
	policy.IPType: {"203.0.113.7", "203.0.113.128", "10.0.0.1", "10.1.2.3", "::ffff:10.0.0.1", "2001:db8::1", "2001:0db8:0:0::1", "2001:DB8:1::5", "::",
		"255.255.255.255", "10.0.0.0/8", "010.0.0.1", "10.0.0", "10.0.0.1.", "fe80::1%eth0"},
	policy.ARNType: {"arn:aws:iam::111122223333:role/payroll", "arn:aws:iam::111122223333:user/ann", "arn:aws:iam::444455556666:role/remote",
		"arn:aws:s3:::bucket", "arn:aws:s3:::bucket/a:b:c", "arn:aws:sns:us-west-2:111122223333:topic", "arn:aws-cn:iam::111122223333:root",
		"arn:aws:iam::111122223333", "bucket", "", "arn:aws:s3:::*", "arn:aws:iam::111122223333:role/team/payroll"},
}

// operands are values that policies may write in addition, by type.
var operands = map[policy.ValueType][]string{
	policy.StringType: {"r*", "*", "?ed", "*e*", "??", "", "team-?", "${*}", "re${*}", "r${?}d", "${$}", "*\n*"},
	policy.IPType: {"203.0.113.0/24", "203.0.113.0/25", "10.0.0.0/8", "10.0.0.1/32", "0.0.0.0/0", "::/0", "2001:db8::/32", "2001:db8::1/128", "::ffff:10.0.0.0/104",
		"203.0.113.7/25"},
	policy.ARNType: {"arn:aws:iam::111122223333:role/*", "arn:aws:iam::*:user/?nn", "arn:*:iam::111122223333:*", "arn:aws:s3:::bucket*", "arn:aws:s3:*:*:*",
		"*:*:*:*:*:*", "arn:aws:s3:::bucket/${*}", "arn:aws:s3:::${*}", "arn:aws:iam::111122223333:role/*/*"},
}

// names follow the prefix of a condition key that has names; some differ in
// case only.
var names = map[string][]string{
	"kms:EncryptionContext:": {"dept", "Dept", "DEPT", "app", "aws:s3:arn", "two words"},
	"aws:ResourceTag/":       {"team", "Team", "env"},
	"aws:RequestTag/":        {"team", "Team", "env"},
	"aws:PrincipalTag/":      {"team", "env", "keyid"},
	"saml:":                  {"aud", "sub"},
}

// rows of the vocabulary by how often requests hold them: what few actions
// have, and the many measurements of attestation, is rarer.
var rows = func() (common, rare []policy.ConditionKey) {
	for _, k := range policy.ConditionKeys {
		if strings.HasPrefix(k.Name, "kms:RecipientAttestation:") {
			rare = append(rare, k)
		} else {
			common = append(common, k)
		}
	}
	return common, rare
}

var commonRows, rareRows = rows()

// row draws a row of the vocabulary.
func (g generator) row() policy.ConditionKey {
	switch {
	case g.chance(0.12):
		return pick(g, rareRows)
	case g.chance(0.15):
		k, _ := policy.ConditionKeyNamed("kms:EncryptionContext:")
		return k
	default:
		return pick(g, commonRows)
	}
}

// keyOf is a condition key of a row, with a name if it needs one.
func (g generator) keyOf(k policy.ConditionKey) string {
	if !k.Prefix() {
		return k.Name
	}
	return k.Name + pick(g, names[k.Name])
}

// value draws what a request holds under a key of row k.
func (g generator) value(k policy.ConditionKey) string {
	switch {
	case k.Name == "aws:PrincipalTag/" && g.chance(0.5):
		return pick(g, keyIDs)
	case k.Type != policy.BoolType && g.chance(0.06):
		return pick(g, values[policy.ValueType(1+g.IntN(int(policy.ARNType)))])
	case k.Also != 0 && g.chance(0.3):
		return pick(g, values[k.Also])
	case k.Type == policy.BoolType && g.chance(0.9): // in lower case, as requests hold them
		return pick(g, values[policy.BoolType][:2])
	case k.Type == policy.BoolType:
		return pick(g, []string{"yes", "1", ""})
	case k.Type == policy.StringType && g.chance(0.6):
		return pick(g, values[policy.StringType][:4])
	default:
		return pick(g, values[k.Type])
	}
}

// valuesOf draws the values of a key: one, or up to three.
func (g generator) valuesOf(k policy.ConditionKey) []string {
	n := 1
	switch {
	case k.Many:
		n += g.IntN(3)
	case (k.Name == "aws:ResourceTag/" || k.Name == "aws:RequestTag/") && g.chance(0.1):
		n = 2 // tag names that differ in case only
	}
	list := make([]string, n)
	for i := range list {
		list[i] = g.value(k)
	}
	return list
}

// spelled is a name with the case of some letters changed.
func (g generator) spelled(name string) string {
	switch g.IntN(6) {
	case 0:
		return strings.ToLower(name)
	case 1:
		return strings.ToUpper(name)
	default:
		return name
	}
}
