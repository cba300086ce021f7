package policy

import (
	"encoding/base64"
	"math/big"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// operandFault says why text is no value of type t.
func operandFault(t ValueType, text string) (Code, string) {
	switch t {
	case NumericType:
		if _, ok := Number(text); !ok {
			return CodeNumber, "expected a number"
		}
	case DateType:
		if _, ok := Date(text); !ok {
			return CodeDate, "expected a date such as 2026-11-23T10:00:00Z, or seconds since 1970"
		}
	case BoolType, PresenceType:
		if _, ok := Truth(text); !ok {
			return CodeBool, "expected true or false"
		}
	case IPType:
		if _, ok := Network(text); !ok {
			return CodeIP, "expected an IP address or a range such as 203.0.113.0/24"
		}
	case BinaryType:
		if _, err := base64.StdEncoding.Strict().DecodeString(text); err != nil {
			return CodeBinary, "expected base64"
		}
	}
	return "", ""
}

var decimal = regexp.MustCompile(`^[+-]?[0-9]{1,32}(\.[0-9]{1,32})?$`)

// Number reads a decimal number: an optional sign, up to 32 digits, and up to
// 32 after a point. Exponents are refused, so that a value's size bounds its
// cost.
func Number(text string) (*big.Rat, bool) {
	if !decimal.MatchString(text) {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// Truth reads true or false in any case.
func Truth(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true":
		return true, true
	case "false":
		return false, true
	default:
		return false, false
	}
}

// Network reads an IPv4 or IPv6 address or range. Bits of the host are
// dropped; an IPv4 address written as IPv6 is the IPv4 address.
func Network(text string) (netip.Prefix, bool) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, false
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	if a := p.Addr(); a.Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, false
		}
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}

// dateForms are those of the W3C note on ISO 8601 that AWS names, with and
// without a zone; without one it is UTC.
var dateForms = []string{
	"2006", "2006-01", "2006-01-02",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z07:00",
	"2006-01-02T15:04", "2006-01-02T15:04:05",
}

var epoch = regexp.MustCompile(`^([0-9]{1,3}|[0-9]{5,11}|[0-9]{1,11}\.[0-9]{1,9})$`)

// Date reads a date: ISO 8601, or seconds since 1970, which may have decimals
// (Guide, kms:ValidTo). Four digits alone are a year.
func Date(text string) (time.Time, bool) {
	if epoch.MatchString(text) {
		whole, part, _ := strings.Cut(text, ".")
		seconds, err := strconv.ParseInt(whole, 10, 64)
		nanos, _ := strconv.Atoi((part + "000000000")[:9]) // digits only, by the pattern
		return time.Unix(seconds, int64(nanos)).UTC(), err == nil
	}
	for _, form := range dateForms {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
