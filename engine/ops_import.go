package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/crypto/wrap"
	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/store"
)

// Imported key material. Guide, "Importing key material".
const (
	doesExpire    = "KEY_MATERIAL_EXPIRES"
	doesNotExpire = "KEY_MATERIAL_DOES_NOT_EXPIRE"

	newMaterial      = "NEW_KEY_MATERIAL"
	existingMaterial = "EXISTING_KEY_MATERIAL"

	// importWindow is how long a set of parameters can be used (IM-052).
	importWindow = 24 * time.Hour
	// maxValidity is how far ahead material may expire (IM-086).
	maxValidity = 365 * day

	importPurpose = "import-token"
)

func importOperations() []row {
	return []row{
		define(Operation[wire.GetParametersForImportInput, wire.GetParametersForImportOutput]{
			Name: "GetParametersForImport", Effect: Reads,
			Checks: func(s *Scope, in *wire.GetParametersForImportInput) ([]Check, error) {
				side := oneKey("kms:WrappingAlgorithm", in.WrappingAlgorithm)
				condition.Context(side.Keys).One("kms:WrappingKeySpec", in.WrappingKeySpec)
				return one(importing(s.onKey("kms:GetParametersForImport", in.KeyId, false, side)))
			},
			Run: getParametersForImport,
		}),
		define(Operation[wire.ImportKeyMaterialInput, wire.ImportKeyMaterialOutput]{
			Name: "ImportKeyMaterial", Effect: Writes, Checks: importChecks, Run: importKeyMaterial,
		}),
		define(Operation[wire.DeleteImportedKeyMaterialInput, wire.DeleteImportedKeyMaterialOutput]{
			Name: "DeleteImportedKeyMaterial", Effect: Writes,
			Checks: func(s *Scope, in *wire.DeleteImportedKeyMaterialInput) ([]Check, error) {
				return one(s.onKey("kms:DeleteImportedKeyMaterial", in.KeyId, false, condition.Side{}))
			},
			Run: deleteImportedKeyMaterial,
		}),
	}
}

// external refuses keys whose material the service made (KTO-06).
func (s *Scope) external(k *store.Key) error {
	if k.Origin == string(spec.OriginExternal) {
		return nil
	}
	return wire.Errorf(wire.UnsupportedOperation, "%s origin is %s which is not valid for this operation.", s.keyARN(k), k.Origin)
}

// An importToken is one half of a set of parameters. It goes to the caller
// sealed, and nothing of it is kept.
type importToken struct {
	ID        string
	Key       store.KeyAddr
	Algorithm wrap.Algorithm
	Private   []byte // wrapping key, PKCS #8
	Until     time.Time
}

func getParametersForImport(_ context.Context, s *Scope, in *wire.GetParametersForImportInput) (*wire.GetParametersForImportOutput, error) {
	k := s.key(0)
	if err := s.external(k); err != nil {
		return nil, err
	}
	algorithm := wrap.Algorithm(in.WrappingAlgorithm)
	switch {
	case in.WrappingAlgorithm == "RSAES_PKCS1_V1_5": // IM-058
		return nil, wire.Errorf(wire.UnsupportedOperation, "The wrapping algorithm RSAES_PKCS1_V1_5 is no longer supported.")
	case !wrap.Fits(spec.KeySpec(k.Spec), algorithm, spec.KeySpec(in.WrappingKeySpec)): // IM-060
		return nil, wire.Errorf(wire.Validation, "Key material for a key spec of %s cannot be wrapped with %s under a wrapping key of %s.",
			k.Spec, in.WrappingAlgorithm, in.WrappingKeySpec)
	}
	private, public, err := wrap.NewKey(spec.KeySpec(in.WrappingKeySpec))
	if err != nil {
		return nil, err
	}
	id, err := s.newID("import token")
	if err != nil {
		return nil, err
	}
	until := s.Now.Add(importWindow)
	text, err := json.Marshal(importToken{ID: id, Key: k.Addr, Algorithm: algorithm, Private: private.Expose(), Until: until})
	if err != nil {
		return nil, fmt.Errorf("making an import token: %w", err)
	}
	defer clear(text)
	token, err := s.engine.cfg.Root.Seal(importPurpose, nil, text)
	return &wire.GetParametersForImportOutput{KeyId: new(s.keyARN(k)), ImportToken: token, PublicKey: public, ParametersValidTo: &until}, err
}

