package oracle

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/keyreeve/keyreeve/rego/policy"
)

func TestNumbersAreDecimalWithoutExponent(t *testing.T) {
	for text, want := range map[string]string{"7": "7", "007": "7", "+7.50": "15/2", "-0": "0", "100000000000000000000000000000": "100000000000000000000000000000"} {
		n, ok := readNumber(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, n.RatString(), text)
	}
	for _, text := range []string{"", "x", "1e3", "7.", ".5", " 7", "0x10", "--1", "1/2"} {
		_, ok := readNumber(text)
		assert.False(t, ok, text)
	}
}

func TestDatesAreReadInAllForms(t *testing.T) {
	for text, want := range map[string]int64{
		"2026-11-23T10:00:00Z": 1795428000, "2026-11-23T12:00:00+02:00": 1795428000, "2026-11-23T10:00": 1795428000, "2026-11-23T09:00-01:00": 1795428000,
		"2026-11-23": 1795392000, "2026-11": 1793491200, "2026": 1767225600, "0": 0, "12345": 12345, "1795428000.000": 1795428000, "2028-02-29": 1835395200,
	} {
		d, ok := readDate(text)
		assert.True(t, ok, text)
		assert.Equal(t, big.NewRat(want, 1).String(), d.String(), text)
	}
	for _, text := range []string{"", "yesterday", "2026-02-29", "2026-13", "2026-11-23 10:00:00", "2026-11-23T24:00:00Z", "2026-11-23T10:00:60Z", "2026-11-23T10", "123456789012"} {
		_, ok := readDate(text)
		assert.False(t, ok, text)
	}
}

func TestAddressesAreSingleOnes(t *testing.T) {
	for text, bytes := range map[string]int{"10.0.0.1": 4, "::ffff:10.0.0.1": 4, "2001:db8::1": 16, "::": 16, "1:2:3:4:5:6:7:8": 16, "1:2:3:4:5:6:1.2.3.4": 16} {
		b, ok := readAddress(text)
		assert.True(t, ok, text)
		assert.Len(t, b, bytes, text)
	}
	for _, text := range []string{"", "10.0.0", "10.0.0.256", "010.0.0.1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "1.2.3.4::", "fe80::1%eth0", "10.0.0.0/8", "12345::"} {
		_, ok := readAddress(text)
		assert.False(t, ok, text)
	}
	_, bits, ok := readRange("::ffff:10.0.0.0/104")
	assert.True(t, ok)
	assert.Equal(t, 8, bits)
	_, _, ok = readRange("10.0.0.0/33")
	assert.False(t, ok)
}

func TestWhatAVariablePutsInIsLiteral(t *testing.T) {
	f := facts{version: policy.Version2012, context: map[string][]string{"aws:username": {"a*b"}, "kms:encryptioncontext:dept": {"x", "y"}}}
	for _, row := range []struct {
		operand, value string
		want           bool
	}{
		{"${aws:username}", "a*b", true},
		{"${aws:username}", "axb", false},
		{"${AWS:UserName}*", "a*bc", true},
		{"${aws:none}*", "", false},
		{"${aws:none, 'd}e'}?", "d}ex", true},
		{"${*}${?}${$}", "*?$", true},
		{"a*c?", "a::\ncé", true},
		{"a*c?", "ac", false},
	} {
		got, ok := f.text(row.operand, true)
		assert.Equal(t, row.want, ok && got.matches(row.value), "%s against %q", row.operand, row.value)
	}
	assert.True(t, f.ambiguous("x${kms:EncryptionContext:Dept}"))
	assert.False(t, f.ambiguous("x${aws:username}"))
	f.version = policy.Version2008
	got, ok := f.text("${aws:username}", true)
	assert.True(t, ok && got.matches("${aws:username}"))
	assert.False(t, f.ambiguous("${kms:EncryptionContext:dept}"))
}

func TestARNsHaveSixParts(t *testing.T) {
	parts, ok := pattern("arn:aws:s3:::a:b").arnParts()
	assert.True(t, ok)
	assert.True(t, parts[5].matches("a:b"))
	_, ok = pattern("arn:aws:s3").arnParts()
	assert.False(t, ok)
	assert.True(t, arnLike(facts{}, "arn:aws:iam::*:role/*", "arn:aws:iam::1:role/a:b"))
	assert.False(t, arnLike(facts{}, "arn:aws:*:role/*", "arn:aws:iam::1:role/a"))
}
