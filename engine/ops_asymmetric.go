package engine

import (
	"context"
	"errors"

	"github.com/keyreeve/keyreeve/crypto/keypair"
	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/store"
)

func asymmetricOperations() []row {
	return []row{
		define(Operation[wire.SignInput, wire.SignOutput]{
			Name: "Sign", Effect: Reads,
			Checks: func(s *Scope, in *wire.SignInput) ([]Check, error) {
				return one(s.onKey("kms:Sign", in.KeyId, true, signingSide(in.SigningAlgorithm, in.MessageType)))
			},
			Run: sign,
		}),
		define(Operation[wire.VerifyInput, wire.VerifyOutput]{
			Name: "Verify", Effect: Reads,
			Checks: func(s *Scope, in *wire.VerifyInput) ([]Check, error) {
				return one(s.onKey("kms:Verify", in.KeyId, true, signingSide(in.SigningAlgorithm, in.MessageType)))
			},
			Run: verify,
		}),
		define(Operation[wire.GetPublicKeyInput, wire.GetPublicKeyOutput]{
			Name: "GetPublicKey", Effect: Reads,
			Checks: func(s *Scope, in *wire.GetPublicKeyInput) ([]Check, error) {
				return one(s.onKey("kms:GetPublicKey", in.KeyId, true, condition.Side{}))
			},
			Run: getPublicKey,
		}),
		define(Operation[wire.DeriveSharedSecretInput, wire.DeriveSharedSecretOutput]{
			Name: "DeriveSharedSecret", Effect: Reads,
			Checks: func(s *Scope, in *wire.DeriveSharedSecretInput) ([]Check, error) {
				return one(s.onKey("kms:DeriveSharedSecret", in.KeyId, true, oneKey("kms:KeyAgreementAlgorithm", in.KeyAgreementAlgorithm)))
			},
			Run: deriveSharedSecret,
		}),
		define(Operation[wire.GenerateMacInput, wire.GenerateMacOutput]{
			Name: "GenerateMac", Effect: Reads,
			Checks: func(s *Scope, in *wire.GenerateMacInput) ([]Check, error) {
				return one(s.onKey("kms:GenerateMac", in.KeyId, true, oneKey("kms:MacAlgorithm", in.MacAlgorithm)))
			},
			Run: generateMac,
		}),
		define(Operation[wire.VerifyMacInput, wire.VerifyMacOutput]{
			Name: "VerifyMac", Effect: Reads,
			Checks: func(s *Scope, in *wire.VerifyMacInput) ([]Check, error) {
				return one(s.onKey("kms:VerifyMac", in.KeyId, true, oneKey("kms:MacAlgorithm", in.MacAlgorithm)))
			},
			Run: verifyMac,
		}),
		define(Operation[wire.GenerateDataKeyPairInput, wire.GenerateDataKeyPairOutput]{
			Name: "GenerateDataKeyPair", Effect: Reads,
			Checks: func(s *Scope, in *wire.GenerateDataKeyPairInput) ([]Check, error) {
				return one(s.onKey("kms:GenerateDataKeyPair", in.KeyId, true, dataKeyPairSide(in.EncryptionContext, in.KeyPairSpec)))
			},
			Run: generateDataKeyPair,
		}),
		define(Operation[wire.GenerateDataKeyPairWithoutPlaintextInput, wire.GenerateDataKeyPairWithoutPlaintextOutput]{
			Name: "GenerateDataKeyPairWithoutPlaintext", Effect: Reads,
			Checks: func(s *Scope, in *wire.GenerateDataKeyPairWithoutPlaintextInput) ([]Check, error) {
				return one(s.onKey("kms:GenerateDataKeyPairWithoutPlaintext", in.KeyId, true, dataKeyPairSide(in.EncryptionContext, in.KeyPairSpec)))
			},
			Run: generateDataKeyPairWithoutPlaintext,
		}),
	}
}

// oneKey is a side that holds one condition key.
func oneKey(name, value string) condition.Side {
	keys := condition.Context{}
	keys.One(name, value)
	return condition.Side{Keys: keys}
}