func importChecks(s *Scope, in *wire.ImportKeyMaterialInput) ([]Check, error) {
	side := condition.Side{Keys: condition.Context{}}
	if in.ExpirationModel != nil { // IM-024
		condition.Context(side.Keys).One("kms:ExpirationModel", *in.ExpirationModel)
	}
	if in.ValidTo != nil { // IM-025
		condition.Context(side.Keys).One("kms:ValidTo", strconv.FormatInt(in.ValidTo.Unix(), 10))
	}
	return one(importing(s.onKey("kms:ImportKeyMaterial", in.KeyId, false, side)))
}

// importing has a check on a key that takes no material follow the row of such
// keys. Guide, "Key states of AWS KMS keys", notes 8 and 9.
func importing(c Check, err error) (Check, error) {
	if k := c.Resource.Key; err == nil && k != nil && k.Origin != string(spec.OriginExternal) {
		c.State = c.Action[len("kms:"):] + "/made"
	}
	return c, err
}

func importKeyMaterial(ctx context.Context, s *Scope, in *wire.ImportKeyMaterialInput) (*wire.ImportKeyMaterialOutput, error) {
	k := s.key(0)
	if err := s.external(k); err != nil {
		return nil, err
	}
	if err := severalMaterials(k, in); err != nil {
		return nil, err
	}
	token, err := s.importToken(k, in.ImportToken)
	if err != nil {
		return nil, err
	}
	b, err := s.unwrapped(ctx, k, token, in.EncryptedKeyMaterial)
	if err != nil {
		return nil, err
	}
	defer b.clear()
	validTo, err := s.validTo(in)
	if err != nil {
		return nil, err
	}
	imported, err := s.placeMaterial(ctx, k, in, b)
	if err != nil {
		return nil, err
	}
	imported.Import.ValidTo, imported.Import.Missing = validTo, false
	if in.KeyMaterialDescription != nil {
		imported.Import.Description = *in.KeyMaterialDescription
	}
	if imported.Ref, err = s.importRef(ctx, k, imported.ID, b.secret); err != nil {
		return nil, err
	}
	err = s.change(0, func(k *store.Key) {
		putMaterial(k, imported)
		k.UsedTokens = append(slices.DeleteFunc(slices.Clone(k.UsedTokens), func(u store.UsedToken) bool { return !u.Until.After(s.Now) }),
			store.UsedToken{ID: token.ID, Until: token.Until})
		settle(k)
	})
	return &wire.ImportKeyMaterialOutput{KeyId: new(s.keyARN(k)), KeyMaterialId: symmetricOnly(k, imported.ID)}, err
}

// severalMaterials refuses the parameters that tell one material of a key from
// another for keys that never have a second one (NEW-06, IMP-1).
func severalMaterials(k *store.Key, in *wire.ImportKeyMaterialInput) error {
	if k.Spec == string(spec.SymmetricDefault) || in.ImportType == nil && in.KeyMaterialId == nil && in.KeyMaterialDescription == nil {
		return nil
	}
	return wire.Errorf(wire.UnsupportedOperation, "ImportType, KeyMaterialId and KeyMaterialDescription are supported only with symmetric encryption KMS keys.")
}

// symmetricOnly is a material's id for an answer about a key (NEW-08).
func symmetricOnly(k *store.Key, id string) *string {
	if k.Spec != string(spec.SymmetricDefault) {
		return nil
	}
	return materialID(id)
}

