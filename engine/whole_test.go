package engine_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/spec"
)

// Why something of the model is met by no test.
const (
	ofKeyStores   = "custom key stores are not offered: there is none that it could belong to"
	ofEnclaves    = "answers for Nitro enclaves are not offered: a call that asks for one is refused, rather than answered in plaintext"
	ofDependency  = "nothing here depends on another service that could fail to answer"
	ofOldWrapping = "no longer supported by the service, and refused"
)

// unmetMembers are input members with which no call succeeds.
var unmetMembers = because(map[string]string{
	ofKeyStores: `ConnectCustomKeyStore.CustomKeyStoreId CreateCustomKeyStore.CloudHsmClusterId CreateCustomKeyStore.CustomKeyStoreName
		CreateCustomKeyStore.CustomKeyStoreType CreateCustomKeyStore.KeyStorePassword CreateCustomKeyStore.TrustAnchorCertificate
		CreateCustomKeyStore.XksProxyAuthenticationCredential CreateCustomKeyStore.XksProxyConnectivity CreateCustomKeyStore.XksProxyUriEndpoint
		CreateCustomKeyStore.XksProxyUriPath CreateCustomKeyStore.XksProxyVpcEndpointServiceName
		CreateCustomKeyStore.XksProxyVpcEndpointServiceOwner CreateKey.CustomKeyStoreId CreateKey.XksKeyId DeleteCustomKeyStore.CustomKeyStoreId
		DescribeCustomKeyStores.CustomKeyStoreId DescribeCustomKeyStores.CustomKeyStoreName DescribeCustomKeyStores.Marker
		DisconnectCustomKeyStore.CustomKeyStoreId GenerateRandom.CustomKeyStoreId UpdateCustomKeyStore.CloudHsmClusterId
		UpdateCustomKeyStore.CustomKeyStoreId UpdateCustomKeyStore.KeyStorePassword UpdateCustomKeyStore.NewCustomKeyStoreName
		UpdateCustomKeyStore.XksProxyAuthenticationCredential UpdateCustomKeyStore.XksProxyConnectivity UpdateCustomKeyStore.XksProxyUriEndpoint
		UpdateCustomKeyStore.XksProxyUriPath UpdateCustomKeyStore.XksProxyVpcEndpointServiceName
		UpdateCustomKeyStore.XksProxyVpcEndpointServiceOwner`,
	ofEnclaves: "Decrypt.Recipient DeriveSharedSecret.Recipient GenerateDataKey.Recipient GenerateDataKeyPair.Recipient GenerateRandom.Recipient",
	"a key has one policy, so that no listing goes on": "ListKeyPolicies.Marker",
})

// unmetErrors are errors of the model that no call can bring about.
var unmetErrors = because(map[string]string{
	ofKeyStores: `CloudHsmClusterInUseException CloudHsmClusterInvalidConfigurationException CloudHsmClusterNotActiveException
		CloudHsmClusterNotFoundException CloudHsmClusterNotRelatedException CustomKeyStoreHasCMKsException CustomKeyStoreInvalidStateException
		CustomKeyStoreNameInUseException IncorrectTrustAnchorException XksKeyAlreadyInUseException XksKeyInvalidConfigurationException
		XksKeyNotFoundException XksProxyIncorrectAuthenticationCredentialException XksProxyInvalidConfigurationException
		XksProxyInvalidResponseException XksProxyUriEndpointInUseException XksProxyUriInUseException XksProxyUriUnreachableException
		XksProxyVpcEndpointServiceInUseException XksProxyVpcEndpointServiceInvalidConfigurationException
		XksProxyVpcEndpointServiceNotFoundException`,
	ofDependency: "DependencyTimeoutException KeyUnavailableException",
	"an id of a grant that breaks the model's constraints is a ValidationException, and any other is one that is not found": "InvalidGrantIdException",
})

