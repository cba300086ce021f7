package sigv4

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/wire"
)

// Names of the query form's parameters; they are case-sensitive.
const (
	queryAlgorithm  = "X-Amz-Algorithm"
	queryCredential = "X-Amz-Credential"
	queryDate       = "X-Amz-Date"
	queryExpires    = "X-Amz-Expires"
	queryHeaders    = "X-Amz-SignedHeaders"
	querySignature  = "X-Amz-Signature"
	queryToken      = "X-Amz-Security-Token"
)

// maxExpires is the longest life of a presigned request, seven days.
const maxExpires = 7 * 24 * time.Hour

// maxNames bounds what an unknown client can make us compare. Clients sign
// ten headers or so.
const maxNames = 100

// fields are the parts of a signature as sent, before they are judged.
type fields struct {
	algorithm, credential, signedHeaders, signature, date, expires, token string
}

// Parse reads the signature of r, from the Authorization header or the query
// string. It refuses a request that has none, both, or an incomplete one, and
// one that leaves a header unsigned that must be signed: the host, and all
// headers whose names begin with "x-amz-".
func Parse(r wire.Request) (Signature, *wire.Error) {
	f, presigned, err := read(r)
	if err != nil {
		return Signature{}, err
	}
	s := Signature{Presigned: presigned, mac: f.signature}
	if len(f.token) > 0 {
		s.SessionToken = seal.NewSecret([]byte(f.token))
	}
	if s.Time, s.timeText, err = parseTime(f.date); err != nil {
		return Signature{}, err
	}
	if s.Expires, err = parseExpires(f.expires); err != nil {
		return Signature{}, err
	}
	if s.SignedHeaders, err = parseSignedHeaders(f.signedHeaders, r.Header); err != nil {
		return Signature{}, err
	}
	if f.algorithm != algorithm {
		return Signature{}, wire.Errorf(wire.IncompleteSignature, "Unsupported AWS 'algorithm': '%s' (only %s for now). ", f.algorithm, algorithm)
	}
	if err := s.setScope(f.credential); err != nil {
		return Signature{}, err
	}
	return s, nil
}

func read(r wire.Request) (f fields, presigned bool, err *wire.Error) {
	auth := r.Header["Authorization"]
	inQuery := strings.Contains(r.RawQuery, queryAlgorithm+"=") || strings.Contains(r.RawQuery, querySignature+"=")
	switch {
	case inQuery && len(auth) > 0, len(auth) > 1:
		return f, false, wire.Errorf(wire.InvalidSignature, "Only one signature is allowed in a request.")
	case inQuery:
		f, err = readQuery(r.RawQuery)
		return f, true, err
	case len(auth) == 0 || !strings.HasPrefix(strings.TrimSpace(auth[0]), "AWS4-"):
		return f, false, wire.Errorf(wire.MissingAuthenticationToken, "Request is missing Authentication Token")
	}
	f, err = readHeader(r.Header, strings.TrimSpace(auth[0]))
	return f, false, err
}

// readHeader reads
//
//	AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…
//
// where the parts stand in any order. The header is never repeated in an
// error, only its digest, as the service does.
func readHeader(h http.Header, auth string) (f fields, err *wire.Error) {
	var rest string
	f.algorithm, rest, _ = strings.Cut(auth, " ")
	for part := range strings.SplitSeq(rest, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return f, wire.Errorf(wire.IncompleteSignature,
				"Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '%s'.", digest(auth))
		}
		to := f.part(name)
		if to == nil || *to != "" {
			return f, wire.Errorf(wire.IncompleteSignature,
				"Authorization header has an unknown or repeated parameter. (Hashed with SHA-256 and encoded with Base64) Authorization=%s", digest(auth))
		}
		*to = value
	}
	if f.date, err = one(h, "X-Amz-Date"); err == nil && f.date == "" {
		f.date, err = one(h, "Date")
	}
	if err != nil {
		return f, err
	}
	if f.token, err = one(h, "X-Amz-Security-Token"); err != nil {
		return f, err
	}
	var missing strings.Builder
	for _, p := range [...]parameter{{"Credential", f.credential}, {"Signature", f.signature}, {"SignedHeaders", f.signedHeaders}} {
		if p.value == "" {
			missing.WriteString("Authorization header requires '" + p.name + "' parameter. ")
		}
	}
	if f.date == "" {
		missing.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	if missing.Len() > 0 {
		return f, wire.Errorf(wire.IncompleteSignature, "%s(Hashed with SHA-256 and encoded with Base64) Authorization=%s", missing.String(), digest(auth))
	}
	return f, nil
}