// importToken opens the token of a request for a key (IM-081, IM-082, D-6).
func (s *Scope) importToken(k *store.Key, sealed []byte) (importToken, error) {
	var token importToken
	text, err := s.engine.cfg.Root.Open(importPurpose, nil, sealed)
	if err == nil {
		err = json.Unmarshal(text.Expose(), &token)
	}
	used := slices.ContainsFunc(k.UsedTokens, func(u store.UsedToken) bool { return u.ID == token.ID })
	switch {
	case err != nil || token.Key != k.Addr || used:
		return importToken{}, wire.Errorf(wire.InvalidImportToken, "The import token is not valid for this key. Call GetParametersForImport for a new one.")
	case !token.Until.After(s.Now):
		return importToken{}, wire.Errorf(wire.ExpiredImportToken, "The import token has expired. Call GetParametersForImport for a new one.")
	}
	return token, nil
}

// unwrapped is the material of a request.
func (s *Scope) unwrapped(ctx context.Context, k *store.Key, token importToken, blob []byte) (brought, error) {
	given, err := wrap.Unwrap(ctx, token.Algorithm, seal.NewSecret(token.Private), blob)
	if errors.Is(err, wrap.ErrUnwrap) {
		return brought{}, errCiphertext() // IM-083
	}
	if err != nil {
		return brought{}, err
	}
	secret, err := wrap.Material(spec.KeySpec(k.Spec), given)
	if errors.Is(err, wrap.ErrMaterial) {
		return brought{}, wire.Errorf(wire.IncorrectKeyMaterial, "The key material is not valid for a key spec of %s.", k.Spec) // IM-036
	}
	return brought{secret, given}, err
}

// validTo is when the material of a request expires; zero: never (IM-085,
// IM-086).
func (s *Scope) validTo(in *wire.ImportKeyMaterialInput) (time.Time, error) {
	expires := either(in.ExpirationModel, doesExpire) == doesExpire
	switch {
	case expires && in.ValidTo == nil:
		return time.Time{}, wire.Errorf(wire.Validation, "A ValidTo date must be set if the ExpirationModel is %s.", doesExpire)
	case !expires && in.ValidTo != nil:
		return time.Time{}, wire.Errorf(wire.Validation, "A ValidTo date must not be set if the ExpirationModel is %s.", doesNotExpire)
	case !expires:
		return time.Time{}, nil
	case !in.ValidTo.After(s.Now) || in.ValidTo.Sub(s.Now) > maxValidity:
		return time.Time{}, wire.Errorf(wire.Validation, "The ValidTo date must be in the future, and no more than 365 days from now.")
	}
	return *in.ValidTo, nil
}

// placeMaterial finds which of a key's materials a request brings, or makes
// the place for a new one (IM-089, IM-090, NEW-06).
func (s *Scope) placeMaterial(ctx context.Context, k *store.Key, in *wire.ImportKeyMaterialInput, b brought) (store.Material, error) {
	kind := existingMaterial
	if len(k.Materials) == 0 {
		kind = newMaterial
	}
	kind = either(in.ImportType, kind)
	if kind == existingMaterial {
		return s.sameMaterial(ctx, k, in.KeyMaterialId, b)
	}
	if err := s.notReplica(k); err != nil { // what is new comes to the primary first (NEW-06)
		return store.Material{}, err
	}
	switch {
	case in.KeyMaterialId != nil:
		return store.Material{}, wire.Errorf(wire.Validation, "KeyMaterialId cannot be given with an ImportType of %s.", newMaterial)
	case len(k.Materials) > 0 && k.Spec != string(spec.SymmetricDefault):
		return store.Material{}, errOtherMaterial()
	case pendingMaterial(k) != nil:
		return store.Material{}, wire.Errorf(wire.KMSInvalidState, "%s already has key material that is pending rotation.", s.keyARN(k))
	}
	if _, err := s.sameMaterial(ctx, k, nil, b); err == nil {
		return store.Material{}, wire.Errorf(wire.IncorrectKeyMaterial, "The key material was imported into this key before; use an ImportType of %s.", existingMaterial)
	}
	fingerprint, err := s.engine.fingerprint(b.secret)
	if err != nil {
		return store.Material{}, err
	}
	id, err := s.engine.importedID(k.Addr, b)
	return store.Material{ID: id, Created: s.Now, Import: &store.Import{Fingerprint: fingerprint, Pending: len(k.Materials) > 0}}, err
}

