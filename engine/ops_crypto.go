package engine

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/keyreeve/keyreeve/crypto/envelope"
	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/store"
)

// symmetricDefault is the only encryption algorithm of symmetric keys.
const symmetricDefault = "SYMMETRIC_DEFAULT"

func cryptoOperations() []row {
	return []row{
		define(Operation[wire.EncryptInput, wire.EncryptOutput]{
			Name: "Encrypt", Effect: Reads,
			Checks: func(s *Scope, in *wire.EncryptInput) ([]Check, error) {
				return one(s.onKey("kms:Encrypt", in.KeyId, true, encryptionSide(in.EncryptionContext, in.EncryptionAlgorithm)))
			},
			Run: encrypt,
		}),
		define(Operation[wire.DecryptInput, wire.DecryptOutput]{
			Name: "Decrypt", Effect: Reads, Checks: decryptChecks, Run: decrypt,
		}),
		define(Operation[wire.ReEncryptInput, wire.ReEncryptOutput]{
			Name: "ReEncrypt", Effect: Reads, Checks: reEncryptChecks, Run: reEncrypt,
		}),
		define(Operation[wire.GenerateDataKeyInput, wire.GenerateDataKeyOutput]{
			Name: "GenerateDataKey", Effect: Reads,
			Checks: func(s *Scope, in *wire.GenerateDataKeyInput) ([]Check, error) {
				return one(s.onKey("kms:GenerateDataKey", in.KeyId, true, encryptionSide(in.EncryptionContext, nil)))
			},
			Run: generateDataKey,
		}),
		define(Operation[wire.GenerateDataKeyWithoutPlaintextInput, wire.GenerateDataKeyWithoutPlaintextOutput]{
			Name: "GenerateDataKeyWithoutPlaintext", Effect: Reads,
			Checks: func(s *Scope, in *wire.GenerateDataKeyWithoutPlaintextInput) ([]Check, error) {
				return one(s.onKey("kms:GenerateDataKeyWithoutPlaintext", in.KeyId, true, encryptionSide(in.EncryptionContext, nil)))
			},
			Run: generateDataKeyWithoutPlaintext,
		}),
		define(Operation[wire.GenerateRandomInput, wire.GenerateRandomOutput]{
			Name: "GenerateRandom", Effect: Reads,
			Checks: func(s *Scope, _ *wire.GenerateRandomInput) ([]Check, error) {
				return []Check{s.onNothing("kms:GenerateRandom", condition.Side{})}, nil
			},
			Run: generateRandom,
		}),
	}
}

// encryptionSide is the side of a check that encrypts or decrypts: the
// algorithm is the one used, default included.
func encryptionSide(pairs map[string]string, algorithm *string) condition.Side {
	keys := condition.Context{}
	keys.One("kms:encryptionalgorithm", either(algorithm, symmetricDefault))
	return condition.Side{EncryptionContext: pairs, Keys: keys}
}

func encrypt(ctx context.Context, s *Scope, in *wire.EncryptInput) (*wire.EncryptOutput, error) {
	k := s.key(0)
	algorithm := either(in.EncryptionAlgorithm, symmetricDefault)
	blob, err := s.encryptAs(ctx, k, algorithm, in.EncryptionContext, in.Plaintext)
	if err != nil {
		return nil, err
	}
	return &wire.EncryptOutput{CiphertextBlob: blob, KeyId: new(s.keyARN(k)), EncryptionAlgorithm: &algorithm}, nil
}

// fitsAlgorithm refuses an algorithm that the key cannot do (SPEC-09).
func fitsAlgorithm(k *store.Key, algorithm string) error {
	entry, _ := spec.Lookup(spec.KeySpec(k.Spec))
	if !slices.Contains(entry.Algorithms(spec.Usage(k.Usage)), spec.Algorithm(algorithm)) {
		return wire.Errorf(wire.InvalidKeyUsage, "Algorithm %s is incompatible with key spec %s.", algorithm, k.Spec)
	}
	return nil
}

// encryptAs encrypts under the current material of a key, with an algorithm
// that the request names.
func (s *Scope) encryptAs(ctx context.Context, k *store.Key, algorithm string, pairs map[string]string, plaintext []byte) ([]byte, error) {
	if err := fitsAlgorithm(k, algorithm); err != nil {
		return nil, err
	}
	if algorithm == symmetricDefault {
		return s.seal(ctx, k, pairs, plaintext)
	}
	return s.encryptPublic(ctx, k, spec.Algorithm(algorithm), pairs, plaintext)
}

