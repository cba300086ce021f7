package audit

import (
	"maps"
	"slices"

	"github.com/keyreeve/keyreeve/engine/wire"
)

// Members that occur in many rows.
const (
	context   = "encryptionContext"
	algorithm = `encryptionAlgorithm="SYMMETRIC_DEFAULT"`
	bypass    = "bypassPolicyLockoutSafetyCheck=false"
	messages  = `messageType="RAW"`
	policy    = `policyName="default"`
	page      = "limit marker"
	storeForm = "clusterId:CloudHsmClusterId xksProxyUriEndpoint xksProxyUriPath xksProxyVpcEndpointServiceName " +
		"xksProxyVpcEndpointServiceOwner xksProxyConnectivity"
	storeSecrets = "keyStorePassword xksProxyAuthenticationCredential"
)

// table has a row for every operation of the API, for what the service does
// on its own, and for the STS actions. Guide, "Logging AWS KMS API calls with
// AWS CloudTrail"; requirements section 1.4.
var table = func() map[string]row {
	all := map[string]row{}
	for _, part := range []map[string]row{keyRows, cryptoRows, grantRows, readRows, storeRows, internalRows, stsRows} {
		for name, r := range part {
			all[name] = r.compile(name)
		}
	}
	return all
}()

// Operations returns the names of all operations that have records, sorted.
func Operations() []string { return slices.Sorted(maps.Keys(table)) }

var keyRows = map[string]row{
	"CancelKeyDeletion": {in: wire.CancelKeyDeletionInput{}, out: wire.CancelKeyDeletionOutput{}, keep: "keyId", answer: "keyId", resources: keys},
	"CreateAlias":       {in: wire.CreateAliasInput{}, keep: "aliasName targetKeyId", answer: keyARN, resources: keyAlias},
	"CreateKey": {in: wire.CreateKeyInput{}, out: wire.CreateKeyOutput{}, answer: "keyMetadata", resources: keys,
		keep: `description="" origin="AWS_KMS" ` + bypass + ` customerMasterKeySpec~keySpec="SYMMETRIC_DEFAULT" keySpec~customerMasterKeySpec="SYMMETRIC_DEFAULT" ` +
			`keyUsage="ENCRYPT_DECRYPT" multiRegion=false tags=[] policy customKeyStoreId xksKeyId`},
	"DeleteAlias":               {in: wire.DeleteAliasInput{}, keep: "aliasName", answer: keyARN, resources: aliasKey},
	"DeleteImportedKeyMaterial": {in: wire.DeleteImportedKeyMaterialInput{}, keep: "keyId keyMaterialId", answer: keyARN, resources: keys},
	"DisableKey":                {in: wire.DisableKeyInput{}, keep: "keyId", answer: keyARN, resources: keys},
	"DisableKeyRotation":        {in: wire.DisableKeyRotationInput{}, keep: "keyId", resources: keys},
	"EnableKey":                 {in: wire.EnableKeyInput{}, keep: "keyId", answer: keyARN, resources: keys},
	"EnableKeyRotation":         {in: wire.EnableKeyRotationInput{}, keep: "keyId rotationPeriodInDays=365", answer: keyARN, resources: keys},
	"ImportKeyMaterial": {in: wire.ImportKeyMaterialInput{}, drop: "encryptedKeyMaterial importToken", answer: keyARN, resources: keys,
		keep: `keyId validTo expirationModel="KEY_MATERIAL_EXPIRES" importType keyMaterialId keyMaterialDescription`},
	"PutKeyPolicy": {in: wire.PutKeyPolicyInput{}, keep: "keyId " + policy + " policy " + bypass, resources: keys},
	"ReplicateKey": {in: wire.ReplicateKeyInput{}, out: wire.ReplicateKeyOutput{}, resources: keys,
		keep: "keyId replicaRegion " + bypass + ` description="" policy tags`, answer: "replicaKeyMetadata replicaPolicy replicaTags"},
	"RotateKeyOnDemand": {in: wire.RotateKeyOnDemandInput{}, out: wire.RotateKeyOnDemandOutput{}, keep: "keyId", answer: "keyId", resources: keys},
	"ScheduleKeyDeletion": {in: wire.ScheduleKeyDeletionInput{}, out: wire.ScheduleKeyDeletionOutput{}, resources: keys,
		keep: "pendingWindowInDays=30 keyId", answer: "keyId keyState deletionDate pendingWindowInDays"},
	"TagResource":          {in: wire.TagResourceInput{}, keep: "keyId tags", answer: keyARN, resources: keys},
	"UntagResource":        {in: wire.UntagResourceInput{}, keep: "keyId tagKeys", answer: keyARN, resources: keys},
	"UpdateAlias":          {in: wire.UpdateAliasInput{}, keep: "aliasName targetKeyId", answer: keyARN, resources: aliasKey},
	"UpdateKeyDescription": {in: wire.UpdateKeyDescriptionInput{}, keep: "keyId description", resources: keys},
	"UpdatePrimaryRegion":  {in: wire.UpdatePrimaryRegionInput{}, keep: "keyId primaryRegion", answer: keyARN, resources: keys},
}

