package keypair

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
)

// privateKeyInfo is OneAsymmetricKey (RFC 5958), which is PKCS #8 (RFC 5208)
// without PublicKey.
type privateKeyInfo struct {
	Version    int
	Algorithm  pkix.AlgorithmIdentifier
	Key        []byte
	Attributes asn1.RawValue  `asn1:"optional,tag:0"` // not read
	PublicKey  asn1.BitString `asn1:"optional,tag:1"`
}

// rsaPrivateKey is RFC 8017, appendix A.1.2, of two primes.
type rsaPrivateKey struct {
	Version          int
	N, E, D, P, Q    *big.Int
	DP, DQ, QInverse *big.Int
}

// ecPrivateKey is RFC 5915.
type ecPrivateKey struct {
	Version    int
	PrivateKey []byte
	Parameters asn1.ObjectIdentifier `asn1:"optional,explicit,tag:0"`
	PublicKey  asn1.BitString        `asn1:"optional,explicit,tag:1"`
}

// publicKeyInfo is SubjectPublicKeyInfo (RFC 5280).
type publicKeyInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Key       asn1.BitString
}

// exact reads a DER value that is a T and nothing else. The parsers of the
// standard library leave unread what follows the last member of a SEQUENCE;
// here that is ErrForm, as is all that DER writes otherwise.
func exact[T any](der []byte) (T, error) {
	var value T
	if rest, err := asn1.Unmarshal(der, &value); err != nil || len(rest) > 0 {
		return value, ErrForm
	}
	again, err := asn1.Marshal(value)
	if err != nil || !bytes.Equal(again, der) {
		return value, ErrForm
	}
	return value, nil
}
