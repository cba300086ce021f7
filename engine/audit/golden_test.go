package audit

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/sts"
	"github.com/keyreeve/keyreeve/engine/wire"
)

var update = flag.Bool("update", false, "write the golden files")

// The goldens are calls whose records stand in testdata, by the name of the
// file.
var managementGoldens = map[string]Call{
	"CancelKeyDeletion": call("CancelKeyDeletion", &wire.CancelKeyDeletionInput{KeyId: testKeyID}, &wire.CancelKeyDeletionOutput{KeyId: aws.String(testKey)}),
	"CreateAlias":       call("CreateAlias", &wire.CreateAliasInput{AliasName: "alias/ledger", TargetKeyId: testKeyID}, &wire.CreateAliasOutput{}).with(alias),
	"CreateGrant": call("CreateGrant", &wire.CreateGrantInput{
		KeyId: testKey, GranteePrincipal: "arn:aws:iam::444400001111:role/Reader", RetiringPrincipal: aws.String("arn:aws:iam::444400001111:role/Janitor"),
		Operations: []string{"Decrypt", "RetireGrant"}, Constraints: &wire.GrantConstraints{EncryptionContextSubset: map[string]string{"tenant": "blue"}},
		Name: aws.String("nightly"), GrantTokens: []string{"token"},
	}, &wire.CreateGrantOutput{GrantId: aws.String(grantID), GrantToken: aws.String("token")}),
	"CreateKey":            call("CreateKey", &wire.CreateKeyInput{Description: aws.String("ledger root")}, &wire.CreateKeyOutput{KeyMetadata: metadata()}),
	"CreateKey-everything": createKeyWithEverything(),
	"DeleteAlias":          call("DeleteAlias", &wire.DeleteAliasInput{AliasName: "alias/ledger"}, nil).with(alias),
	"DescribeKey":          call("DescribeKey", &wire.DescribeKeyInput{KeyId: testKeyID}, &wire.DescribeKeyOutput{KeyMetadata: metadata()}),
	"DisableKey":           call("DisableKey", &wire.DisableKeyInput{KeyId: testKeyID}, nil),
	"EnableKey":            call("EnableKey", &wire.EnableKeyInput{KeyId: testKeyID}, nil),
	"GetKeyPolicy":         call("GetKeyPolicy", &wire.GetKeyPolicyInput{KeyId: testKeyID}, &wire.GetKeyPolicyOutput{Policy: aws.String(testPolicy)}),
	"ListAliases":          call("ListAliases", &wire.ListAliasesInput{Limit: aws.Int32(25), Marker: aws.String("aW52ZW50ZWQ=")}, nil).with(nokeys),
	"ListGrants":           call("ListGrants", &wire.ListGrantsInput{KeyId: testKeyID, Limit: aws.Int32(10)}, nil),
	"ListKeyPolicies":      call("ListKeyPolicies", &wire.ListKeyPoliciesInput{KeyId: testKeyID}, nil),
	"ListKeys":             call("ListKeys", &wire.ListKeysInput{}, &wire.ListKeysOutput{}).with(nokeys),
	"ListResourceTags":     call("ListResourceTags", &wire.ListResourceTagsInput{KeyId: testKeyID}, nil),
	"ListRetirableGrants":  call("ListRetirableGrants", &wire.ListRetirableGrantsInput{RetiringPrincipal: noor.ARN, Limit: aws.Int32(50)}, nil).with(nokeys),
	"PutKeyPolicy":         call("PutKeyPolicy", &wire.PutKeyPolicyInput{KeyId: testKeyID, Policy: testPolicy}, nil),
	"RetireGrant":          call("RetireGrant", &wire.RetireGrantInput{GrantToken: aws.String("token")}, nil).with(func(c *Call) { c.Additional.GrantID = grantID }),
	"RevokeGrant":          call("RevokeGrant", &wire.RevokeGrantInput{KeyId: testKeyID, GrantId: grantID}, nil),
	"ReplicateKey":         replicateKey(),
	"ScheduleKeyDeletion": call("ScheduleKeyDeletion", &wire.ScheduleKeyDeletionInput{KeyId: testKeyID}, &wire.ScheduleKeyDeletionOutput{
		KeyId: aws.String(testKey), KeyState: aws.String("PendingDeletion"), DeletionDate: aws.Time(testTime.AddDate(0, 0, 30)), PendingWindowInDays: aws.Int32(30),
	}),
	"TagResource":   call("TagResource", &wire.TagResourceInput{KeyId: testKey, Tags: []wire.Tag{{TagKey: "team", TagValue: "ledger"}}}, nil),
	"UntagResource": call("UntagResource", &wire.UntagResourceInput{KeyId: testKey, TagKeys: []string{"team"}}, nil),
	"UpdateAlias": call("UpdateAlias", &wire.UpdateAliasInput{AliasName: "alias/ledger", TargetKeyId: secondKeyID}, nil).with(alias).with(func(c *Call) {
		c.Keys = []string{secondKey}
	}),
	"UpdateKeyDescription": call("UpdateKeyDescription", &wire.UpdateKeyDescriptionInput{KeyId: testKeyID}, nil),
	"UpdatePrimaryRegion": call("UpdatePrimaryRegion", &wire.UpdatePrimaryRegionInput{KeyId: mrk, PrimaryRegion: "eu-west-3"}, nil).with(func(c *Call) {
		c.Keys = []string{"arn:aws:kms:eu-central-1:444400001111:key/" + mrk}
	}),
	"RotateKey": {
		Operation: "RotateKey", Region: "eu-central-1", Time: testTime, EventID: testEventID, Caller: Identity{Kind: Internal, Account: testAccount}, Keys: []string{testKey},
		Details: &ServiceDetails{RotationType: "AUTOMATIC", KeyID: testKeyID},
	},
}