// seal encrypts under the current material of a symmetric key.
func (s *Scope) seal(ctx context.Context, k *store.Key, pairs map[string]string, plaintext []byte) ([]byte, error) {
	c, err := able[material.Cipher](ctx, s, k, k.CurrentMaterial)
	if err != nil {
		return nil, err
	}
	header := envelope.Header{Account: k.Addr.Account, KeyID: k.Addr.ID, MaterialID: k.CurrentMaterial}
	return envelope.Seal(ctx, c, header, pairs, plaintext)
}

// errCiphertext is the one answer to every ciphertext that does not open; the
// real service sends no message (SYM-09).
func errCiphertext() error { return &wire.Error{Code: wire.InvalidCiphertext} }

// open decrypts a ciphertext that names k. All that is wrong with it is one
// error.
func (s *Scope) open(ctx context.Context, k *store.Key, pairs map[string]string, blob []byte) (seal.Secret, string, error) {
	h, err := envelope.Parse(blob)
	if err != nil || h.Account != k.Addr.Account || h.KeyID != k.Addr.ID {
		return seal.Secret{}, "", errCiphertext()
	}
	c, err := able[material.Cipher](ctx, s, k, h.MaterialID)
	if errors.Is(err, store.ErrNotFound) {
		return seal.Secret{}, "", errCiphertext()
	}
	if err != nil {
		return seal.Secret{}, "", err
	}
	plaintext, err := envelope.Open(ctx, c, blob, pairs)
	if errors.Is(err, envelope.ErrOpen) {
		return seal.Secret{}, "", errCiphertext()
	}
	return plaintext, h.MaterialID, err
}

// able opens one material of a key, for what keys of its kind can do;
// store.ErrNotFound if the key has no material of that id.
func able[T material.Key](ctx context.Context, s *Scope, k *store.Key, materialID string) (T, error) {
	var none T
	for _, m := range k.Materials {
		if subtle.ConstantTimeCompare([]byte(m.ID), []byte(materialID)) != 1 {
			continue
		}
		opened, err := s.engine.cfg.Materials.Open(ctx, material.Ref{
			Provider: m.Ref.Provider, ID: m.Ref.ID, Spec: spec.KeySpec(m.Ref.Spec), Sealed: m.Ref.Sealed,
		})
		if err != nil {
			return none, fmt.Errorf("opening material %s: %w", m.ID, err)
		}
		can, ok := opened.(T)
		if !ok {
			return none, fmt.Errorf("material %s of %s cannot do what its key spec says", m.ID, m.Ref.Spec)
		}
		return can, nil
	}
	return none, store.ErrNotFound
}

// decryptChecks finds the key of a ciphertext: the one in the request, or the
// one that the ciphertext names.
func decryptChecks(s *Scope, in *wire.DecryptInput) ([]Check, error) {
	side := encryptionSide(in.EncryptionContext, in.EncryptionAlgorithm)
	return one(s.onCiphertext("kms:Decrypt", in.KeyId, in.CiphertextBlob, in.DryRunModifiers, side))
}

// onCiphertext makes the check of an operation that opens a ciphertext.
func (s *Scope) onCiphertext(action string, keyID *string, blob []byte, modifiers []string, side condition.Side) (Check, error) {
	if keyID != nil {
		return s.onKey(action, *keyID, true, side)
	}
	if ignoresCiphertext(modifiers) {
		return Check{}, wire.Errorf(wire.Validation, "KeyId is required when DryRunModifiers has IGNORE_CIPHERTEXT.")
	}
	if len(blob) == 0 {
		return Check{}, wire.Errorf(wire.Validation, "1 validation error detected: Value at 'ciphertextBlob' failed to satisfy constraint: Member must not be null")
	}
	h, err := envelope.Parse(blob)
	if err != nil {
		return Check{}, errCiphertext()
	}
	check := Check{Action: action, Rule: decision.KeyPolicy, Request: side, Hidden: true}
	check.Resource = Resource{ARN: s.arn(h.Account, "key/"+h.KeyID), Account: h.Account}
	k, err := s.stored(store.KeyAddr{Account: h.Account, Region: s.Region, ID: h.KeyID})
	switch {
	case err == nil:
		check.Resource.Key = &k
	case !errors.Is(err, store.ErrNotFound):
		return Check{}, err
	case h.Account == s.Caller.Account:
		return Check{}, errHidden()
	}
	return check, nil
}

