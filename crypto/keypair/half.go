package keypair

import (
	"bytes"
	"fmt"
	"log/slog"

	"github.com/keyreeve/keyreeve/crypto/spec"
)

// half is what may be known of a pair: its spec and its public key.
type half struct {
	spec   spec.KeySpec
	public []byte // SubjectPublicKeyInfo
}

func (h half) Spec() spec.KeySpec { return h.spec }

// Public implements material.Pair. The result is the caller's own.
func (h half) Public() []byte { return bytes.Clone(h.public) }

// A pair prints as its spec, whatever the verb: the private key is next to it.

func (h half) String() string               { return string(h.spec) + " pair" }
func (h half) GoString() string             { return h.String() }
func (h half) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(h.String())) }
func (h half) LogValue() slog.Value         { return slog.StringValue(h.String()) }
func (h half) MarshalJSON() ([]byte, error) { return []byte(`"` + h.String() + `"`), nil }
