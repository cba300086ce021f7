package keypair_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/keypair"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// oneKey is PKCS #8, ecKey RFC 5915, rsaKey RFC 8017, appendix A.1.2, spkiKey
// RFC 5280. What is More comes last and does not belong there.
type (
	oneKey struct {
		Version    int
		Algorithm  pkix.AlgorithmIdentifier
		Key        []byte
		Attributes asn1.RawValue  `asn1:"optional,tag:0"`
		Public     asn1.BitString `asn1:"optional,tag:1"`
		More       asn1.RawValue  `asn1:"optional"`
	}
	ecKey struct {
		Version int
		Key     []byte
		Curve   asn1.ObjectIdentifier `asn1:"optional,explicit,tag:0"`
		Public  asn1.BitString        `asn1:"optional,explicit,tag:1"`
		More    asn1.RawValue         `asn1:"optional"`
	}
	rsaKey struct {
		Version                          int
		N, E, D, P, Q, DP, DQ, QInverted *big.Int
		More                             asn1.RawValue `asn1:"optional"`
	}
	spkiKey struct {
		Algorithm struct {
			Algorithm  asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
			More       asn1.RawValue `asn1:"optional"`
		}
		Key  asn1.BitString
		More asn1.RawValue `asn1:"optional"`
	}
)

var null = asn1.RawValue{FullBytes: []byte{5, 0}}

func bits(b []byte) asn1.BitString { return asn1.BitString{Bytes: b, BitLength: 8 * len(b)} }

func decode[T any](t *testing.T, der []byte) (value T) {
	t.Helper()
	rest, err := asn1.Unmarshal(der, &value)
	require.NoError(t, err)
	require.Empty(t, rest)
	return value
}

func encode(t *testing.T, value any) []byte {
	t.Helper()
	der, err := asn1.Marshal(value)
	require.NoError(t, err)
	return der
}

// publicBits is what a SubjectPublicKeyInfo holds of a key.
func publicBits(t *testing.T, info []byte) []byte {
	t.Helper()
	return decode[spkiKey](t, info).Key.Bytes
}

// otherForms are documents of the key of one, and documents that hold more
// than a key or one that is not its own.
func otherForms(t *testing.T, s spec.KeySpec, der, info, stranger []byte) (same, wrong map[string][]byte) {
	t.Helper()
	outer := func(change func(*oneKey)) []byte {
		o := decode[oneKey](t, der)
		change(&o)
		return encode(t, o)
	}
	public, other := publicBits(t, info), publicBits(t, stranger)
	attribute := asn1.RawValue{FullBytes: []byte{0xa0, 0x0d, 0x30, 0x0b, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x31, 0x04, 0x03, 0x02, 0x07, 0x80}}
	same = map[string][]byte{
		"as it was made":      der,
		"with a public half":  outer(func(o *oneKey) { o.Version, o.Public = 1, bits(public) }),
		"with its attributes": outer(func(o *oneKey) { o.Attributes = attribute }),
	}
	wrong = map[string][]byte{
		"another public half":         outer(func(o *oneKey) { o.Version, o.Public = 1, bits(other) }),
		"NULL at the end":             outer(func(o *oneKey) { o.More = null }),
		"bytes after it":              append(bytes.Clone(der), 0),
		"bytes after the private key": outer(func(o *oneKey) { o.Key = append(o.Key, 5, 0) }),
	}
	switch s {
	case spec.RSA2048, spec.RSA3072, spec.RSA4096:
		rsaForms(t, outer, same, wrong)
	case spec.ECCNISTP256, spec.ECCNISTP384, spec.ECCNISTP521, spec.ECCSECGP256K1, spec.SM2:
		ecForms(t, outer, public, other, same, wrong)
	}
	return same, wrong
}

func rsaForms(t *testing.T, outer func(func(*oneKey)) []byte, same, wrong map[string][]byte) {
	t.Helper()
	inner := func(change func(*rsaKey)) []byte {
		return outer(func(o *oneKey) {
			k := decode[rsaKey](t, o.Key)
			change(&k)
			o.Key = encode(t, k)
		})
	}
	less := func(n *big.Int) *big.Int { return new(big.Int).Sub(n, big.NewInt(1)) }
	same["with its primes in the other order"] = inner(func(k *rsaKey) {
		k.P, k.Q, k.DP, k.DQ = k.Q, k.P, k.DQ, k.DP
		k.QInverted = new(big.Int).ModInverse(k.Q, k.P)
	})
	same["with d modulo φ(n)"] = inner(func(k *rsaKey) { k.D.ModInverse(k.E, new(big.Int).Mul(less(k.P), less(k.Q))) })
	wrong["NULL within the private key"] = inner(func(k *rsaKey) { k.More = null })
	wrong["a private exponent that is not its own"] = inner(func(k *rsaKey) { k.D.Add(k.D, big.NewInt(2)) })
}

