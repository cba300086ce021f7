package engine

import (
	"encoding/base64"
	"strings"

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
	operation string
	after     string // last entry of the page before; empty at the start
	limit     int
}

// page reads Limit and Marker. A marker names the operation that gave it and
// the last entry given, so that a listing goes on at the same place whatever
// was added or removed meanwhile (PAG-03, PAG-04).
func (s *Scope) page(operation string, lim *int32, marker *string) (page, error) {
	l := limits[operation]
	n := either(lim, l.usual)
	if n > l.most {
		return page{}, wire.Errorf(wire.Validation, "1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value less than or equal to %d", n, l.most)
	}
	p := page{operation: operation, limit: int(n)}
	if marker == nil {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(*marker)
	after, ours := strings.CutPrefix(string(raw), operation+"\x00")
	if err != nil || !ours || after == "" {
		return page{}, wire.Errorf(wire.InvalidMarker, "The marker is not valid.")
	}
	p.after = after
	return p, nil
}

// next is the marker that goes on behind the entry last.
func (p page) next(last string) *string {
	return new(base64.RawURLEncoding.EncodeToString([]byte(p.operation + "\x00" + last)))
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
