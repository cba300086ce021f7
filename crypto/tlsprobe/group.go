package tlsprobe

import (
	"crypto/ecdh"
	"fmt"
	"io"
	"slices"

	"github.com/cloudflare/circl/kem"
	"github.com/cloudflare/circl/kem/kyber/kyber768"
	"github.com/cloudflare/circl/kem/mlkem/mlkem1024"
	"github.com/cloudflare/circl/kem/mlkem/mlkem768"
)

// A Group is a key exchange of TLS 1.3 (IANA, TLS Supported Groups).
type Group uint16

// The groups that a probe can offer.
const (
	X25519MLKEM768     Group = 4588
	SecP256r1MLKEM768  Group = 4587
	SecP384r1MLKEM1024 Group = 4589
	X25519             Group = 29
	P256               Group = 23
	P384               Group = 24
	P521               Group = 25

	// X25519Kyber768Draft00 is the hybrid of before ML-KEM was a standard
	// (draft-tls-westerbaan-xyber768d00). It is offered only when asked for.
	X25519Kyber768Draft00 Group = 0x6399
)

// A groupInfo says what a group is made of. Key shares and secrets of a hybrid
// are those of its parts, one after the other (draft-ietf-tls-ecdhe-mlkem
// section 4; X25519MLKEM768 alone has the KEM first).
type groupInfo struct {
	id    Group
	name  string
	kind  string
	parts []part
}

var groups = []groupInfo{
	{X25519MLKEM768, "X25519MLKEM768", "hybrid, post-quantum", []part{encapsulation(mlkem768.Scheme()), diffieHellman(ecdh.X25519(), 32)}},
	{SecP256r1MLKEM768, "SecP256r1MLKEM768", "hybrid, post-quantum", []part{diffieHellman(ecdh.P256(), 65), encapsulation(mlkem768.Scheme())}},
	{SecP384r1MLKEM1024, "SecP384r1MLKEM1024", "hybrid, post-quantum", []part{diffieHellman(ecdh.P384(), 97), encapsulation(mlkem1024.Scheme())}},
	{X25519, "X25519", "classical", []part{diffieHellman(ecdh.X25519(), 32)}},
	{P256, "P-256", "classical", []part{diffieHellman(ecdh.P256(), 65)}},
	{P384, "P-384", "classical", []part{diffieHellman(ecdh.P384(), 97)}},
	{P521, "P-521", "classical", []part{diffieHellman(ecdh.P521(), 133)}},
	{X25519Kyber768Draft00, "X25519Kyber768Draft00", "hybrid, obsolete draft", []part{diffieHellman(ecdh.X25519(), 32), encapsulation(kyber768.Scheme())}},
}

// Groups returns what a probe offers when it is not told: the hybrid groups,
// then the classical ones.
func Groups() []Group {
	return []Group{X25519MLKEM768, SecP256r1MLKEM768, SecP384r1MLKEM1024, X25519, P256, P384, P521}
}

// PostQuantum tells whether the group holds against a quantum computer by a
// standard KEM.
func (g Group) PostQuantum() bool {
	return slices.Contains([]Group{X25519MLKEM768, SecP256r1MLKEM768, SecP384r1MLKEM1024}, g)
}

// String names the group as its registration does.
func (g Group) String() string {
	if info, ok := g.info(); ok {
		return info.name
	}
	return fmt.Sprintf("group %#04x", uint16(g))
}

// MarshalText implements encoding.TextMarshaler.
func (g Group) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

func (g Group) kind() string {
	if info, ok := g.info(); ok {
		return info.kind
	}
	return "unknown"
}

func (g Group) info() (groupInfo, bool) {
	i := slices.IndexFunc(groups, func(info groupInfo) bool { return info.id == g })
	if i < 0 {
		return groupInfo{}, false
	}
	return groups[i], true
}

// A part is one key exchange of which a group is made.
type part struct {
	peer  int // size of the server's share, in bytes
	start func(rand io.Reader) (share []byte, finish finish, err error)
}

// finish computes the shared secret from the server's share.
type finish func(peer []byte) ([]byte, error)

// start begins the exchange of a group: it makes the client's share.
func (g Group) start(rand io.Reader) ([]byte, finish, error) {
	info, ok := g.info()
	if !ok {
		return nil, nil, fmt.Errorf("%s is not known", g)
	}
	var share []byte
	finishes := make([]finish, len(info.parts))
	for i, p := range info.parts {
		s, f, err := p.start(rand)
		if err != nil {
			return nil, nil, fmt.Errorf("making a key share of %s: %w", g, err)
		}
		share, finishes[i] = append(share, s...), f
	}
	return share, info.finish(finishes), nil
}

func (info groupInfo) finish(finishes []finish) finish {
	return func(peer []byte) ([]byte, error) {
		var secret []byte
		for i, p := range info.parts {
			if len(peer) < p.peer {
				return nil, fmt.Errorf("key share of %s is too short", info.name)
			}
			s, err := finishes[i](peer[:p.peer])
			if err != nil {
				return nil, fmt.Errorf("key share of %s: %w", info.name, err)
			}
			secret, peer = append(secret, s...), peer[p.peer:]
		}
		if len(peer) > 0 {
			return nil, fmt.Errorf("key share of %s is too long", info.name)
		}
		return secret, nil
	}
}

func diffieHellman(curve ecdh.Curve, size int) part {
	return part{size, func(rand io.Reader) ([]byte, finish, error) {
		private, err := curve.GenerateKey(rand)
		if err != nil {
			return nil, nil, err
		}
		return private.PublicKey().Bytes(), func(peer []byte) ([]byte, error) {
			public, err := curve.NewPublicKey(peer)
			if err != nil {
				return nil, err
			}
			return private.ECDH(public)
		}, nil
	}}
}

func encapsulation(scheme kem.Scheme) part {
	return part{scheme.CiphertextSize(), func(rand io.Reader) ([]byte, finish, error) {
		seed := make([]byte, scheme.SeedSize())
		if _, err := io.ReadFull(rand, seed); err != nil {
			return nil, nil, err
		}
		public, private := scheme.DeriveKeyPair(seed)
		share, err := public.MarshalBinary()
		return share, func(peer []byte) ([]byte, error) { return scheme.Decapsulate(private, peer) }, err
	}}
}