// errHidden is the answer to a ciphertext whose key is absent, elsewhere, or
// refused to a caller of another account.
func errHidden() *wire.Error {
	return wire.Errorf(wire.AccessDenied, "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.")
}

func ignoresCiphertext(modifiers []string) bool {
	for _, m := range modifiers {
		if m == "IGNORE_CIPHERTEXT" {
			return true
		}
	}
	return false
}

// openChecked opens the ciphertext of a request under the key of a check,
// after the rules about the key that it names (SYM-06). Under
// IGNORE_CIPHERTEXT, which only a dry run may ask for, nothing is opened.
func (s *Scope) openChecked(ctx context.Context, k *store.Key, algorithm string, pairs map[string]string, blob []byte, modifiers []string) (seal.Secret, string, error) {
	if ignoresCiphertext(modifiers) {
		if !s.dryRun {
			return seal.Secret{}, "", wire.Errorf(wire.Validation, "DryRunModifiers can be used only when DryRun is true.")
		}
		return seal.Secret{}, k.CurrentMaterial, nil
	}
	if len(blob) == 0 {
		return seal.Secret{}, "", wire.Errorf(wire.Validation, "1 validation error detected: Value at 'ciphertextBlob' failed to satisfy constraint: Member must not be null")
	}
	if algorithm != symmetricDefault {
		plaintext, err := s.decryptPrivate(ctx, k, spec.Algorithm(algorithm), pairs, blob)
		return plaintext, "", err
	}
	h, err := envelope.Parse(blob)
	if err != nil {
		return seal.Secret{}, "", errCiphertext()
	}
	if h.KeyID != k.Addr.ID || h.Account != k.Addr.Account {
		return seal.Secret{}, "", wire.Errorf(wire.IncorrectKey, "The key ID in the request does not identify a CMK that can perform this operation.")
	}
	if err := fitsAlgorithm(k, algorithm); err != nil {
		return seal.Secret{}, "", err
	}
	return s.open(ctx, k, pairs, blob)
}

// materialID is the id of a material in an answer, which has one for
// symmetric keys only (NEW-08).
func materialID(id string) *string {
	if id == "" {
		return nil
	}
	return &id
}

// currentMaterial is the id of the current material of a key for an answer.
func currentMaterial(k *store.Key) *string {
	if k.Spec != string(spec.SymmetricDefault) {
		return nil
	}
	return materialID(k.CurrentMaterial)
}

func decrypt(ctx context.Context, s *Scope, in *wire.DecryptInput) (*wire.DecryptOutput, error) {
	if in.Recipient != nil {
		return nil, errRecipient()
	}
	k := s.key(0)
	algorithm := either(in.EncryptionAlgorithm, symmetricDefault)
	plaintext, opened, err := s.openChecked(ctx, k, algorithm, in.EncryptionContext, in.CiphertextBlob, in.DryRunModifiers)
	if err != nil {
		return nil, err
	}
	return &wire.DecryptOutput{
		KeyId: new(s.keyARN(k)), Plaintext: plaintext.Expose(),
		EncryptionAlgorithm: &algorithm, KeyMaterialId: materialID(opened),
	}, nil
}

// errRecipient refuses what is not built rather than answer in plaintext to a
// caller who asked for more.
func errRecipient() error {
	return wire.Errorf(wire.UnsupportedOperation, "keyreeve does not offer the Recipient parameter yet.")
}

func reEncryptChecks(s *Scope, in *wire.ReEncryptInput) ([]Check, error) {
	from, err := s.onCiphertext("kms:ReEncryptFrom", in.SourceKeyId, in.CiphertextBlob, in.DryRunModifiers,
		encryptionSide(in.SourceEncryptionContext, in.SourceEncryptionAlgorithm))
	if err != nil {
		return nil, err
	}
	to, err := s.onKey("kms:ReEncryptTo", in.DestinationKeyId, true,
		encryptionSide(in.DestinationEncryptionContext, in.DestinationEncryptionAlgorithm))
	if err != nil {
		return nil, err
	}
	same := from.Resource.Key != nil && to.Resource.Key != nil && from.Resource.Key.Addr == to.Resource.Key.Addr
	condition.Context(from.Request.Keys).Flag("kms:ReEncryptOnSameKey", same)
	condition.Context(to.Request.Keys).Flag("kms:ReEncryptOnSameKey", same)
	return []Check{from, to}, nil
}