// untold are members that no answer has.
var untold = because(map[string]string{
	ofKeyStores: `CreateCustomKeyStoreResponse.CustomKeyStoreId CustomKeyStoresListEntry.CloudHsmClusterId CustomKeyStoresListEntry.ConnectionErrorCode
		CustomKeyStoresListEntry.ConnectionState CustomKeyStoresListEntry.CreationDate CustomKeyStoresListEntry.CustomKeyStoreId
		CustomKeyStoresListEntry.CustomKeyStoreName CustomKeyStoresListEntry.CustomKeyStoreType CustomKeyStoresListEntry.TrustAnchorCertificate
		CustomKeyStoresListEntry.XksProxyConfiguration DescribeCustomKeyStoresResponse.NextMarker KeyMetadata.CloudHsmClusterId
		KeyMetadata.CustomKeyStoreId KeyMetadata.XksKeyConfiguration XksKeyConfigurationType.Id XksProxyConfigurationType.AccessKeyId
		XksProxyConfigurationType.Connectivity XksProxyConfigurationType.UriEndpoint XksProxyConfigurationType.UriPath
		XksProxyConfigurationType.VpcEndpointServiceName XksProxyConfigurationType.VpcEndpointServiceOwner`,
	ofEnclaves: `DecryptResponse.CiphertextForRecipient DeriveSharedSecretResponse.CiphertextForRecipient
		GenerateDataKeyPairResponse.CiphertextForRecipient GenerateDataKeyResponse.CiphertextForRecipient GenerateRandomResponse.CiphertextForRecipient`,
	"a key has one policy, so that no listing goes on":        "ListKeyPoliciesResponse.NextMarker",
	"a rotation on demand is done when it is answered (W-33)": "GetKeyRotationStatusResponse.OnDemandRotationStartDate",
})

// unmetValues are values of enumerations that no call succeeds with, and no
// answer has.
var unmetValues = because(map[string]string{
	ofOldWrapping: "AlgorithmSpec/RSAES_PKCS1_V1_5",
	ofEnclaves:    "KeyEncryptionMechanism/RSAES_OAEP_SHA_256",
	ofKeyStores: `ConnectionErrorCodeType/INVALID_CREDENTIALS ConnectionErrorCodeType/CLUSTER_NOT_FOUND ConnectionErrorCodeType/NETWORK_ERRORS
		ConnectionErrorCodeType/INTERNAL_ERROR ConnectionErrorCodeType/INSUFFICIENT_CLOUDHSM_HSMS ConnectionErrorCodeType/USER_LOCKED_OUT
		ConnectionErrorCodeType/USER_NOT_FOUND ConnectionErrorCodeType/USER_LOGGED_IN ConnectionErrorCodeType/SUBNET_NOT_FOUND
		ConnectionErrorCodeType/INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET ConnectionErrorCodeType/XKS_PROXY_ACCESS_DENIED
		ConnectionErrorCodeType/XKS_PROXY_NOT_REACHABLE ConnectionErrorCodeType/XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND
		ConnectionErrorCodeType/XKS_PROXY_INVALID_RESPONSE ConnectionErrorCodeType/XKS_PROXY_INVALID_CONFIGURATION
		ConnectionErrorCodeType/XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION ConnectionErrorCodeType/XKS_PROXY_TIMED_OUT
		ConnectionErrorCodeType/XKS_PROXY_INVALID_TLS_CONFIGURATION ConnectionStateType/CONNECTED ConnectionStateType/CONNECTING
		ConnectionStateType/FAILED ConnectionStateType/DISCONNECTED ConnectionStateType/DISCONNECTING CustomKeyStoreType/AWS_CLOUDHSM
		CustomKeyStoreType/EXTERNAL_KEY_STORE KeyState/Unavailable OriginType/AWS_CLOUDHSM OriginType/EXTERNAL_KEY_STORE
		XksProxyConnectivityType/PUBLIC_ENDPOINT XksProxyConnectivityType/VPC_ENDPOINT_SERVICE`,
})

// because turns names by their reason into reasons by name.
func because(names map[string]string) map[string]string {
	reasons := map[string]string{}
	for reason, list := range names {
		for _, name := range strings.Fields(list) {
			reasons[name] = reason
		}
	}
	return reasons
}

// withoutEffect are input members that are validated and then read by no
// operation.
var withoutEffect = because(map[string]string{
	"custom key stores are not offered, and the call fails whatever it says": `CreateCustomKeyStore.CloudHsmClusterId
		CreateCustomKeyStore.CustomKeyStoreName CreateCustomKeyStore.CustomKeyStoreType CreateCustomKeyStore.KeyStorePassword
		CreateCustomKeyStore.TrustAnchorCertificate CreateCustomKeyStore.XksProxyAuthenticationCredential
		CreateCustomKeyStore.XksProxyConnectivity CreateCustomKeyStore.XksProxyUriEndpoint CreateCustomKeyStore.XksProxyUriPath
		CreateCustomKeyStore.XksProxyVpcEndpointServiceName CreateCustomKeyStore.XksProxyVpcEndpointServiceOwner`,
	"there is no custom key store that could be changed": `UpdateCustomKeyStore.CloudHsmClusterId UpdateCustomKeyStore.KeyStorePassword
		UpdateCustomKeyStore.NewCustomKeyStoreName UpdateCustomKeyStore.XksProxyAuthenticationCredential
		UpdateCustomKeyStore.XksProxyConnectivity UpdateCustomKeyStore.XksProxyUriEndpoint UpdateCustomKeyStore.XksProxyUriPath
		UpdateCustomKeyStore.XksProxyVpcEndpointServiceName UpdateCustomKeyStore.XksProxyVpcEndpointServiceOwner`,
})