// part is the part that a parameter of the header is; nil for what is none.
func (f *fields) part(name string) *string {
	switch name {
	case "Credential":
		return &f.credential
	case "SignedHeaders":
		return &f.signedHeaders
	case "Signature":
		return &f.signature
	}
	return nil
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// one is the value of a header that may stand once.
func one(h http.Header, name string) (string, *wire.Error) {
	switch v := h[name]; len(v) {
	case 0:
		return "", nil
	case 1:
		return v[0], nil
	default:
		return "", wire.Errorf(wire.InvalidSignature, "The '%s' header may occur only once in a signed request.", name)
	}
}

func readQuery(raw string) (f fields, err *wire.Error) {
	params, err := splitQuery(raw)
	if err != nil {
		return f, err
	}
	to := map[string]*string{
		queryAlgorithm: &f.algorithm, queryCredential: &f.credential, queryDate: &f.date, queryExpires: &f.expires,
		queryHeaders: &f.signedHeaders, querySignature: &f.signature, queryToken: &f.token,
	}
	for _, p := range params {
		field, ok := to[p.name]
		switch {
		case !ok:
		case *field != "":
			return f, wire.Errorf(wire.InvalidSignature, "The '%s' query-string parameter may occur only once in a signed request.", p.name)
		default:
			*field = p.value
		}
	}
	var missing strings.Builder
	for _, name := range []string{queryAlgorithm, queryCredential, querySignature, queryHeaders, queryDate} {
		if *to[name] == "" {
			missing.WriteString("AWS query-string parameters must include '" + name + "'. ")
		}
	}
	if missing.Len() > 0 {
		return f, wire.Errorf(wire.IncompleteSignature, "%sRe-examine the query-string parameters.", missing.String())
	}
	return f, nil
}

// parseTime reads the ISO 8601 basic format, or a date of RFC 9110, and gives
// it back also as the string to sign has it.
func parseTime(text string) (time.Time, string, *wire.Error) {
	if t, err := time.Parse(basic, text); err == nil && len(text) == len(basic) {
		return t, text, nil
	}
	if t, err := http.ParseTime(text); err == nil {
		t = t.UTC()
		return t, t.Format(basic), nil
	}
	return time.Time{}, "", wire.Errorf(wire.IncompleteSignature,
		"Date must be in ISO-8601 'basic format'. Got '%.64s'. See http://en.wikipedia.org/wiki/ISO_8601", text)
}

func parseExpires(text string) (time.Duration, *wire.Error) {
	if text == "" {
		return 0, nil
	}
	seconds, err := strconv.ParseUint(text, 10, 32)
	if d := time.Duration(seconds) * time.Second; err == nil && 0 < d && d <= maxExpires {
		return d, nil
	}
	return 0, wire.Errorf(wire.InvalidSignature, "X-Amz-Expires must be a number of seconds from 1 to %d", maxExpires/time.Second)
}

func parseSignedHeaders(list string, h http.Header) ([]string, *wire.Error) {
	names := strings.Split(strings.ToLower(list), ";")
	if len(names) > maxNames {
		return nil, wire.Errorf(wire.InvalidSignature, "'SignedHeaders' may have at most %d names.", maxNames)
	}
	for _, name := range names {
		if !validName(name) {
			return nil, wire.Errorf(wire.InvalidSignature, "A name in 'SignedHeaders' is not the name of a header.")
		}
	}
	if !slices.IsSorted(names) {
		slices.Sort(names)
	}
	names = slices.Compact(names)
	signed := func(name string) bool { _, ok := slices.BinarySearch(names, name); return ok }
	if !signed("host") && !signed(":authority") {
		return nil, wire.Errorf(wire.InvalidSignature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for name := range h {
		const prefix = "x-amz-"
		if len(name) < len(prefix) || !strings.EqualFold(name[:len(prefix)], prefix) {
			continue
		}
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			return nil, wire.Errorf(wire.InvalidSignature, "'%s' must be a 'SignedHeader' in the AWS Authorization.", name)
		}
	}
	return names, nil
}

// validName tells whether s is a token (RFC 9110, section 5.6.2) or the
// pseudo-header :authority. Anything else could move the borders between the
// lines of the canonical request.
func validName(s string) bool {
	if s == ":authority" {
		return true
	}
	for i := range len(s) {
		if c := s[i]; !unreserved(c) && !strings.ContainsRune("!#$%&'*+^`|", rune(c)) {
			return false
		}
	}
	return s != ""
}

// setScope reads keyid/date/region/service/term. The words are kept as they
// are; Check compares them.
func (s *Signature) setScope(credential string) *wire.Error {
	var parts [5]string
	n := 0
	for part := range strings.SplitSeq(strings.TrimRight(credential, "/"), "/") {
		if n < len(parts) {
			parts[n] = part
		}
		n++
	}
	if n != len(parts) {
		return wire.Errorf(wire.IncompleteSignature,
			"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%.256s'", credential)
	}
	s.AccessKeyID, s.Date, s.Region, s.Service, s.terminator = parts[0], parts[1], parts[2], parts[3], parts[4]
	return nil
}
