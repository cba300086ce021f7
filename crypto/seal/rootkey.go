// Package seal keeps the root key, under which every secret record is sealed.
package seal

import (
	"bytes"
	"crypto/hkdf"
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

const (
	recordVersion    = 1
	rootIDSize       = 8
	recordHeaderSize = 1 + rootIDSize
)

// A RootKey seals records, each for a purpose. It is safe for concurrent use.
//
//	 0         1         9                  9+60+n
//	+---------+---------+------------------+
//	| version | root id | what Key sealed  |
//	| 1       |         |                  |
//	+---------+---------+------------------+
//
//	label of the Key = "keyreeve record 1" 0x00 purpose
//	its associated data = version, root id, the caller's
//
// The root id is derived from the root key. It tells which root key a record
// needs, so that one that belongs elsewhere is told apart from a damaged one.
type RootKey struct {
	secret Secret
	id     [rootIDSize]byte
	rand   io.Reader
}

func newRootKey(secret Secret, rand io.Reader) (*RootKey, error) {
	id, err := hkdf.Key(sha256.New, secret.Expose(), nil, "keyreeve root key id 1", rootIDSize)
	if err != nil {
		return nil, fmt.Errorf("deriving the id of the root key: %w", err)
	}
	if rand == nil {
		rand = crand.Reader
	}
	return &RootKey{secret: secret, id: [rootIDSize]byte(id), rand: rand}, nil
}

// ID names the root key in 16 hexadecimal digits, and says nothing about its
// bytes.
func (k *RootKey) ID() string { return hex.EncodeToString(k.id[:]) }

// Seal seals plaintext for purpose, a constant of the calling package, bound to
// aad, which says where the record belongs.
func (k *RootKey) Seal(purpose string, aad, plaintext []byte) ([]byte, error) {
	key, err := k.key(purpose)
	if err != nil {
		return nil, err
	}
	sealed := make([]byte, 0, recordHeaderSize+len(plaintext)+Overhead)
	sealed = append(sealed, recordVersion)
	sealed = append(sealed, k.id[:]...)
	return key.Seal(sealed, plaintext, recordAAD(sealed, aad))
}

// Open returns the plaintext of a record that Seal made with the same root key,
// purpose and aad. Every other record is ErrOpen.
func (k *RootKey) Open(purpose string, aad, sealed []byte) (Secret, error) {
	key, err := k.key(purpose)
	if err != nil {
		return Secret{}, err
	}
	if len(sealed) < recordHeaderSize || sealed[0] != recordVersion {
		return Secret{}, fmt.Errorf("a record of unknown form: %w", ErrOpen)
	}
	header, body := sealed[:recordHeaderSize], sealed[recordHeaderSize:]
	if id := header[1:]; !bytes.Equal(id, k.id[:]) {
		return Secret{}, fmt.Errorf("a record sealed under root key %x, not %s: %w", id, k.ID(), ErrOpen)
	}
	return key.Open(body, recordAAD(header, aad))
}

func (k *RootKey) key(purpose string) (*Key, error) {
	if purpose == "" {
		return nil, errors.New("sealing without a purpose")
	}
	return NewKey(k.secret, "keyreeve record 1\x00"+purpose, k.rand)
}

// recordAAD needs no length prefix: the header has one length.
func recordAAD(header, aad []byte) []byte {
	return append(bytes.Clone(header), aad...)
}

// String implements fmt.Stringer: it names the key.
func (k *RootKey) String() string { return "root key " + k.ID() }

// GoString implements fmt.GoStringer.
func (k *RootKey) GoString() string { return k.String() }

// LogValue implements slog.LogValuer.
func (k *RootKey) LogValue() slog.Value { return slog.StringValue(k.String()) }