func signingSide(algorithm string, messageType *string) condition.Side {
	side := oneKey("kms:SigningAlgorithm", algorithm)
	condition.Context(side.Keys).One("kms:MessageType", either(messageType, "RAW"))
	return side
}

func dataKeyPairSide(pairs map[string]string, pairSpec string) condition.Side {
	side := encryptionSide(pairs, nil)
	condition.Context(side.Keys).One("kms:DataKeyPairSpec", pairSpec)
	return side
}

// messageTypes are the message types of the API.
var messageTypes = map[string]material.MessageType{"RAW": material.Raw, "DIGEST": material.Digest, "EXTERNAL_MU": material.ExternalMu}

// signer opens a key that signs, after the rules about algorithm and message.
func (s *Scope) signer(ctx context.Context, k *store.Key, algorithm string, messageType *string, message []byte) (material.Signer, material.Message, error) {
	m := material.Message{Type: messageTypes[either(messageType, "RAW")], Bytes: message}
	if err := fitsAlgorithm(k, algorithm); err != nil {
		return nil, m, err
	}
	signer, err := able[material.Signer](ctx, s, k, k.CurrentMaterial)
	return signer, m, err
}

// errSigned tells what is wrong with the message of a signature (ASY-06).
func errSigned(algorithm string, m material.Message) error {
	size := spec.DigestSize(spec.Algorithm(algorithm))
	switch {
	case m.Type == material.Digest && size > 0:
		return wire.Errorf(wire.Validation, "Digest is invalid length for algorithm %s.", algorithm)
	case m.Type == material.ExternalMu && algorithm == string(spec.MLDSASHAKE256):
		return wire.Errorf(wire.Validation, "A message of type EXTERNAL_MU must be 64 bytes long.")
	default:
		return wire.Errorf(wire.Validation, "This message type is incompatible with algorithm %s.", algorithm)
	}
}

func sign(ctx context.Context, s *Scope, in *wire.SignInput) (*wire.SignOutput, error) {
	k := s.key(0)
	signer, m, err := s.signer(ctx, k, in.SigningAlgorithm, in.MessageType, in.Message)
	if err != nil {
		return nil, err
	}
	signature, err := signer.Sign(ctx, spec.Algorithm(in.SigningAlgorithm), m)
	if errors.Is(err, material.ErrMessage) {
		return nil, errSigned(in.SigningAlgorithm, m)
	}
	return &wire.SignOutput{KeyId: new(s.keyARN(k)), Signature: signature, SigningAlgorithm: &in.SigningAlgorithm}, err
}

func verify(ctx context.Context, s *Scope, in *wire.VerifyInput) (*wire.VerifyOutput, error) {
	k := s.key(0)
	signer, m, err := s.signer(ctx, k, in.SigningAlgorithm, in.MessageType, in.Message)
	if err != nil {
		return nil, err
	}
	err = signer.Verify(ctx, spec.Algorithm(in.SigningAlgorithm), m, in.Signature)
	switch {
	case errors.Is(err, material.ErrMessage):
		return nil, errSigned(in.SigningAlgorithm, m)
	case errors.Is(err, material.ErrSignature):
		return nil, &wire.Error{Code: wire.KMSInvalidSignature} // without a message (ASY-08)
	}
	return &wire.VerifyOutput{KeyId: new(s.keyARN(k)), SignatureValid: new(true), SigningAlgorithm: &in.SigningAlgorithm}, err
}