// Cryptographic operations are all read-only, and none shows its answer
// (CT-032, CT-070).
var cryptoRows = map[string]row{
	"Decrypt": {in: wire.DecryptInput{}, readOnly: true, resources: keys,
		keep: algorithm + " keyId " + context + " dryRun dryRunModifiers", drop: "ciphertextBlob recipient grantTokens"},
	"DeriveSharedSecret": {in: wire.DeriveSharedSecretInput{}, readOnly: true, resources: keys,
		keep: "keyAgreementAlgorithm keyId dryRun", drop: "publicKey recipient grantTokens"},
	"Encrypt": {in: wire.EncryptInput{}, readOnly: true, resources: keys,
		keep: context + " keyId " + algorithm + " dryRun", drop: "plaintext grantTokens"},
	"GenerateDataKey": {in: wire.GenerateDataKeyInput{}, readOnly: true, resources: keys,
		keep: "keyId keySpec numberOfBytes " + context + " dryRun", drop: "recipient grantTokens"},
	"GenerateDataKeyPair": {in: wire.GenerateDataKeyPairInput{}, readOnly: true, resources: keys,
		keep: "keyPairSpec " + context + " keyId dryRun", drop: "recipient grantTokens"},
	"GenerateDataKeyPairWithoutPlaintext": {in: wire.GenerateDataKeyPairWithoutPlaintextInput{}, readOnly: true, resources: keys,
		keep: "keyPairSpec " + context + " keyId dryRun", drop: "grantTokens"},
	"GenerateDataKeyWithoutPlaintext": {in: wire.GenerateDataKeyWithoutPlaintextInput{}, readOnly: true, resources: keys,
		keep: "keyId keySpec numberOfBytes " + context + " dryRun", drop: "grantTokens"},
	"GenerateMac":    {in: wire.GenerateMacInput{}, readOnly: true, resources: keys, keep: "macAlgorithm keyId dryRun", drop: "message grantTokens"},
	"GenerateRandom": {in: wire.GenerateRandomInput{}, readOnly: true, resources: nothing, drop: "numberOfBytes customKeyStoreId recipient"},
	"ReEncrypt": {in: wire.ReEncryptInput{}, readOnly: true, resources: keys, drop: "ciphertextBlob grantTokens",
		keep: `sourceEncryptionAlgorithm="SYMMETRIC_DEFAULT" sourceEncryptionContext sourceKeyId destinationKeyId ` +
			`destinationEncryptionAlgorithm="SYMMETRIC_DEFAULT" destinationEncryptionContext dryRun dryRunModifiers`},
	"Sign":      {in: wire.SignInput{}, readOnly: true, resources: keys, keep: messages + " keyId signingAlgorithm dryRun", drop: "message grantTokens"},
	"Verify":    {in: wire.VerifyInput{}, readOnly: true, resources: keys, keep: "signingAlgorithm keyId " + messages + " dryRun", drop: "message signature grantTokens"},
	"VerifyMac": {in: wire.VerifyMacInput{}, readOnly: true, resources: keys, keep: "macAlgorithm keyId dryRun", drop: "message mac grantTokens"},
}

