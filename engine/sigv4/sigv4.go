// Package sigv4 verifies Signature Version 4 of AWS requests.
//
// It does no I/O and has no clock of its own. A request passes three steps,
// and the caller looks up the secret between the second and the third:
// [Parse] reads the signature, [Signature.Check] judges its time and scope,
// and [Signature.Verify] recomputes it. Rules are those of the IAM User Guide,
// "AWS Signature Version 4 for API requests"; error texts are those that the
// service was seen to give.
package sigv4

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/wire"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	basic      = "20060102T150405Z"
)

// windows tells how far, per service, the time of a signature may lie from the
// server's, in either direction. KMS was seen to grant 5 minutes and STS 15;
// a service that is not listed gets defaultWindow.
var windows = map[string]time.Duration{
	"kms": 5 * time.Minute,
	"sts": 15 * time.Minute,
}

const defaultWindow = 5 * time.Minute

// A Signature is what a request says about who signed it, and how. Nothing of
// it is true before Verify has said so. It is immutable and safe for
// concurrent use.
type Signature struct {
	AccessKeyID string
	Date        string // the scope's day, such as "20261123"
	Region      string
	Service     string

	// Time is when the request was signed, by the signer's clock.
	Time time.Time

	// Expires is how long a presigned request says it may be used, counted
	// from Time; zero if it does not say, or is not presigned.
	Expires time.Duration

	// SignedHeaders are lower-case, sorted and unique.
	SignedHeaders []string

	// SessionToken is empty for long-term credentials.
	SessionToken seal.Secret

	// Presigned is true if the signature came in the query string.
	Presigned bool

	terminator string // the scope's last element; Check compares it
	timeText   string // Time in basic format, as the string to sign has it
	mac        string // the signature proper, as sent
}

// A Scope is what a signature must have been made for.
type Scope struct {
	Service string
	Regions []string // any of these
}

// Check judges what can be judged without the secret: the time of the
// signature and its scope. It runs before the access key is looked up, so that
// an old or misdirected request tells nothing about keys.
func (s Signature) Check(want Scope, now time.Time) *wire.Error {
	if err := s.current(want.Service, now); err != nil {
		return err
	}
	var faults []string
	if !slices.Contains(want.Regions, s.Region) {
		faults = append(faults, "Credential should be scoped to a valid Region, not '"+s.Region+"'.")
	}
	if s.Service != want.Service {
		faults = append(faults, "Credential should be scoped to correct service: '"+want.Service+"'.")
	}
	if s.terminator != terminator {
		faults = append(faults, "Credential should be scoped with a valid terminator: '"+terminator+"', not '"+s.terminator+"'.")
	}
	if s.Date != s.timeText[:8] {
		faults = append(faults, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '"+
			s.Date+"' != '"+s.timeText[:8]+"', from '"+s.timeText+"'.")
	}
	if len(faults) > 0 {
		return wire.Errorf(wire.InvalidSignature, "%s", strings.Join(faults, " "))
	}
	return nil
}

// current refuses a signature outside the service's window around now, and a
// presigned one also after its own expiry. The expiry can only shorten the
// window: STS was seen to ignore a longer one.
func (s Signature) current(service string, now time.Time) *wire.Error {
	window, ok := windows[service]
	if !ok {
		window = defaultWindow
	}
	now = now.UTC().Truncate(time.Second)
	minutes := int(window / time.Minute)
	if latest := now.Add(window); s.Time.After(latest) {
		return wire.Errorf(wire.InvalidSignature, "Signature not yet current: %s is still later than %s (%s + %d min.)",
			s.timeText, latest.Format(basic), now.Format(basic), minutes)
	}
	if earliest := now.Add(-window); s.Time.Before(earliest) {
		return wire.Errorf(wire.InvalidSignature, "Signature expired: %s is now earlier than %s (%s - %d min.)",
			s.timeText, earliest.Format(basic), now.Format(basic), minutes)
	}
	if earliest := now.Add(-s.Expires); s.Expires > 0 && s.Time.Before(earliest) {
		return wire.Errorf(wire.InvalidSignature, "Signature expired: %s is now earlier than %s (%s - %d sec.)",
			s.timeText, earliest.Format(basic), now.Format(basic), int(s.Expires/time.Second))
	}
	return nil
}

// Verify reports whether secret signed r, the request that s was parsed from,
// and whether it did so within the window around now. A Cache does the same
// with less work.
func (s Signature) Verify(r wire.Request, secret seal.Secret, now time.Time) *wire.Error {
	return s.verify(r, now, newSigner(deriveKey(secret, s.Date, s.Region, s.Service)))
}

// buffers are for canonical requests, which are as long as a request's headers.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

func (s Signature) verify(r wire.Request, now time.Time, by *signer) *wire.Error {
	if err := s.current(s.Service, now); err != nil {
		return err
	}
	if err := checkPayload(r); err != nil {
		return err
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	canonical, err := s.appendCanonical((*buffer)[:0], r, plain)
	if err != nil {
		return err
	}
	*buffer = canonical[:0]
	defer clear(canonical) // it may hold a session token
	toSign := s.stringToSign(canonical)
	var text [2 * sha256.Size]byte
	sum := by.sign(toSign)
	hex.Encode(text[:], sum[:])
	if subtle.ConstantTimeCompare(text[:], []byte(s.mac)) != 1 {
		return s.mismatch(r, toSign)
	}
	return nil
}

// stringToSign is
//
//	AWS4-HMAC-SHA256 LF time LF day/Region/service/aws4_request LF hex(SHA-256(canonical request))
func (s Signature) stringToSign(canonical []byte) []byte {
	sum := sha256.Sum256(canonical)
	b := make([]byte, 0, 192)
	b = append(b, algorithm...)
	b = append(b, '\n')
	b = append(b, s.timeText...)
	b = append(b, '\n')
	for _, part := range [...]string{s.Date, s.Region, s.Service} {
		b = append(b, part...)
		b = append(b, '/')
	}
	b = append(b, terminator...)
	b = append(b, '\n')
	return hex.AppendEncode(b, sum[:])
}

// mismatch shows the client what should have been signed, as the service does,
// except that a session token is replaced: errors are logged.
func (s Signature) mismatch(r wire.Request, toSign []byte) *wire.Error {
	shown, err := s.appendCanonical(nil, r, redacted)
	if err != nil {
		return err
	}
	return wire.Errorf(wire.InvalidSignature,
		"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "+
			"and signing method. Consult the service documentation for details.\n\n"+
			"The Canonical String for this request should have been\n'%s'\n\nThe String-to-Sign should have been\n'%s'\n",
		shown, toSign)
}