// readByAll are members that every operation that has them uses, outside of
// the operation (authorize.go, engine.go).
var readByAll = map[string]bool{"DryRun": true, "GrantTokens": true}

// TestEveryInputMemberIsRead looks for each member of each input in the code
// that is given the input.
func TestEveryInputMemberIsRead(t *testing.T) {
	t.Parallel()
	read, m := membersRead(t), readModel()
	for _, operation := range sortedKeys(m.Operations) {
		for _, member := range sortedKeys(m.Shapes[m.Operations[operation].Input.Shape].Members) {
			name := operation + "." + member
			reason, excused := withoutEffect[name]
			used := readByAll[member] || read[name]
			assert.True(t, used || excused, "%s is read by no operation, and no reason is given", name)
			assert.False(t, used && excused, "%s is read, but the table says: %s", name, reason)
		}
	}
}

// membersRead are the "Operation.Member" that functions with a parameter of
// type *wire.OperationInput select from it.
func membersRead(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	read := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			switch f := n.(type) {
			case *ast.FuncDecl:
				addRead(read, f.Type, f.Body)
			case *ast.FuncLit:
				addRead(read, f.Type, f.Body)
			}
			return true
		})
	}
	return read
}

func addRead(read map[string]bool, signature *ast.FuncType, body ast.Node) {
	for _, p := range signature.Params.List {
		pointer, ok := p.Type.(*ast.StarExpr)
		if !ok {
			continue
		}
		input, ok := pointer.X.(*ast.SelectorExpr)
		if !ok || len(p.Names) != 1 {
			continue
		}
		operation, ok := strings.CutSuffix(input.Sel.Name, "Input")
		if !ok {
			continue
		}
		ast.Inspect(body, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == p.Names[0].Name {
					read[operation+"."+s.Sel.Name] = true
				}
			}
			return true
		})
	}
}

// TestGrantsOfEveryOperation: each value of GrantOperation, on a key that can
// do it, comes back in the listing.
func TestGrantsOfEveryOperation(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	var met []string
	for key, allowed := range map[string][]types.GrantOperation{
		f.other: operations("Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext",
			"GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "CreateGrant", "RetireGrant", "DescribeKey"),
		f.signing:  operations("Sign", "Verify", "GetPublicKey"),
		f.hmac:     operations("GenerateMac", "VerifyMac"),
		f.agreeing: operations("DeriveSharedSecret"),
	} {
		b.give(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(bobARN), Operations: allowed})
		out, err := b.as(alice).ListGrants(b.ctx, &kms.ListGrantsInput{KeyId: &key})
		require.NoError(t, err)
		require.Len(t, out.Grants, 1)
		assert.ElementsMatch(t, allowed, out.Grants[0].Operations)
		met = append(met, names(allowed)...)
	}
	assert.ElementsMatch(t, readModel().Shapes["GrantOperation"].Enum, met)
}

// TestParametersOfEveryKind: each wrapping algorithm that is still supported,
// with each wrapping key that it goes with.
func TestParametersOfEveryKind(t *testing.T) {
	b := newBench(t)
	symmetric, pair := b.newExternal(spec.SymmetricDefault, spec.EncryptDecrypt), b.newExternal(spec.RSA2048, spec.SignVerify)
	for _, c := range []struct {
		key       string
		algorithm types.AlgorithmSpec
		wrapping  types.WrappingKeySpec
	}{
		{symmetric, types.AlgorithmSpecRsaesOaepSha1, types.WrappingKeySpecRsa3072},
		{symmetric, types.AlgorithmSpecRsaesOaepSha256, types.WrappingKeySpecRsa4096},
		{pair, types.AlgorithmSpecRsaAesKeyWrapSha1, types.WrappingKeySpecRsa2048},
		{pair, types.AlgorithmSpecRsaAesKeyWrapSha256, types.WrappingKeySpecRsa2048},
		{symmetric, types.AlgorithmSpecSm2pke, types.WrappingKeySpecSm2},
	} {
		out, err := b.as(alice).GetParametersForImport(b.ctx, &kms.GetParametersForImportInput{
			KeyId: &c.key, WrappingAlgorithm: c.algorithm, WrappingKeySpec: c.wrapping,
		})
		if assert.NoError(t, err, "%s %s", c.algorithm, c.wrapping) {
			assert.NotEmpty(t, out.PublicKey)
		}
	}
}