var grantRows = map[string]row{
	"CreateGrant": {in: wire.CreateGrantInput{}, out: wire.CreateGrantOutput{}, resources: keys, drop: "grantTokens",
		keep: "keyId granteePrincipal retiringPrincipal operations constraints name dryRun", answer: "grantId " + keyARN},
	"ListGrants":          {in: wire.ListGrantsInput{}, readOnly: true, keep: "keyId marker limit grantId granteePrincipal", resources: keys},
	"ListRetirableGrants": {in: wire.ListRetirableGrantsInput{}, readOnly: true, keep: "retiringPrincipal " + page, resources: nothing},
	// However the grant was named, only additionalEventData tells its id.
	"RetireGrant": {in: wire.RetireGrantInput{}, drop: "grantToken grantId keyId dryRun", resources: keys},
	"RevokeGrant": {in: wire.RevokeGrantInput{}, keep: "keyId grantId dryRun", resources: keys},
}

var readRows = map[string]row{
	"DescribeKey":            {in: wire.DescribeKeyInput{}, readOnly: true, keep: "keyId", drop: "grantTokens", resources: keys},
	"GetKeyLastUsage":        {in: wire.GetKeyLastUsageInput{}, readOnly: true, keep: "keyId", resources: keys},
	"GetKeyPolicy":           {in: wire.GetKeyPolicyInput{}, readOnly: true, keep: "keyId " + policy, resources: keys},
	"GetKeyRotationStatus":   {in: wire.GetKeyRotationStatusInput{}, readOnly: true, keep: "keyId", resources: keys},
	"GetParametersForImport": {in: wire.GetParametersForImportInput{}, readOnly: true, keep: "keyId wrappingAlgorithm wrappingKeySpec", resources: keys},
	"GetPublicKey":           {in: wire.GetPublicKeyInput{}, readOnly: true, keep: "keyId", drop: "grantTokens", resources: keys},
	"ListAliases":            {in: wire.ListAliasesInput{}, readOnly: true, keep: "keyId " + page, resources: nothing},
	"ListKeyPolicies":        {in: wire.ListKeyPoliciesInput{}, readOnly: true, keep: "keyId " + page, resources: keys},
	"ListKeyRotations":       {in: wire.ListKeyRotationsInput{}, readOnly: true, keep: "keyId includeKeyMaterial " + page, resources: keys},
	"ListKeys":               {in: wire.ListKeysInput{}, readOnly: true, keep: page, resources: nothing},
	"ListResourceTags":       {in: wire.ListResourceTagsInput{}, readOnly: true, keep: "keyId " + page, resources: keys},
}

var storeRows = map[string]row{
	"ConnectCustomKeyStore": {in: wire.ConnectCustomKeyStoreInput{}, keep: "customKeyStoreId", resources: absent},
	"CreateCustomKeyStore": {in: wire.CreateCustomKeyStoreInput{}, out: wire.CreateCustomKeyStoreOutput{}, resources: absent,
		keep: "customKeyStoreName customKeyStoreType " + storeForm, drop: storeSecrets + " trustAnchorCertificate", answer: "customKeyStoreId"},
	"DeleteCustomKeyStore":    {in: wire.DeleteCustomKeyStoreInput{}, keep: "customKeyStoreId", resources: absent},
	"DescribeCustomKeyStores": {in: wire.DescribeCustomKeyStoresInput{}, readOnly: true, keep: "customKeyStoreId customKeyStoreName " + page, resources: absent},
	"DisconnectCustomKeyStore": {in: wire.DisconnectCustomKeyStoreInput{}, keep: "customKeyStoreId",
		resources: absent},
	"UpdateCustomKeyStore": {in: wire.UpdateCustomKeyStoreInput{}, resources: absent,
		keep: "customKeyStoreId newCustomKeyStoreName " + storeForm, drop: storeSecrets},
}

// What the service does on its own (CT-080 to CT-083).
var internalRows = map[string]row{
	"DeleteExpiredKeyMaterial":  {internal: true, resources: keys},
	"DeleteKey":                 {internal: true, answer: keyARN, resources: keys},
	"RotateKey":                 {internal: true, answer: keyARN, resources: keys},
	"SynchronizeMultiRegionKey": {answer: keyARN, resources: keys},
}