var cryptoGoldens = map[string]Call{
	"Decrypt":               call("Decrypt", &wire.DecryptInput{CiphertextBlob: []byte("c"), EncryptionContext: blue}, &wire.DecryptOutput{Plaintext: []byte("p")}),
	"Decrypt-empty-context": call("Decrypt", &wire.DecryptInput{CiphertextBlob: []byte("c"), EncryptionContext: map[string]string{}}, nil),
	"Decrypt-refused": call("Decrypt", &wire.DecryptInput{KeyId: aws.String(testKey), EncryptionContext: blue}, nil).with(func(c *Call) {
		c.Err, c.Allowed = refused, false
		c.Additional.Authorization = json.RawMessage(`[{"version":1,"allowed":false}]`)
	}),
	"Decrypt-wrong-key": call("Decrypt", &wire.DecryptInput{KeyId: aws.String("alias/ledger")}, nil).with(func(c *Call) {
		c.Err = &wire.Error{Code: wire.IncorrectKey, Message: "The key ID in the request does not identify a CMK that can perform this operation."}
	}),
	"Decrypt-pending-deletion": call("Decrypt", &wire.DecryptInput{}, nil).with(func(c *Call) {
		c.Err = &wire.Error{Code: wire.KMSInvalidState, Message: testKey + " is pending deletion."}
	}),
	"Decrypt-dry-run": call("Decrypt", &wire.DecryptInput{DryRun: aws.Bool(true)}, nil).with(func(c *Call) {
		c.Err = &wire.Error{Code: wire.DryRunOperation, Message: "The request would have succeeded, but the DryRun option is set."}
	}),
	"Decrypt-cross-account": call("Decrypt", &wire.DecryptInput{KeyId: aws.String(foreignKey)}, &wire.DecryptOutput{}).with(func(c *Call) {
		c.Keys, c.Caller = []string{foreignKey}, reader
		c.Additional.Authorization = json.RawMessage(`[{"version":1,"allowed":true}]`)
	}),
	"Decrypt-cross-account-refused": call("Decrypt", &wire.DecryptInput{}, nil).with(func(c *Call) {
		c.Keys, c.Caller, c.Allowed = []string{foreignKey}, reader, false
		c.Err = wire.Errorf(wire.AccessDenied, "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.")
	}),
	"Encrypt":         call("Encrypt", &wire.EncryptInput{KeyId: "alias/ledger", Plaintext: []byte("p"), EncryptionContext: blue}, &wire.EncryptOutput{CiphertextBlob: []byte("c")}),
	"GenerateDataKey": call("GenerateDataKey", &wire.GenerateDataKeyInput{KeyId: testKeyID, KeySpec: aws.String("AES_256")}, &wire.GenerateDataKeyOutput{Plaintext: []byte("p")}),
	"GenerateRandom":  call("GenerateRandom", &wire.GenerateRandomInput{NumberOfBytes: aws.Int32(32)}, &wire.GenerateRandomOutput{Plaintext: []byte("p")}).with(nokeys),
	"ReEncrypt": call("ReEncrypt", &wire.ReEncryptInput{
		CiphertextBlob: []byte("c"), SourceEncryptionContext: blue, DestinationKeyId: secondKeyID, DestinationEncryptionContext: map[string]string{"tenant": "green"},
	}, &wire.ReEncryptOutput{}).with(func(c *Call) { c.Keys = []string{testKey, secondKey} }),
	"ReEncrypt-three-accounts": call("ReEncrypt", &wire.ReEncryptInput{DestinationKeyId: foreignKey}, nil).with(func(c *Call) {
		c.Keys = []string{"arn:aws:kms:eu-central-1:666600003333:key/" + testKeyID, foreignKey}
	}),
	"GenerateDataKeyWithoutPlaintext": call("GenerateDataKeyWithoutPlaintext", &wire.GenerateDataKeyWithoutPlaintextInput{KeyId: testKeyID, NumberOfBytes: aws.Int32(64)}, nil),
}

var stsGoldens = map[string]Call{
	"AssumeRole":        assumeRole(),
	"GetCallerIdentity": call("GetCallerIdentity", &sts.GetCallerIdentityInput{}, &sts.GetCallerIdentityOutput{ARN: noor.ARN}).with(nokeys),
	"GetSessionToken": call("GetSessionToken", &sts.GetSessionTokenInput{DurationSeconds: 900}, &sts.GetSessionTokenOutput{Credentials: sts.Credentials{
		AccessKeyID: "ASIAINVENTED00000001", SecretKey: seal.NewSecret([]byte("k")), SessionToken: seal.NewSecret([]byte("t")), Expires: testTime.Add(time.Hour),
	}}).with(nokeys),
}

var refused = &wire.Error{Code: wire.AccessDenied, Message: "User: " + noor.ARN + " is not authorized to perform: kms:Decrypt on resource: " + testKey +
	" because no identity-based policy allows the kms:Decrypt action"}

func nokeys(c *Call) { c.Keys = nil }

func alias(c *Call) { c.Alias = testAlias }

func createKeyWithEverything() Call {
	return call("CreateKey", &wire.CreateKeyInput{
		Description: aws.String(""), Origin: aws.String("EXTERNAL"), BypassPolicyLockoutSafetyCheck: aws.Bool(true), CustomerMasterKeySpec: aws.String("RSA_2048"),
		KeyUsage: aws.String("SIGN_VERIFY"), MultiRegion: aws.Bool(true), Tags: []wire.Tag{{TagKey: "team", TagValue: "<ledger> & \"more\""}}, Policy: aws.String(testPolicy),
	}, &wire.CreateKeyOutput{KeyMetadata: metadata()})
}

func replicateKey() Call {
	primary := "arn:aws:kms:eu-central-1:444400001111:key/" + mrk
	meta := metadata()
	meta.KeyId, meta.Arn, meta.MultiRegion, meta.KeyState = mrk, aws.String("arn:aws:kms:eu-west-3:444400001111:key/"+mrk), aws.Bool(true), aws.String("Creating")
	meta.MultiRegionConfiguration = &wire.MultiRegionConfiguration{
		MultiRegionKeyType: aws.String("REPLICA"), PrimaryKey: &wire.MultiRegionKey{Arn: aws.String(primary), Region: aws.String("eu-central-1")},
	}
	return call("ReplicateKey", &wire.ReplicateKeyInput{KeyId: mrk, ReplicaRegion: "eu-west-3"},
		&wire.ReplicateKeyOutput{ReplicaKeyMetadata: meta, ReplicaPolicy: aws.String(testPolicy)}).with(func(c *Call) { c.Keys = []string{primary} })
}

func assumeRole() Call {
	return call("AssumeRole", &sts.AssumeRoleInput{
		RoleARN: "arn:aws:iam::444400001111:role/Reader", RoleSessionName: "sess-7", DurationSeconds: 3600, Tags: []sts.Tag{{Key: "team", Value: "ledger"}},
		TransitiveTagKeys: []string{"team"}, PolicyARNs: []string{"arn:aws:iam::444400001111:policy/A"}, SourceIdentity: "noor", TokenCode: "123456",
	}, &sts.AssumeRoleOutput{
		AssumedRoleARN: reader.ARN, AssumedRoleID: reader.PrincipalID, Packed: true, SourceIdentity: "noor",
		Credentials: sts.Credentials{
			AccessKeyID: "ASIAINVENTED00000001", SecretKey: seal.NewSecret([]byte("k")), SessionToken: seal.NewSecret([]byte("t")), Expires: testTime.Add(time.Hour), PackedSize: 7,
		},
	}).with(func(c *Call) { c.Keys = []string{"arn:aws:iam::444400001111:role/Reader"} })
}

func TestRecordsAreAsInTheGoldenFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	unused := map[string]bool{}
	for _, f := range files {
		unused[f] = true
	}
	goldens := maps.Clone(managementGoldens)
	maps.Copy(goldens, cryptoGoldens)
	maps.Copy(goldens, stsGoldens)
	for name, c := range goldens {
		t.Run(name, func(t *testing.T) {
			events, err := Build(c)
			require.NoError(t, err)
			var got strings.Builder
			for _, e := range events {
				line, err := e.JSON()
				require.NoError(t, err)
				got.WriteString(indent(line) + "\n")
			}
			file := filepath.Join("testdata", name+".json")
			delete(unused, file)
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(got.String()), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err, "run the tests with -update to write it")
			assert.Equal(t, string(want), got.String())
		})
	}
	assert.Empty(t, unused, "golden files of no test")
}
