// Package software is a provider whose material is sealed under the root key
// and used in process memory.
package software

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

const (
	// Name is the provider's name in a material.Ref.
	Name = "software"

	// purpose separates material from all else that the root key seals.
	purpose = "software material"

	defaultOpened  = 64 << 20
	defaultPending = 1_000
)

// Config says how to make a Provider.
type Config struct {
	Root    *seal.RootKey // required: seals the material at rest
	Rand    io.Reader     // nil: crypto/rand; must be safe for concurrent use
	Opened  int           // most bytes that opened keys take in memory, about; 0: 64 MiB
	Pending int           // most Refs remembered for a repeated Generate; 0: 1,000
}

// A Provider implements material.Provider. It is safe for concurrent use.
type Provider struct {
	root    *seal.RootKey
	rand    io.Reader
	opened  *cache[refKey, material.Key]
	pending *cache[string, generation]
}

// refKey is a material.Ref as a map key: all of it, so that a Ref with a
// changed field never finds the key of another.
type refKey struct {
	id, sealed string
	spec       spec.KeySpec
}

// A generation makes its Ref once, however many ask for it.
type generation func() (material.Ref, error)

var (
	_ material.Provider  = (*Provider)(nil)
	_ material.Forgetter = (*Provider)(nil)
)

// New makes a Provider.
func New(c Config) (*Provider, error) {
	if c.Root == nil {
		return nil, errors.New("software provider: Config.Root is required")
	}
	if c.Opened < 0 || c.Pending < 0 {
		return nil, errors.New("software provider: Config.Opened and Config.Pending cannot be negative")
	}
	if c.Rand == nil {
		c.Rand = crand.Reader
	}
	if c.Opened == 0 {
		c.Opened = defaultOpened
	}
	if c.Pending == 0 {
		c.Pending = defaultPending
	}
	return &Provider{
		root: c.Root, rand: c.Rand,
		opened:  newCache[refKey, material.Key](c.Opened),
		pending: newCache[string, generation](c.Pending),
	}, nil
}

// Name implements material.Provider.
func (p *Provider) Name() string { return Name }

// Generate implements material.Provider. It remembers the last Config.Pending
// Refs that it made; a retry comes long before.
func (p *Provider) Generate(ctx context.Context, id string, s spec.KeySpec) (material.Ref, error) {
	if err := ctx.Err(); err != nil {
		return material.Ref{}, err
	}
	if id == "" {
		return material.Ref{}, errors.New("generating material without an id")
	}
	kind, ok := kinds[s]
	if !ok {
		return material.Ref{}, fmt.Errorf("generating %s: %w", s, material.ErrUnsupported)
	}
	made := p.pending.getOrPut(id, sync.OnceValues(func() (material.Ref, error) {
		return p.generate(id, s, kind)
	}), 1)
	ref, err := made()
	if err != nil {
		p.pending.remove(id)
		return material.Ref{}, fmt.Errorf("generating material %s: %w", id, err)
	}
	if ref.Spec != s {
		return material.Ref{}, fmt.Errorf("generating %s as material %s, which is %s", s, id, ref.Spec)
	}
	ref.Sealed = bytes.Clone(ref.Sealed)
	return ref, nil
}

func (p *Provider) generate(id string, s spec.KeySpec, k kind) (material.Ref, error) {
	secret, err := k.generate(p.rand)
	if err != nil {
		return material.Ref{}, err
	}
	return p.keep(id, s, secret)
}

// Import implements material.Importer.
func (p *Provider) Import(ctx context.Context, id string, s spec.KeySpec, secret seal.Secret) (material.Ref, error) {
	if err := ctx.Err(); err != nil {
		return material.Ref{}, err
	}
	kind, ok := kinds[s]
	if !ok || id == "" {
		return material.Ref{}, fmt.Errorf("importing %s: %w", s, material.ErrUnsupported)
	}
	if _, err := kind.open(secret, p.rand); err != nil {
		return material.Ref{}, fmt.Errorf("importing %s: %w: %w", s, material.ErrRef, err)
	}
	return p.keep(id, s, secret)
}

// keep seals a secret to a Ref.
func (p *Provider) keep(id string, s spec.KeySpec, secret seal.Secret) (material.Ref, error) {
	sealed, err := p.root.Seal(purpose, refAAD(id, s), secret.Expose())
	if err != nil {
		return material.Ref{}, err
	}
	return material.Ref{Provider: Name, ID: id, Spec: s, Sealed: sealed}, nil
}

// Open implements material.Provider.
func (p *Provider) Open(ctx context.Context, r material.Ref) (material.Key, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.Provider != Name {
		return nil, fmt.Errorf("opening material %s of provider %q: %w", r.ID, r.Provider, material.ErrRef)
	}
	if key, ok := p.opened.get(refKey{id: r.ID, sealed: string(r.Sealed), spec: r.Spec}); ok {
		return key, nil
	}
	kind, ok := kinds[r.Spec]
	if !ok {
		return nil, fmt.Errorf("opening material %s: %w", r.ID, material.ErrUnsupported)
	}
	secret, err := p.root.Open(purpose, refAAD(r.ID, r.Spec), r.Sealed)
	if errors.Is(err, seal.ErrOpen) {
		return nil, fmt.Errorf("opening material %s: %w: %w", r.ID, material.ErrRef, err)
	}
	if err != nil {
		return nil, fmt.Errorf("opening material %s: %w", r.ID, err)
	}
	key, err := kind.open(secret, p.rand)
	if err != nil {
		return nil, fmt.Errorf("opening material %s: %w", r.ID, err)
	}
	return p.opened.getOrPut(refKey{id: r.ID, sealed: string(r.Sealed), spec: r.Spec}, key, kind.bytes+len(r.ID)+len(r.Sealed)), nil
}

// Opened tells what opened keys are kept in memory, and how often one was
// found there.
type Opened struct {
	Keys, Bytes  int
	Hits, Misses uint64
}

// Opened returns the numbers of now.
func (p *Provider) Opened() Opened {
	var o Opened
	o.Keys, o.Bytes = p.opened.size()
	o.Hits, o.Misses = p.opened.counts()
	return o
}

// Forget implements material.Forgetter.
func (p *Provider) Forget(r material.Ref) {
	p.opened.remove(refKey{id: r.ID, sealed: string(r.Sealed), spec: r.Spec})
	p.pending.remove(r.ID)
}

// refAAD binds sealed material to its place:
//
//	u32 length of id, id, u32 length of spec, spec        big-endian
func refAAD(id string, s spec.KeySpec) []byte {
	b := make([]byte, 0, 8+len(id)+len(s))
	b = binary.BigEndian.AppendUint32(b, uint32(len(id))) // an id is short
	b = append(b, id...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(s))) // a spec is short
	return append(b, s...)
}