func getPublicKey(ctx context.Context, s *Scope, _ *wire.GetPublicKeyInput) (*wire.GetPublicKeyOutput, error) {
	k := s.key(0)
	if !keypair.Known(spec.KeySpec(k.Spec)) {
		return nil, wire.Errorf(wire.UnsupportedOperation, "%s is not an asymmetric KMS key.", s.keyARN(k))
	}
	pair, err := able[material.Pair](ctx, s, k, k.CurrentMaterial)
	if err != nil {
		return nil, err
	}
	m := s.metadata(k)
	return &wire.GetPublicKeyOutput{
		KeyId: m.Arn, KeySpec: m.KeySpec, CustomerMasterKeySpec: m.CustomerMasterKeySpec, KeyUsage: m.KeyUsage, PublicKey: pair.Public(),
		EncryptionAlgorithms: m.EncryptionAlgorithms, SigningAlgorithms: m.SigningAlgorithms, KeyAgreementAlgorithms: m.KeyAgreementAlgorithms,
	}, nil
}

func deriveSharedSecret(ctx context.Context, s *Scope, in *wire.DeriveSharedSecretInput) (*wire.DeriveSharedSecretOutput, error) {
	if in.Recipient != nil {
		return nil, errRecipient()
	}
	k := s.key(0)
	if err := fitsAlgorithm(k, in.KeyAgreementAlgorithm); err != nil {
		return nil, err
	}
	own, err := able[material.Agreement](ctx, s, k, k.CurrentMaterial)
	if err != nil {
		return nil, err
	}
	shared, err := own.Derive(ctx, in.PublicKey)
	if errors.Is(err, material.ErrPeer) {
		return nil, wire.Errorf(wire.Validation, "The public key is not a DER-encoded X.509 public key on the curve of key spec %s.", k.Spec)
	}
	return &wire.DeriveSharedSecretOutput{
		KeyId: new(s.keyARN(k)), SharedSecret: shared.Expose(), KeyAgreementAlgorithm: &in.KeyAgreementAlgorithm, KeyOrigin: &k.Origin,
	}, err
}

func generateMac(ctx context.Context, s *Scope, in *wire.GenerateMacInput) (*wire.GenerateMacOutput, error) {
	k := s.key(0)
	if err := fitsAlgorithm(k, in.MacAlgorithm); err != nil {
		return nil, err
	}
	own, err := able[material.MAC](ctx, s, k, k.CurrentMaterial)
	if err != nil {
		return nil, err
	}
	mac, err := own.Sum(ctx, in.Message)
	return &wire.GenerateMacOutput{KeyId: new(s.keyARN(k)), Mac: mac, MacAlgorithm: &in.MacAlgorithm}, err
}

func verifyMac(ctx context.Context, s *Scope, in *wire.VerifyMacInput) (*wire.VerifyMacOutput, error) {
	k := s.key(0)
	if err := fitsAlgorithm(k, in.MacAlgorithm); err != nil {
		return nil, err
	}
	own, err := able[material.MAC](ctx, s, k, k.CurrentMaterial)
	if err != nil {
		return nil, err
	}
	if err := own.Check(ctx, in.Message, in.Mac); errors.Is(err, material.ErrMAC) {
		return nil, &wire.Error{Code: wire.KMSInvalidMac} // without a message (MAC-04)
	} else if err != nil {
		return nil, err
	}
	return &wire.VerifyMacOutput{KeyId: new(s.keyARN(k)), MacValid: new(true), MacAlgorithm: &in.MacAlgorithm}, nil
}

// A dataKeyPair is a new pair whose private key is encrypted under a key.
type dataKeyPair struct {
	public, blob []byte
	private      seal.Secret // PKCS #8
}

// newDataKeyPair makes a pair, but not in a dry run: it is slow, and nobody
// sees it.
func (s *Scope) newDataKeyPair(ctx context.Context, pairSpec string, pairs map[string]string) (dataKeyPair, error) {
	k := s.key(0)
	if err := fitsAlgorithm(k, symmetricDefault); err != nil || s.dryRun {
		return dataKeyPair{}, err
	}
	private, err := keypair.Generate(spec.KeySpec(pairSpec))
	if err != nil {
		return dataKeyPair{}, err
	}
	pair, err := keypair.Open(spec.KeySpec(pairSpec), private)
	if err != nil {
		return dataKeyPair{}, err
	}
	blob, err := s.seal(ctx, k, pairs, private.Expose())
	return dataKeyPair{public: pair.Public(), blob: blob, private: private}, err
}

