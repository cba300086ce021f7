package sigv4

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/keyreeve/keyreeve/engine/wire"
)

// How appendCanonical treats session tokens.
type tokens int

const (
	plain    tokens = iota + 1 // as sent: what is signed
	redacted                   // replaced: what may be shown
)

const redaction = "(not shown)"

// appendCanonical appends the canonical request:
//
//	method LF path LF query LF
//	name ":" values LF            for each signed header
//	LF names joined by ";" LF
//	hex(SHA-256(body))
func (s Signature) appendCanonical(b []byte, r wire.Request, t tokens) ([]byte, *wire.Error) {
	b = append(b, r.Method...)
	b = append(b, '\n')
	b = appendPath(b, r.Path)
	b = append(b, '\n')
	b, err := appendQuery(b, r.RawQuery, t)
	if err != nil {
		return nil, err
	}
	b = append(b, '\n')
	for _, name := range s.SignedHeaders {
		b = append(b, name...)
		b = append(b, ':')
		b = appendHeader(b, r, name, t)
		b = append(b, '\n')
	}
	b = append(b, '\n')
	for i, name := range s.SignedHeaders {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	b = append(b, '\n')
	sum := sha256.Sum256(r.Body)
	return hex.AppendEncode(b, sum[:]), nil
}

// appendPath appends the path as every service but S3 wants it: "." and ".."
// resolved (RFC 3986, section 5.2.4), empty segments dropped, and the result
// encoded once more, so that "%" becomes "%25". Path is as sent, not decoded.
func appendPath(b []byte, path string) []byte {
	if path == "" || path == "/" {
		return append(b, '/')
	}
	var kept []string
	segments := strings.Split(path, "/")
	for _, s := range segments {
		switch s {
		case "", ".":
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, s)
		}
	}
	for _, s := range kept {
		b = append(b, '/')
		b = appendEncoded(b, s)
	}
	last := segments[len(segments)-1]
	if len(kept) == 0 || last == "" || last == "." || last == ".." {
		b = append(b, '/')
	}
	return b
}

type parameter struct{ name, value string }

// appendQuery appends the parameters sorted by encoded name and value, without
// the signature itself.
func appendQuery(b []byte, raw string, t tokens) ([]byte, *wire.Error) {
	if raw == "" {
		return b, nil
	}
	params, err := splitQuery(raw)
	if err != nil {
		return nil, err
	}
	params = slices.DeleteFunc(params, func(p parameter) bool { return p.name == querySignature })
	for i, p := range params {
		if t == redacted && p.name == queryToken {
			p.value = redaction
		}
		params[i] = parameter{encoded(p.name), encoded(p.value)}
	}
	slices.SortFunc(params, func(x, y parameter) int {
		return cmp.Or(strings.Compare(x.name, y.name), strings.Compare(x.value, y.value))
	})
	for i, p := range params {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, p.name...)
		b = append(b, '=')
		b = append(b, p.value...)
	}
	return b, nil
}

// splitQuery decodes the parameters in the order sent. A "+" is a space, as it
// is for those who read the parameters afterwards: what is signed and what is
// understood must not differ.
func splitQuery(raw string) ([]parameter, *wire.Error) {
	params := make([]parameter, 0, strings.Count(raw, "&")+1)
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		n, ok := decoded(name)
		v, ok2 := decoded(value)
		if !ok || !ok2 {
			return nil, wire.Errorf(wire.InvalidSignature, "The query string has an incomplete or illegal escape %% sequence.")
		}
		params = append(params, parameter{n, v})
	}
	return params, nil
}

func decoded(s string) (string, bool) {
	if !strings.ContainsAny(s, "%+") {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			b = append(b, ' ')
		case '%':
			if i+3 > len(s) {
				return "", false
			}
			v, err := hex.DecodeString(s[i+1 : i+3])
			if err != nil {
				return "", false
			}
			b = append(b, v[0])
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	return string(b), true
}

func encoded(s string) string {
	for i := range len(s) {
		if !unreserved(s[i]) {
			return string(appendEncoded(make([]byte, 0, 3*len(s)), s))
		}
	}
	return s
}

// appendEncoded escapes all but the unreserved characters of RFC 3986,
// section 2.3.
func appendEncoded(b []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; unreserved(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return b
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~'
}

// appendHeader appends the values of a header joined by commas, each trimmed
// and with runs of spaces made one. A header that is absent has the empty value.
func appendHeader(b []byte, r wire.Request, name string, t tokens) []byte {
	if t == redacted && name == "x-amz-security-token" {
		return append(b, redaction...)
	}
	switch name {
	case "host", ":authority":
		return appendCollapsed(b, r.Host)
	case "content-length":
		if len(header(r.Header, name)) == 0 { // servers may keep it elsewhere
			return strconv.AppendInt(b, int64(len(r.Body)), 10)
		}
	}
	for i, v := range header(r.Header, name) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendCollapsed(b, v)
	}
	return b
}

// header looks up a lower-case name without allocating, which
// http.Header.Values would do.
func header(h http.Header, name string) []string {
	var space [64]byte
	key := append(space[:0], name...)
	upper := true
	for i, c := range key {
		if upper && 'a' <= c && c <= 'z' {
			key[i] = c - 'a' + 'A'
		}
		upper = c == '-'
	}
	return h[string(key)]
}

func appendCollapsed(b []byte, v string) []byte {
	v = strings.Trim(v, " \t\r\n")
	space := false
	for i := range len(v) {
		if v[i] == ' ' && space {
			continue
		}
		space = v[i] == ' '
		b = append(b, v[i])
	}
	return b
}

// checkPayload holds the body against X-Amz-Content-Sha256, if that was sent.
// UNSIGNED-PAYLOAD and the streaming forms are S3's and are refused.
func checkPayload(r wire.Request) *wire.Error {
	sent := r.Header["X-Amz-Content-Sha256"]
	if len(sent) == 0 {
		return nil
	}
	sum := sha256.Sum256(r.Body)
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], sum[:])
	if len(sent) == 1 && bytes.Equal(text[:], []byte(sent[0])) {
		return nil
	}
	return wire.Errorf(wire.InvalidSignature,
		"The value of 'X-Amz-Content-Sha256' must be the SHA-256 of the request body in lower-case hexadecimal digits.")
}
