package oracle

import (
	"encoding/base64"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	numberForm = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)
	epochForm  = regexp.MustCompile(`^[0-9]{1,11}(\.[0-9]+)?$`)
	yearForm   = regexp.MustCompile(`^[0-9]{4}$`)
	isoForm    = regexp.MustCompile(
		`^([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2}(?:\.[0-9]+)?))?(Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?$`)
)

// readNumber reads a decimal number without exponent.
func readNumber(text string) (*big.Rat, bool) {
	if !numberForm.MatchString(text) {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// readDate reads ISO 8601 in the forms of the W3C note, or seconds since 1970,
// of at most 11 digits, which may have decimals. Four digits are a year; without
// a zone it is UTC. The answer is in seconds since 1970.
func readDate(text string) (*big.Rat, bool) {
	if epochForm.MatchString(text) && !yearForm.MatchString(text) {
		return new(big.Rat).SetString(text)
	}
	m := isoForm.FindStringSubmatch(text)
	if m == nil {
		return nil, false
	}
	field := func(i, absent int) int {
		if m[i] == "" {
			return absent
		}
		n, _ := strconv.Atoi(m[i]) // digits, by the form
		return n
	}
	year, month, day, hour, minute := field(1, 0), field(2, 1), field(3, 1), field(4, 0), field(5, 0)
	seconds, ok := new(big.Rat).SetString("0" + m[6])
	if !ok || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 ||
		seconds.Cmp(big.NewRat(60, 1)) >= 0 {
		return nil, false
	}
	offset, ok := zoneSeconds(m[7])
	if !ok {
		return nil, false
	}
	start := time.Date(year, time.Month(month), day, hour, minute, 0, 0, time.UTC).Unix()
	return seconds.Add(seconds, big.NewRat(start-int64(offset), 1)), true
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// zoneSeconds reads Z, +hh:mm or -hh:mm; no zone is UTC.
func zoneSeconds(zone string) (int, bool) {
	if zone == "" || zone == "Z" {
		return 0, true
	}
	hours, _ := strconv.Atoi(zone[1:3])
	minutes, _ := strconv.Atoi(zone[4:6])
	offset := hours*3600 + minutes*60
	if zone[0] == '-' {
		offset = -offset
	}
	return offset, hours < 24 && minutes < 60
}

// readBase64 reads base64 with padding.
func readBase64(text string) (string, bool) {
	b, err := base64.StdEncoding.DecodeString(text)
	return string(b), err == nil
}

// readRange reads an address with or without the length of a prefix.
func readRange(text string) (network []byte, bits int, ok bool) {
	address, length, ranged := strings.Cut(text, "/")
	network, ok = readAddress(address)
	if !ok {
		return nil, 0, false
	}
	bits = len(network) * 8
	if !ranged {
		return network, bits, true
	}
	n, err := strconv.Atoi(length)
	if strings.Contains(address, ":") && len(network) == 4 {
		n -= 96 // an IPv4 address written as IPv6
	}
	return network, n, err == nil && n >= 0 && n <= bits
}

// readAddress reads an IPv4 address to 4 bytes and an IPv6 address to 16. An
// IPv4 address written as IPv6 is the IPv4 address.
func readAddress(text string) ([]byte, bool) {
	if !strings.Contains(text, ":") {
		return readIPv4(text)
	}
	head, tail, compressed := strings.Cut(text, "::")
	front, ok := readGroups(head, !compressed)
	back, ok2 := readGroups(tail, true)
	missing := 16 - len(front) - len(back)
	if !ok || !ok2 || missing < 0 || compressed == (missing == 0) {
		return nil, false
	}
	address := append(append(front, make([]byte, missing)...), back...)
	if strings.HasPrefix(string(address), strings.Repeat("\x00", 10)+"\xff\xff") {
		return address[12:], true
	}
	return address, true
}

// readGroups reads 16-bit groups of hexadecimal digits. If they end the
// address, the last may be an IPv4 address.
func readGroups(text string, end bool) ([]byte, bool) {
	if text == "" {
		return nil, true
	}
	var b []byte
	groups := strings.Split(text, ":")
	for i, g := range groups {
		if end && i == len(groups)-1 && strings.Contains(g, ".") {
			v4, ok := readIPv4(g)
			return append(b, v4...), ok
		}
		n, err := strconv.ParseUint(g, 16, 16)
		if err != nil || len(g) > 4 {
			return nil, false
		}
		b = append(b, byte(n>>8), byte(n))
	}
	return b, true
}

// readIPv4 reads four decimal numbers without leading zeros.
func readIPv4(text string) ([]byte, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 4 {
		return nil, false
	}
	var b []byte
	for _, p := range parts {
		n, err := strconv.ParseUint(p, 10, 8)
		if err != nil || strconv.FormatUint(n, 10) != p {
			return nil, false
		}
		b = append(b, byte(n))
	}
	return b, true
}
