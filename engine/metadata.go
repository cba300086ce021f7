package engine

import (
	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/lifecycle"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/store"
)

// metadata is a key as DescribeKey and CreateKey tell it (LST-03 to LST-05).
func (s *Scope) metadata(k *store.Key) *wire.KeyMetadata {
	m := &wire.KeyMetadata{
		KeyId: k.Addr.ID, Arn: new(s.keyARN(k)), AWSAccountId: &k.Addr.Account,
		CreationDate: &k.Created, Enabled: new(k.State == string(lifecycle.Enabled)), Description: &k.Description,
		KeyUsage: &k.Usage, KeyState: &k.State, Origin: &k.Origin, KeyManager: &k.Manager,
		KeySpec: &k.Spec, CustomerMasterKeySpec: &k.Spec, MultiRegion: new(k.MultiRegion.Type != ""), MultiRegionConfiguration: s.multiRegionConfiguration(k),
	}
	switch lifecycle.State(k.State) {
	case lifecycle.PendingDeletion:
		m.DeletionDate = &k.DeletionDate
	case lifecycle.PendingReplicaDeletion: // MR-193
		m.PendingDeletionWindowInDays = new(int32(k.PendingWindowDays)) // at most 30
	}
	m.CurrentKeyMaterialId = currentMaterial(k)
	if model, validTo := expirationModel(k); model != "" {
		m.ExpirationModel = &model
		if !validTo.IsZero() {
			m.ValidTo = &validTo
		}
	}
	entry, _ := spec.Lookup(spec.KeySpec(k.Spec))
	algorithms := algorithmNames(entry.Algorithms(spec.Usage(k.Usage)))
	switch spec.Usage(k.Usage) {
	case spec.EncryptDecrypt:
		m.EncryptionAlgorithms = algorithms
	case spec.SignVerify:
		m.SigningAlgorithms = algorithms
	case spec.GenerateVerifyMAC:
		m.MacAlgorithms = algorithms
	case spec.KeyAgreement:
		m.KeyAgreementAlgorithms = algorithms
	}
	return m
}

func algorithmNames(list []spec.Algorithm) []string {
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = string(a)
	}
	return names
}
