package throttle

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/wire"
)

// Groups of cryptographic operations, which share a quota by the kind of key.
const (
	Symmetric = "crypto-symmetric" // symmetric keys and HMAC keys
	RSA       = "crypto-rsa"
	Curves    = "crypto-ecc-sm2"
	Pairs     = "data-key-pair-" // and the spec of the pair
)

// cryptographic are the operations whose quota is that of the kind of key.
var cryptographic = []string{
	"Decrypt", "DeriveSharedSecret", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateMac", "GenerateRandom", "ReEncrypt",
	"Sign", "Verify", "VerifyMac",
}

// pairSpecs are the kinds of data key pairs.
var pairSpecs = []spec.KeySpec{
	spec.RSA2048, spec.RSA3072, spec.RSA4096, spec.ECCNISTP256, spec.ECCNISTP384, spec.ECCNISTP521, spec.ECCSECGP256K1, spec.ECCNISTEdwards25519, spec.SM2,
}

// shared are the groups of more than one operation.
var shared = func() []string {
	all := []string{Symmetric, RSA, Curves}
	for _, s := range pairSpecs {
		all = append(all, Pairs+string(s))
	}
	return all
}()

// groups are all groups: of one operation each, beside those that are shared.
var groups = func() []string {
	all := slices.Clone(shared)
	for _, op := range wire.Operations() {
		if !slices.Contains(cryptographic, op.Name) && !strings.HasPrefix(op.Name, "GenerateDataKeyPair") {
			all = append(all, op.Name)
		}
	}
	return all
}()

// Group is the group of a request: of the operation alone, or by the spec of
// the key, or of the pair that is asked for (RPS-03, RPS-04, RPS-06). ML-DSA,
// of which no quota is published, counts with the curves.
func Group(operation, keySpec string) string {
	switch {
	case strings.HasPrefix(operation, "GenerateDataKeyPair"):
		return Pairs + keySpec
	case !slices.Contains(cryptographic, operation):
		return operation
	case keySpec == "", keySpec == string(spec.SymmetricDefault), strings.HasPrefix(keySpec, "HMAC_"):
		return Symmetric
	case strings.HasPrefix(keySpec, "RSA_"):
		return RSA
	}
	return Curves
}