func ecForms(t *testing.T, outer func(func(*oneKey)) []byte, public, other []byte, same, wrong map[string][]byte) {
	t.Helper()
	inner := func(change func(*ecKey)) []byte {
		return outer(func(o *oneKey) {
			k := decode[ecKey](t, o.Key)
			change(&k)
			o.Key = encode(t, k)
		})
	}
	x, odd := public[1:1+len(public)/2], public[len(public)-1]&1
	point := func(p ...[]byte) func(*ecKey) { return func(k *ecKey) { k.Public = bits(slices.Concat(p...)) } }
	same["without its point"] = inner(func(k *ecKey) { k.Public = asn1.BitString{} })
	same["with its point compressed"] = inner(point([]byte{2 | odd}, x))
	same["with its point in hybrid form"] = inner(point([]byte{6 | odd}, public[1:]))
	same["with its curve twice"] = outer(func(o *oneKey) {
		k := decode[ecKey](t, o.Key)
		k.Curve = decode[asn1.ObjectIdentifier](t, o.Algorithm.Parameters.FullBytes)
		o.Key = encode(t, k)
	})
	wrong["the other root as its point"] = inner(point([]byte{3 ^ odd}, x))
	wrong["another point"] = inner(point(other))
	wrong["two curves"] = inner(func(k *ecKey) { k.Curve = asn1.ObjectIdentifier{1, 3, 132, 0, 33} })
	wrong["NULL within the private key"] = inner(func(k *ecKey) { k.More = null })
}

// TestAKeyHasOneForm (IM-033, IM-089): one key is the same bytes, however it
// comes, and nothing else comes with it.
func TestAKeyHasOneForm(t *testing.T) {
	for _, e := range pairs() {
		pair, private := open(t, e.Spec)
		stranger, err := keypair.Open(e.Spec, generate(t, e.Spec))
		require.NoError(t, err)
		want, err := keypair.Canonical(e.Spec, private)
		require.NoError(t, err, e.Spec)
		again, err := keypair.Open(e.Spec, want)
		require.NoError(t, err, e.Spec)
		assert.Equal(t, pair.Public(), again.Public(), e.Spec)
		same, wrong := otherForms(t, e.Spec, private.Expose(), pair.Public(), stranger.Public())
		same["in its one form"] = want.Expose()
		for name, der := range same {
			got, err := keypair.Canonical(e.Spec, seal.NewSecret(der))
			if assert.NoError(t, err, "%s %s", e.Spec, name) {
				assert.Equal(t, want.Expose(), got.Expose(), "%s %s", e.Spec, name)
			}
		}
		for name, der := range wrong {
			_, err := keypair.Canonical(e.Spec, seal.NewSecret(der))
			assert.ErrorIs(t, err, keypair.ErrForm, "%s with %s", e.Spec, name)
		}
	}
	_, err := keypair.Canonical(spec.HMAC256, seal.NewSecret(make([]byte, 32)))
	assert.Error(t, err, "no pair")
}

// TestCanonicalRSAKeyIsThatOfTheStandard: p > q, and the smallest d.
func TestCanonicalRSAKeyIsThatOfTheStandard(t *testing.T) {
	_, private := open(t, spec.RSA2048)
	one, err := keypair.Canonical(spec.RSA2048, private)
	require.NoError(t, err)
	parsed, err := x509.ParsePKCS8PrivateKey(one.Expose())
	require.NoError(t, err)
	key := parsed.(*rsa.PrivateKey)
	require.NoError(t, key.Validate())
	assert.Equal(t, 1, key.Primes[0].Cmp(key.Primes[1]))
	assert.Equal(t, 1, new(big.Int).Rsh(key.N, 1).Cmp(key.D), "d < lcm(p-1, q-1) <= φ(n)/2")
}