// TestImportIsDescribedAndRepeated: KeyMaterialDescription stands in the list
// of rotations, with all material only.
func TestImportIsDescribedAndRepeated(t *testing.T) {
	b := newBench(t)
	key := b.newExternal(spec.SymmetricDefault, spec.EncryptDecrypt)
	b.mustBring(key, material(1), func(in *kms.ImportKeyMaterialInput) { in.KeyMaterialDescription = aws.String("the first") })
	b.mustBring(key, material(1), func(in *kms.ImportKeyMaterialInput) { in.ImportType = types.ImportTypeExistingKeyMaterial })
	list := func(include types.IncludeKeyMaterial) []types.RotationsListEntry {
		out, err := b.as(alice).ListKeyRotations(b.ctx, &kms.ListKeyRotationsInput{KeyId: &key, IncludeKeyMaterial: include})
		require.NoError(t, err)
		return out.Rotations
	}
	all := list(types.IncludeKeyMaterialAllKeyMaterial)
	require.Len(t, all, 1)
	assert.Equal(t, "the first", aws.ToString(all[0].KeyMaterialDescription))
	assert.Empty(t, list(types.IncludeKeyMaterialRotationsOnly))
}

func TestExpiryOfMaterialIsListed(t *testing.T) {
	b := newBench(t)
	key, end := b.newExternal(spec.SymmetricDefault, spec.EncryptDecrypt), b.Clock.Now().Add(day)
	b.mustBring(key, material(1), until(end))
	out, err := b.as(alice).ListKeyRotations(b.ctx, &kms.ListKeyRotationsInput{KeyId: &key, IncludeKeyMaterial: types.IncludeKeyMaterialAllKeyMaterial})
	require.NoError(t, err)
	require.Len(t, out.Rotations, 1)
	assert.Equal(t, types.ExpirationModelTypeKeyMaterialExpires, out.Rotations[0].ExpirationModel)
	assert.Equal(t, end.Unix(), out.Rotations[0].ValidTo.Unix())
}

func TestConstraintsOfGrantsAreListed(t *testing.T) {
	b := newBench(t)
	key, pairs := b.newKey(""), map[string]string{"dept": "finance", "year": "2026"}
	want := []types.GrantConstraints{{EncryptionContextEquals: pairs}, {EncryptionContextSubset: pairs}}
	for _, c := range want {
		b.give(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(bobARN), Operations: operations("Decrypt"), Constraints: &c})
	}
	out, err := b.as(alice).ListGrants(b.ctx, &kms.ListGrantsInput{KeyId: &key})
	require.NoError(t, err)
	var listed []types.GrantConstraints
	for _, g := range out.Grants {
		listed = append(listed, *g.Constraints)
	}
	assert.ElementsMatch(t, want, listed)
}

func TestKeyPoliciesAreListedToALimit(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	out, err := b.as(alice).ListKeyPolicies(b.ctx, &kms.ListKeyPoliciesInput{KeyId: &key, Limit: aws.Int32(1)})
	require.NoError(t, err)
	assert.Equal(t, []string{"default"}, out.PolicyNames)
	assert.False(t, out.Truncated)
}

// TestAnswersForEnclavesAreRefused: a caller that asks for an answer that only
// its enclave can read must not get one in plaintext.
func TestAnswersForEnclavesAreRefused(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	recipient := &types.RecipientInfo{AttestationDocument: []byte("document"), KeyEncryptionAlgorithm: types.KeyEncryptionMechanismRsaesOaepSha256}
	const want = "UnsupportedOperationException: keyreeve does not offer the Recipient parameter yet."
	c := b.as(alice)
	answers(t, []ask{
		{"Decrypt", func() error {
			return second(c.Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: f.blob, EncryptionContext: f.pairs, Recipient: recipient}))
		}, want},
		{"DeriveSharedSecret", func() error {
			return second(c.DeriveSharedSecret(b.ctx, &kms.DeriveSharedSecretInput{
				KeyId: &f.agreeing, PublicKey: f.peer, KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpecEcdh, Recipient: recipient,
			}))
		}, want},
		{"GenerateDataKey", func() error {
			return second(c.GenerateDataKey(b.ctx, &kms.GenerateDataKeyInput{KeyId: &f.key, KeySpec: types.DataKeySpecAes256, Recipient: recipient}))
		}, want},
		{"GenerateDataKeyPair", func() error {
			return second(c.GenerateDataKeyPair(b.ctx, &kms.GenerateDataKeyPairInput{
				KeyId: &f.key, KeyPairSpec: types.DataKeyPairSpecEccNistP256, Recipient: recipient,
			}))
		}, want},
		{"GenerateRandom", func() error {
			return second(c.GenerateRandom(b.ctx, &kms.GenerateRandomInput{NumberOfBytes: aws.Int32(8), Recipient: recipient}))
		}, want},
	})
}
