package engine_test

import (
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// A body is the input of an operation.
type body map[string]any

// onSubject is the request that names a key and nothing else.
func onSubject(s subject) body { return body{"KeyId": s.arn()} }

// with is a request on a key, with more.
func with(more func(s subject) body) func(subject) body {
	return func(s subject) body {
		all := onSubject(s)
		for name, value := range more(s) {
			all[name] = value
		}
		return all
	}
}

// always is a request on a key, with the same for all.
func always(more body) func(subject) body { return with(func(subject) body { return more }) }

// algorithm is the first of a key's usage; of a key of another, one that a key
// of the usage has.
func (s subject) algorithm(usage spec.Usage) spec.Algorithm {
	entry, _ := spec.Lookup(s.kind.spec)
	if s.kind.usage == usage {
		return entry.Algorithms(usage)[0]
	}
	return map[spec.Usage]spec.Algorithm{
		spec.EncryptDecrypt: spec.EncryptSymmetricDefault, spec.SignVerify: spec.ECDSASHA256, spec.GenerateVerifyMAC: spec.HMACSHA256,
	}[usage]
}

var pair = body{"KeyPairSpec": "ECC_NIST_P256"}

// stateRequests has a request of each operation about a key, which succeeds if
// kind and state of the key permit it.
var stateRequests = map[string]func(subject) body{
	"CancelKeyDeletion": onSubject,
	"CreateAlias":       func(s subject) body { return body{"AliasName": s.alias(), "TargetKeyId": s.arn()} },
	"CreateGrant":       always(body{"GranteePrincipal": bobARN, "Operations": []string{"DescribeKey"}}),
	"Decrypt": with(func(s subject) body {
		return body{"CiphertextBlob": s.made.Ciphertext, "EncryptionAlgorithm": s.algorithm(spec.EncryptDecrypt)}
	}),
	"DeleteAlias":               func(s subject) body { return body{"AliasName": s.alias()} },
	"DeleteImportedKeyMaterial": onSubject,
	"DeriveSharedSecret": with(func(s subject) body {
		return body{"KeyAgreementAlgorithm": "ECDH", "PublicKey": s.made.Public}
	}),
	"DescribeKey":        onSubject,
	"DisableKey":         onSubject,
	"DisableKeyRotation": onSubject,
	"EnableKey":          onSubject,
	"EnableKeyRotation":  onSubject,
	"Encrypt": with(func(s subject) body {
		return body{"Plaintext": []byte("p"), "EncryptionAlgorithm": s.algorithm(spec.EncryptDecrypt)}
	}),
	"GenerateDataKey":                     always(body{"KeySpec": "AES_256"}),
	"GenerateDataKeyPair":                 always(pair),
	"GenerateDataKeyPairWithoutPlaintext": always(pair),
	"GenerateDataKeyWithoutPlaintext":     always(body{"KeySpec": "AES_128"}),
	"GenerateMac": with(func(s subject) body {
		return body{"Message": []byte("m"), "MacAlgorithm": s.algorithm(spec.GenerateVerifyMAC)}
	}),
	"GetKeyLastUsage":      onSubject,
	"GetKeyPolicy":         onSubject,
	"GetKeyRotationStatus": onSubject,
	"GetParametersForImport": with(func(s subject) body {
		if s.kind.spec == spec.RSA2048 {
			return body{"WrappingAlgorithm": "RSA_AES_KEY_WRAP_SHA_256", "WrappingKeySpec": "RSA_2048"}
		}
		return body{"WrappingAlgorithm": "SM2PKE", "WrappingKeySpec": "SM2"}
	}),
	"GetPublicKey": onSubject,
	"ImportKeyMaterial": with(func(s subject) body {
		if s.token.token == nil {
			s.token = importToken{[]byte("none"), []byte("none")}
		}
		return body{"ImportToken": s.token.token, "EncryptedKeyMaterial": s.token.material, "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
	}),
	"ListAliases":      onSubject,
	"ListGrants":       onSubject,
	"ListKeyPolicies":  onSubject,
	"ListKeyRotations": onSubject,
	"ListResourceTags": onSubject,
	"PutKeyPolicy":     always(body{"Policy": delegating}),
	"ReEncrypt": func(s subject) body {
		return body{
			"SourceKeyId": s.arn(), "CiphertextBlob": s.made.Ciphertext, "SourceEncryptionAlgorithm": s.algorithm(spec.EncryptDecrypt),
			"DestinationKeyId": s.helper.arn,
		}
	},
	"ReEncrypt/to": func(s subject) body {
		return body{
			"SourceKeyId": s.helper.arn, "CiphertextBlob": s.helper.blob,
			"DestinationKeyId": s.arn(), "DestinationEncryptionAlgorithm": s.algorithm(spec.EncryptDecrypt),
		}
	},
	"ReplicateKey":        always(body{"ReplicaRegion": canada}),
	"RetireGrant":         always(body{"GrantId": theGrant}),
	"RevokeGrant":         always(body{"GrantId": theGrant}),
	"RotateKeyOnDemand":   onSubject,
	"ScheduleKeyDeletion": onSubject,
	"Sign": with(func(s subject) body {
		return body{"Message": []byte("m"), "SigningAlgorithm": s.algorithm(spec.SignVerify)}
	}),
	"TagResource":          always(body{"Tags": []body{{"TagKey": "team", "TagValue": "red"}}}),
	"UntagResource":        always(body{"TagKeys": []string{"team"}}),
	"UpdateAlias":          func(s subject) body { return body{"AliasName": s.alias(), "TargetKeyId": s.arn()} },
	"UpdateAlias/current":  func(s subject) body { return body{"AliasName": s.alias(), "TargetKeyId": s.other} },
	"UpdateKeyDescription": always(body{"Description": "another"}),
	"UpdatePrimaryRegion":  always(body{"PrimaryRegion": europe}),
	"UpdatePrimaryRegion/promoted": func(s subject) body {
		s.addr = s.addr.sibling()
		return body{"KeyId": s.arn(), "PrimaryRegion": europe}
	},
	"Verify": with(func(s subject) body {
		return body{"Message": []byte("m"), "Signature": s.made.Signature, "SigningAlgorithm": s.algorithm(spec.SignVerify)}
	}),
	"VerifyMac": with(func(s subject) body {
		return body{"Message": []byte("m"), "Mac": s.made.Mac, "MacAlgorithm": s.algorithm(spec.GenerateVerifyMAC)}
	}),
}
