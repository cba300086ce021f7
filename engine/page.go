package engine

import (
	"crypto/hmac"
	"encoding/base64"

	"github.com/keyreeve/keyreeve/engine/wire"
)

// A limit is how many entries one page of a listing holds.
type limit struct{ most, usual int32 }

// limits are narrower than the model's shape (PAG-01).
var limits = map[string]limit{
	"ListKeys":            {1000, 100},
	"ListAliases":         {100, 50},
	"ListResourceTags":    {50, 50},
	"ListKeyPolicies":     {1000, 100},
	"ListKeyRotations":    {1000, 100},
	"ListGrants":          {100, 50},
	"ListRetirableGrants": {100, 50},

	"DescribeCustomKeyStores": {1000, 100},
}

// A page is where a listing goes on and how far.
type page struct {
	after string // last entry of the page before; empty at the start
	limit int
	code  func(after string) ([]byte, error) // authenticates a marker of the listing
}

// markerPurpose separates codes of markers from others.
const markerPurpose = "list marker"

// markerCode is how many bytes of a code stand in a marker.
const markerCode = 16

// page reads Limit and Marker of a listing: what an operation lists of
// something, a key or a principal, or of the account if that is empty.
//
// A marker names the last entry that was given, so that the listing goes on at
// the same place whatever was added or removed meanwhile (PAG-03, PAG-04). It
// is of one listing, account and Region, and nobody else can make one.
//
//	base64url(code | last entry)
//	code = the first 16 bytes of a code of operation, account, Region, something, last entry
func (s *Scope) page(operation, of string, lim *int32, marker *string) (page, error) {
	l := limits[operation]
	n := either(lim, l.usual)
	if n > l.most {
		return page{}, wire.Errorf(wire.Validation, "1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value less than or equal to %d", n, l.most)
	}
	p := page{limit: int(n), code: func(after string) ([]byte, error) {
		code, err := s.engine.cfg.Root.Code(markerPurpose, []byte(operation), []byte(s.Caller.Account), []byte(s.Region), []byte(of), []byte(after))
		return code[:markerCode], err
	}}
	if marker == nil {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(*marker)
	if err != nil || len(raw) <= markerCode {
		return page{}, errMarker()
	}
	p.after = string(raw[markerCode:])
	code, err := p.code(p.after)
	if err == nil && !hmac.Equal(code, raw[:markerCode]) {
		err = errMarker()
	}
	return p, err
}

func errMarker() error { return wire.Errorf(wire.InvalidMarker, "The marker is not valid.") }

// next is the marker that goes on behind the entry last.
func (p page) next(last string) (*string, error) {
	code, err := p.code(last)
	return new(base64.RawURLEncoding.EncodeToString(append(code, last...))), err
}

// deref is the value behind p, or the zero value.
func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// either is the value behind p, or otherwise.
func either[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}
