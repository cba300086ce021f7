package seal

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// hidden is all that a Secret ever prints.
const hidden = "secret"

// A Secret is bytes that must not be seen: it prints, logs and marshals as the
// word "secret", whatever the verb. The zero value is a secret of no bytes.
// Secrets are neither == nor reflect.DeepEqual: see Equal.
//
// The bytes sit in a closure because fmt does not call the methods of
// unexported fields, follows pointers when a verb does not fit, and cannot
// look into a function: inside another struct a Secret prints as an address.
type Secret struct {
	expose func() []byte
}

// NewSecret takes ownership of b: the caller must neither keep nor change it.
func NewSecret(b []byte) Secret {
	return Secret{expose: func() []byte { return b }}
}

// Expose returns the bytes themselves, not a copy. The caller must not change
// them, and must not put them where they can be printed.
func (s Secret) Expose() []byte {
	if s.expose == nil {
		return nil
	}
	return s.expose()
}

// Equal compares in a time that depends on the lengths only.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare(s.Expose(), other.Expose()) == 1
}

// String implements fmt.Stringer.
func (Secret) String() string { return hidden }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return hidden }

// Format implements fmt.Formatter, for the verbs that String does not cover.
func (Secret) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte(hidden)) // fmt keeps no error
}

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON implements json.Marshaler.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }
