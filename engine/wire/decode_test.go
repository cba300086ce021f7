package wire

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDecodeTellsEveryBrokenConstraint(t *testing.T) {
	long := strings.Repeat("k", 2049)
	blob := func(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }
	rows := []struct{ name, op, body, message string }{
		{"a required member is absent", "DescribeKey", `{}`,
			"1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null"},
		{"null is absent", "DescribeKey", `{"KeyId":null}`,
			"1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null"},
		{"a string is too long", "DescribeKey", `{"KeyId":"` + long + `"}`,
			"1 validation error detected: Value '" + long + "' at 'keyId' failed to satisfy constraint: Member must have length less than or equal to 2048"},
		{"a string is too short", "DescribeKey", `{"KeyId":""}`,
			"1 validation error detected: Value '' at 'keyId' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"a number is too large", "GenerateRandom", `{"NumberOfBytes":1025}`,
			"1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or equal to 1024"},
		{"a number is too small", "GenerateRandom", `{"NumberOfBytes":0}`,
			"1 validation error detected: Value '0' at 'numberOfBytes' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"a number does not fit 32 bits", "ListKeys", `{"Limit":99999999999}`,
			"1 validation error detected: Value '2147483647' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 1000"},
		{"an operation's own limit is narrower", "ListAliases", `{"Limit":101}`,
			"1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100"},
		{"an enumeration has no such value", "CreateKey", `{"KeyUsage":"SIGN"}`,
			"1 validation error detected: Value 'SIGN' at 'keyUsage' failed to satisfy constraint: Member must satisfy enum value set: [SIGN_VERIFY, ENCRYPT_DECRYPT, GENERATE_VERIFY_MAC, KEY_AGREEMENT]"},
		{"a pattern must match as a whole", "ConnectCustomKeyStore", `{"CustomKeyStoreId":""}`,
			"1 validation error detected: Value '' at 'customKeyStoreId' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"a pattern without anchors matches the whole value", "GetKeyPolicy", `{"KeyId":"k","PolicyName":"a b"}`,
			`1 validation error detected: Value 'a b' at 'policyName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w]+`},
		{"two members are wrong", "CreateAlias", `{"AliasName":"alias/a b"}`,
			"2 validation errors detected: Value 'alias/a b' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$; Value null at 'targetKeyId' failed to satisfy constraint: Member must not be null"},
		{"one member breaks two rules", "CreateAlias", `{"AliasName":"","TargetKeyId":"k"}`,
			"2 validation errors detected: Value '' at 'aliasName' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"},
		{"a member of a structure in a list", "TagResource", `{"KeyId":"k","Tags":[{"TagKey":"a","TagValue":"b"},{"TagKey":"","TagValue":"b"}]}`,
			"1 validation error detected: Value '' at 'tags.2.member.tagKey' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"a member absent from a structure in a list", "TagResource", `{"KeyId":"k","Tags":[{"TagKey":"a"}]}`,
			"1 validation error detected: Value null at 'tags.1.member.tagValue' failed to satisfy constraint: Member must not be null"},
		{"a list holds null for a structure", "TagResource", `{"KeyId":"k","Tags":[null]}`,
			"1 validation error detected: Value null at 'tags.1.member' failed to satisfy constraint: Member must not be null"},
		{"a list of strings has one too long", "UntagResource", `{"KeyId":"k","TagKeys":["a",""]}`,
			"1 validation error detected: Value '[a, ]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]"},
		{"a list of enumerated values has an unknown one, and a null", "CreateGrant", `{"KeyId":"k","GranteePrincipal":"p","Operations":["Encrypt","X",null]}`,
			"1 validation error detected: Value '[Encrypt, X, ]' at 'operations' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [Decrypt, Encrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext, ReEncryptFrom, ReEncryptTo, Sign, Verify, GetPublicKey, CreateGrant, RetireGrant, DescribeKey, GenerateDataKeyPair, GenerateDataKeyPairWithoutPlaintext, GenerateMac, VerifyMac, DeriveSharedSecret], Member must not be null]"},
		{"a list of secrets has one too short", "DescribeKey", `{"KeyId":"k","GrantTokens":["secret",""]}`,
			"1 validation error detected: Value at 'grantTokens' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 8192, Member must have length greater than or equal to 1]"},
		{"a policy is not repeated", "PutKeyPolicy", `{"KeyId":"k","Policy":"\u0100"}`,
			`1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+`},
		{"a text of great length is not repeated", "UpdateKeyDescription", `{"KeyId":"k","Description":"` + strings.Repeat("d", 20000) + `"}`,
			"1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 8192"},
		{"lengths count characters, not bytes", "CreateKey", `{"Tags":[{"TagKey":"` + strings.Repeat("é", 129) + `","TagValue":"` + strings.Repeat("😀", 256) + `"}]}`,
			"1 validation error detected: Value '" + strings.Repeat("é", 129) + "' at 'tags.1.member.tagKey' failed to satisfy constraint: Member must have length less than or equal to 128"},
		{"a list is too long, and holds secrets", "DescribeKey", `{"KeyId":"k","GrantTokens":["1","2","3","4","5","6","7","8","9","10","11"]}`,
			"1 validation error detected: Value at 'grantTokens' failed to satisfy constraint: Member must have length less than or equal to 10"},
		{"a nested structure", "Decrypt", `{"Recipient":{"KeyEncryptionAlgorithm":"x"}}`,
			"1 validation error detected: Value 'x' at 'recipient.keyEncryptionAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: [RSAES_OAEP_SHA_256]"},
		{"a map holds null", "Encrypt", `{"KeyId":"k","Plaintext":"YQ==","EncryptionContext":{"a":null}}`,
			"1 validation error detected: Value at 'encryptionContext' failed to satisfy constraint: Map value must satisfy constraint: [Member must not be null]"},
		{"plaintext is too long", "Encrypt", `{"KeyId":"k","Plaintext":"` + blob(4097) + `"}`,
			"1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096"},
		{"plaintext is empty", "Encrypt", `{"KeyId":"k","Plaintext":""}`,
			"1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"plaintext is absent", "Encrypt", `{"KeyId":"k"}`,
			"1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must not be null"},
		{"a sensitive text is not repeated", "UpdateCustomKeyStore", `{"CustomKeyStoreId":"c","KeyStorePassword":"short"}`,
			"1 validation error detected: Value at 'keyStorePassword' failed to satisfy constraint: Member must have length greater than or equal to 7"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			_, err := Decode(r.op, []byte(r.body))
			require.NotNil(t, err)
			require.Equal(t, Validation, err.Code)
			require.Equal(t, r.message, err.Message)
		})
	}
}

func TestDecodeRefusesWrongTypesBeforeConstraints(t *testing.T) {
	rows := []struct{ name, op, body, message string }{
		{"nothing", "DescribeKey", ``, ""},
		{"half an object", "DescribeKey", `{`, ""},
		{"null", "DescribeKey", `null`, ""},
		{"a string", "DescribeKey", `"x"`, ""},
		{"two values", "DescribeKey", `{}{}`, ""},
		{"a comma too many", "DescribeKey", `{"KeyId":"k",}`, ""},
		{"a name twice", "DescribeKey", `{"KeyId":"k","KeyId":"k"}`, ""},
		{"a name twice once decoded", "DescribeKey", `{"KeyId":"k","\u004beyId":"k"}`, ""},
		{"a name twice below", "Encrypt", `{"EncryptionContext":{"a":"1","a":"2"}}`, ""},
		{"bytes that are not UTF-8", "DescribeKey", "{\"KeyId\":\"\xff\"}", ""},
		{"half a surrogate pair", "DescribeKey", `{"KeyId":"\ud800"}`, ""},
		{"a control character", "DescribeKey", "{\"KeyId\":\"a\nb\"}", ""},
		{"too deep", "DescribeKey", `{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, ""},
		{"too many values", "DescribeKey", `{"x":[` + strings.Repeat("0,", 70000) + `0]}`, ""},
		{"a list for an object", "DescribeKey", `[]`, "Start of list found where not expected"},
		{"a number for a string", "DescribeKey", `{"KeyId":1}`, "NUMBER_VALUE can not be converted to a String"},
		{"true for a string", "DescribeKey", `{"KeyId":true}`, "TRUE_VALUE can not be converted to a String"},
		{"a string for a number", "ListKeys", `{"Limit":"1"}`, "STRING_VALUE can not be converted to an Integer"},
		{"a list for a number", "ListKeys", `{"Limit":[1]}`, "Start of list found where not expected"},
		{"an object for a number", "ListKeys", `{"Limit":{}}`, "Start of structure or map found where not expected."},
		{"a string for a list", "TagResource", `{"Tags":"x"}`, "Expected list or null"},
		{"a string for a map", "Encrypt", `{"EncryptionContext":"x"}`, "Expected map or null"},
		{"a string for a structure", "Decrypt", `{"Recipient":"x"}`, "Expected null"},
		{"a string for a boolean", "CreateKey", `{"MultiRegion":"true"}`, "STRING_VALUE can not be converted to a Boolean"},
		{"a string for a time", "ImportKeyMaterial", `{"ValidTo":"2026"}`, "STRING_VALUE can not be converted to milliseconds since epoch"},
		{"base64 without its end", "Encrypt", `{"Plaintext":"YQ"}`, "STRING_VALUE can not be converted to a Blob"},
		{"base64 with stray bits", "Encrypt", `{"Plaintext":"YR=="}`, "STRING_VALUE can not be converted to a Blob"},
		{"base64 with a line end", "Encrypt", `{"Plaintext":"YQ=\n="}`, "STRING_VALUE can not be converted to a Blob"},
		{"a wrong type after a broken constraint", "CreateAlias", `{"AliasName":"","TargetKeyId":1}`, "NUMBER_VALUE can not be converted to a String"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			_, err := Decode(r.op, []byte(r.body))
			require.NotNil(t, err)
			require.Equal(t, Serialization, err.Code)
			require.Equal(t, r.message, err.Message)
		})
	}
}

func TestViolationsInOneAnswerAreBounded(t *testing.T) {
	_, err := Decode("TagResource", []byte(`{"KeyId":"k","Tags":[`+strings.Repeat("{},", 20000)+`{}]}`))
	require.NotNil(t, err)
	require.True(t, strings.HasPrefix(err.Message, "40002 validation errors detected: "), err.Message[:60])
	require.Equal(t, maxViolations-1, strings.Count(err.Message, "; "))
}

func TestDecodeRefusesWhatItHasNoModelFor(t *testing.T) {
	_, err := Decode("Nothing", []byte("{}"))
	require.Equal(t, UnknownOperation, err.Code)
	_, err = Decode("ListKeys", make([]byte, MaxBody+1))
	require.Equal(t, RequestEntityTooLarge, err.Code)
}

func TestDecodeReadsEveryKindOfMember(t *testing.T) {
	in, err := Decode("Encrypt", []byte(`{"KeyId":"k","Plaintext":"aGk=","Unknown":{"x":[1,2.5e3,null]},
		"EncryptionContext":{"é":"\ud83d\ude00","":""},"GrantTokens":[],"DryRun":true}`))
	require.Nil(t, err)
	e := in.(*EncryptInput)
	require.Equal(t, "k", e.KeyId)
	require.Equal(t, "hi", string(e.Plaintext))
	require.Equal(t, map[string]string{"é": "😀", "": ""}, e.EncryptionContext)
	require.Equal(t, []string{}, e.GrantTokens)
	require.True(t, *e.DryRun)
	require.Nil(t, e.EncryptionAlgorithm)

	in, err = Decode("ImportKeyMaterial", []byte(`{"KeyId":"k","ImportToken":"YQ==","EncryptedKeyMaterial":"YQ==","ValidTo":1700000000.125}`))
	require.Nil(t, err)
	require.Equal(t, time.UnixMilli(1700000000125).UTC(), *in.(*ImportKeyMaterialInput).ValidTo)

	in, err = Decode("ListKeys", []byte(`{"Limit":10.9}`))
	require.Nil(t, err)
	require.Equal(t, int32(10), *in.(*ListKeysInput).Limit)
}
