// Package grant holds the rules for grants as records: what may be asked for
// when one is created.
package grant

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/wire"
)

// Limits of a grant.
const (
	maxPairs      = 8
	maxValueChars = 384
)

// always are the grant operations that fit every key.
var always = []string{"CreateGrant", "DescribeKey", "RetireGrant"}

// byUsage are the further grant operations that fit a key usage. Guide,
// "Grants in AWS KMS", grant operations.
var byUsage = map[spec.Usage][]string{
	spec.EncryptDecrypt:    {"Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo"},
	spec.SignVerify:        {"Sign", "Verify"},
	spec.GenerateVerifyMAC: {"GenerateMac", "VerifyMac"},
	spec.KeyAgreement:      {"DeriveSharedSecret"},
}

// symmetricOnly are those that need a symmetric encryption key.
var symmetricOnly = []string{
	"GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext",
}

// asymmetricOnly are those that need a key with a public half.
var asymmetricOnly = []string{"GetPublicKey"}

// fits says whether a grant operation fits a key.
func fits(operation string, s spec.KeySpec, u spec.Usage) bool {
	hmac := strings.HasPrefix(string(s), "HMAC_")
	switch {
	case slices.Contains(always, operation), slices.Contains(byUsage[u], operation):
		return true
	case slices.Contains(symmetricOnly, operation):
		return s == spec.SymmetricDefault
	case slices.Contains(asymmetricOnly, operation):
		return s != spec.SymmetricDefault && !hmac
	}
	return false
}

// Check applies the rules between the parameters of CreateGrant and the key;
// what is wrong is ValidationException.
func Check(operations []string, c *wire.GrantConstraints, s spec.KeySpec, u spec.Usage) error {
	if len(operations) == 0 {
		return wire.Errorf(wire.Validation, "A grant must allow at least one operation.")
	}
	for _, op := range operations {
		if !fits(op, s, u) {
			return wire.Errorf(wire.Validation, "Operation %s is not supported by key spec %s with key usage %s.", op, s, u)
		}
	}
	if c == nil || len(c.EncryptionContextEquals)+len(c.EncryptionContextSubset) == 0 {
		return nil
	}
	if s != spec.SymmetricDefault {
		return wire.Errorf(wire.Validation, "Encryption context constraints are valid only in a grant for a symmetric encryption KMS key.")
	}
	if len(c.EncryptionContextEquals) > 0 && len(c.EncryptionContextSubset) > 0 {
		return wire.Errorf(wire.Validation, "A grant has either an EncryptionContextEquals or an EncryptionContextSubset constraint.")
	}
	for _, pairs := range []map[string]string{c.EncryptionContextEquals, c.EncryptionContextSubset} {
		if err := checkPairs(pairs); err != nil {
			return err
		}
	}
	return nil
}

func checkPairs(pairs map[string]string) error {
	if len(pairs) > maxPairs {
		return wire.Errorf(wire.Validation, "A grant constraint can have at most %d encryption context pairs.", maxPairs)
	}
	for name, value := range pairs {
		if len([]rune(value)) > maxValueChars {
			return wire.Errorf(wire.Validation, "The value of %q in the grant constraint is longer than %d characters.", name, maxValueChars)
		}
	}
	return nil
}