func reEncrypt(ctx context.Context, s *Scope, in *wire.ReEncryptInput) (*wire.ReEncryptOutput, error) {
	source, destination := s.key(0), s.key(1)
	from, to := either(in.SourceEncryptionAlgorithm, symmetricDefault), either(in.DestinationEncryptionAlgorithm, symmetricDefault)
	plaintext, opened, err := s.openChecked(ctx, source, from, in.SourceEncryptionContext, in.CiphertextBlob, in.DryRunModifiers)
	if err != nil {
		return nil, err
	}
	if err := fitsAlgorithm(destination, to); err != nil {
		return nil, err
	}
	out := &wire.ReEncryptOutput{
		SourceKeyId: new(s.keyARN(source)), KeyId: new(s.keyARN(destination)),
		SourceEncryptionAlgorithm: &from, DestinationEncryptionAlgorithm: &to,
		SourceKeyMaterialId: materialID(opened), DestinationKeyMaterialId: currentMaterial(destination),
	}
	if ignoresCiphertext(in.DryRunModifiers) {
		return out, nil
	}
	defer clear(plaintext.Expose())
	out.CiphertextBlob, err = s.encryptAs(ctx, destination, to, in.DestinationEncryptionContext, plaintext.Expose())
	return out, err
}

// dataKeySizes are the lengths of the data key specs in bytes.
var dataKeySizes = map[string]int{"AES_128": 16, "AES_256": 32}

// dataKeySize is the length of the data key that a request asks for (DK-02).
func dataKeySize(keySpec *string, numberOfBytes *int32) (int, error) {
	if (keySpec == nil) == (numberOfBytes == nil) {
		return 0, wire.Errorf(wire.Validation, "Please specify either number of bytes or key spec.")
	}
	if numberOfBytes != nil {
		return int(*numberOfBytes), nil
	}
	return dataKeySizes[*keySpec], nil
}

// newDataKey makes a random data key and its ciphertext.
func (s *Scope) newDataKey(ctx context.Context, keySpec *string, numberOfBytes *int32, pairs map[string]string) (plaintext, blob []byte, err error) {
	if err := fitsAlgorithm(s.key(0), symmetricDefault); err != nil { // DK-03
		return nil, nil, err
	}
	size, err := dataKeySize(keySpec, numberOfBytes)
	if err != nil {
		return nil, nil, err
	}
	plaintext = make([]byte, size)
	if _, err := io.ReadFull(s.engine.cfg.Rand, plaintext); err != nil {
		return nil, nil, fmt.Errorf("drawing a data key: %w", err)
	}
	blob, err = s.seal(ctx, s.key(0), pairs, plaintext)
	return plaintext, blob, err
}

func generateDataKey(ctx context.Context, s *Scope, in *wire.GenerateDataKeyInput) (*wire.GenerateDataKeyOutput, error) {
	if in.Recipient != nil {
		return nil, errRecipient()
	}
	plaintext, blob, err := s.newDataKey(ctx, in.KeySpec, in.NumberOfBytes, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	k := s.key(0)
	return &wire.GenerateDataKeyOutput{KeyId: new(s.keyARN(k)), Plaintext: plaintext, CiphertextBlob: blob, KeyMaterialId: &k.CurrentMaterial}, nil
}

func generateDataKeyWithoutPlaintext(ctx context.Context, s *Scope, in *wire.GenerateDataKeyWithoutPlaintextInput) (*wire.GenerateDataKeyWithoutPlaintextOutput, error) {
	plaintext, blob, err := s.newDataKey(ctx, in.KeySpec, in.NumberOfBytes, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	clear(plaintext)
	k := s.key(0)
	return &wire.GenerateDataKeyWithoutPlaintextOutput{KeyId: new(s.keyARN(k)), CiphertextBlob: blob, KeyMaterialId: &k.CurrentMaterial}, nil
}

func generateRandom(_ context.Context, s *Scope, in *wire.GenerateRandomInput) (*wire.GenerateRandomOutput, error) {
	switch {
	case in.Recipient != nil:
		return nil, errRecipient()
	case in.CustomKeyStoreId != nil:
		return nil, wire.Errorf(wire.CustomKeyStoreNotFound, "The custom key store %s does not exist.", *in.CustomKeyStoreId)
	case in.NumberOfBytes == nil:
		return nil, wire.Errorf(wire.Validation, "NumberOfBytes is required.")
	}
	random := make([]byte, *in.NumberOfBytes)
	if _, err := io.ReadFull(s.engine.cfg.Rand, random); err != nil {
		return nil, fmt.Errorf("drawing random bytes: %w", err)
	}
	return &wire.GenerateRandomOutput{Plaintext: random}, nil
}