func generateDataKeyPair(ctx context.Context, s *Scope, in *wire.GenerateDataKeyPairInput) (*wire.GenerateDataKeyPairOutput, error) {
	if in.Recipient != nil {
		return nil, errRecipient()
	}
	made, err := s.newDataKeyPair(ctx, in.KeyPairSpec, in.EncryptionContext)
	k := s.key(0)
	return &wire.GenerateDataKeyPairOutput{
		KeyId: new(s.keyARN(k)), KeyPairSpec: &in.KeyPairSpec, KeyMaterialId: currentMaterial(k),
		PublicKey: made.public, PrivateKeyCiphertextBlob: made.blob, PrivateKeyPlaintext: made.private.Expose(),
	}, err
}

func generateDataKeyPairWithoutPlaintext(ctx context.Context, s *Scope, in *wire.GenerateDataKeyPairWithoutPlaintextInput) (*wire.GenerateDataKeyPairWithoutPlaintextOutput, error) {
	made, err := s.newDataKeyPair(ctx, in.KeyPairSpec, in.EncryptionContext)
	clear(made.private.Expose())
	k := s.key(0)
	return &wire.GenerateDataKeyPairWithoutPlaintextOutput{
		KeyId: new(s.keyARN(k)), KeyPairSpec: &in.KeyPairSpec, KeyMaterialId: currentMaterial(k),
		PublicKey: made.public, PrivateKeyCiphertextBlob: made.blob,
	}, err
}

// encryptPublic encrypts to the public key of a pair, which has no encryption
// context (AMB-13) and takes few bytes (SPEC-03).
func (s *Scope) encryptPublic(ctx context.Context, k *store.Key, a spec.Algorithm, pairs map[string]string, plaintext []byte) ([]byte, error) {
	if err := noContext(pairs); err != nil {
		return nil, err
	}
	entry, _ := spec.Lookup(spec.KeySpec(k.Spec))
	if most, _ := entry.MaxPlaintext(a); len(plaintext) > most {
		return nil, wire.Errorf(wire.Validation, "Algorithm %s and key spec %s cannot encrypt data larger than %d bytes.", a, k.Spec, most)
	}
	own, err := able[material.PublicCipher](ctx, s, k, k.CurrentMaterial)
	if err != nil {
		return nil, err
	}
	return own.EncryptPublic(ctx, a, plaintext)
}

// maxPlaintext is the greatest length of a plaintext in bytes; the least is 1.
const maxPlaintext = 4096

// decryptPrivate opens what was encrypted to the public key of a pair, here or
// elsewhere (SYM-11).
func (s *Scope) decryptPrivate(ctx context.Context, k *store.Key, a spec.Algorithm, pairs map[string]string, blob []byte) (seal.Secret, error) {
	if k.Usage != string(spec.EncryptDecrypt) {
		return seal.Secret{}, wire.Errorf(wire.InvalidKeyUsage, "%s key usage is %s which is not valid for %s.", s.keyARN(k), k.Usage, s.row.name)
	}
	if err := fitsAlgorithm(k, string(a)); err != nil {
		return seal.Secret{}, err
	}
	if err := noContext(pairs); err != nil {
		return seal.Secret{}, err
	}
	own, err := able[material.PublicCipher](ctx, s, k, k.CurrentMaterial)
	if err != nil {
		return seal.Secret{}, err
	}
	plaintext, err := own.DecryptPrivate(ctx, a, blob)
	switch n := len(plaintext.Expose()); {
	case errors.Is(err, material.ErrCiphertext):
		return seal.Secret{}, errCiphertext()
	case err == nil && (n == 0 || n > maxPlaintext): // CPH-1
		clear(plaintext.Expose())
		return seal.Secret{}, errCiphertext()
	}
	return plaintext, err
}

func noContext(pairs map[string]string) error {
	if len(pairs) == 0 {
		return nil
	}
	return wire.Errorf(wire.Validation, "EncryptionContext is supported only with symmetric encryption KMS keys.")
}
