package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

func TestNumbers(t *testing.T) {
	for text, want := range map[string]string{"7": "7", "-7.50": "-15/2", "+0.1": "1/10", "007": "7"} {
		got, ok := policy.Number(text)
		require.True(t, ok, text)
		assert.Equal(t, want, got.RatString(), text)
	}
	for _, text := range []string{"", "1e9", "0x10", "1.", ".5", "1/2", " 1", "1_000", "NaN", "123456789012345678901234567890123"} {
		_, ok := policy.Number(text)
		assert.False(t, ok, text)
	}
}

func TestDates(t *testing.T) {
	for text, want := range map[string]string{
		"2026":                      "2026-01-01T00:00:00Z",
		"2026-11":                   "2026-11-01T00:00:00Z",
		"2026-11-23":                "2026-11-23T00:00:00Z",
		"2026-11-23T10:00Z":         "2026-11-23T10:00:00Z",
		"2026-11-23T10:00:00.5Z":    "2026-11-23T10:00:00.5Z",
		"2026-11-23T10:00:00+02:00": "2026-11-23T08:00:00Z",
		"2026-11-23T10:00:00":       "2026-11-23T10:00:00Z",
		"1795428000":                "2026-11-23T10:00:00Z",
		"0":                         "1970-01-01T00:00:00Z",
		"1546257599.0":              "2018-12-31T11:59:59Z",
		"2026.5":                    "1970-01-01T00:33:46.5Z",
	} {
		got, ok := policy.Date(text)
		require.True(t, ok, text)
		assert.Equal(t, want, got.Format(time.RFC3339Nano), text)
	}
	for _, text := range []string{"", "2026-13-01", "2026-02-30", "23.11.2026", "-1", "1795428000000", "1795428000.", "2026-11-23 10:00:00Z", "2026-11-23T24:00:00Z"} {
		_, ok := policy.Date(text)
		assert.False(t, ok, text)
	}
}

func TestNetworks(t *testing.T) {
	for text, want := range map[string]string{
		"203.0.113.7":         "203.0.113.7/32",
		"203.0.113.7/24":      "203.0.113.0/24",
		"0.0.0.0/0":           "0.0.0.0/0",
		"2001:db8::1":         "2001:db8::1/128",
		"2001:DB8::1/32":      "2001:db8::/32",
		"::ffff:10.0.0.1":     "10.0.0.1/32",
		"::ffff:10.0.0.0/104": "10.0.0.0/8",
	} {
		got, ok := policy.Network(text)
		require.True(t, ok, text)
		assert.Equal(t, want, got.String(), text)
	}
	for _, text := range []string{"", "10.0.0.1/33", "10.0.0", "010.0.0.1", "fe80::1%eth0", "::ffff:10.0.0.0/64", "10.0.0.0/", "10.0.0.0/08"} {
		_, ok := policy.Network(text)
		assert.False(t, ok, text)
	}
}

func TestTruth(t *testing.T) {
	for text, want := range map[string]bool{"true": true, "TRUE": true, "False": false} {
		got, ok := policy.Truth(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "1", "yes", "t"} {
		_, ok := policy.Truth(text)
		assert.False(t, ok, text)
	}
}