func errOtherMaterial() error {
	return wire.Errorf(wire.IncorrectKeyMaterial, "The key material is not the key material that was imported into this key before.")
}

// sameMaterial is the material of a key that a request brings again, and that
// has the id that it may name. Its fingerprint is of the form in which it is
// kept from now on.
func (s *Scope) sameMaterial(ctx context.Context, k *store.Key, id *string, b brought) (store.Material, error) {
	for _, m := range k.Materials {
		if m.Import == nil || id != nil && *id != m.ID {
			continue
		}
		same, err := s.engine.matches(m.Import.Fingerprint, b)
		if err == nil && !same {
			same, err = s.samePair(ctx, k, m, b)
		}
		if err != nil {
			return store.Material{}, err
		}
		if same {
			imported := *m.Import
			imported.Fingerprint, err = s.engine.fingerprint(b.secret)
			m.Import = &imported
			return m, err
		}
	}
	return store.Material{}, errOtherMaterial()
}

// importRef has the provider keep a secret.
func (s *Scope) importRef(ctx context.Context, k *store.Key, id string, secret seal.Secret) (store.MaterialRef, error) {
	importer, ok := s.engine.cfg.Materials.(material.Importer)
	if !ok {
		return store.MaterialRef{}, wire.Errorf(wire.UnsupportedOperation, "The provider of key material does not import any.")
	}
	ref, err := importer.Import(ctx, id, spec.KeySpec(k.Spec), seal.NewSecret(bytes.Clone(secret.Expose())))
	return store.MaterialRef{Provider: ref.Provider, ID: ref.ID, Spec: string(ref.Spec), Sealed: ref.Sealed}, err
}

// putMaterial replaces the material of a key that has the same id, or adds it:
// the first one becomes current.
func putMaterial(k *store.Key, m store.Material) {
	k.Materials = slices.Clone(k.Materials)
	if at := slices.IndexFunc(k.Materials, func(old store.Material) bool { return old.ID == m.ID }); at >= 0 {
		k.Materials[at] = m
		return
	}
	k.Materials = append(k.Materials, m)
	if k.CurrentMaterial == "" {
		k.CurrentMaterial = m.ID
	}
}

func deleteImportedKeyMaterial(_ context.Context, s *Scope, in *wire.DeleteImportedKeyMaterialInput) (*wire.DeleteImportedKeyMaterialOutput, error) {
	k := s.key(0)
	if err := s.external(k); err != nil {
		return nil, err
	}
	id := either(in.KeyMaterialId, k.CurrentMaterial)
	known := slices.ContainsFunc(k.Materials, func(m store.Material) bool { return m.ID == id })
	if in.KeyMaterialId != nil && (!known || k.Spec != string(spec.SymmetricDefault)) {
		return nil, wire.Errorf(wire.NotFound, "Key material %s does not exist in %s.", id, s.keyARN(k))
	}
	out := &wire.DeleteImportedKeyMaterialOutput{KeyId: new(s.keyARN(k)), KeyMaterialId: symmetricOnly(k, id)}
	if !known { // IM-102
		return out, nil
	}
	dropped := store.Material{}
	err := s.change(0, func(k *store.Key) { dropped = drop(k, id) })
	s.forgotten = append(s.forgotten, dropped)
	return out, err
}
