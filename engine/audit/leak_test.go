package audit

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/sts"
	"github.com/keyreeve/keyreeve/engine/wire"
)

const marker = "MARKER-that-must-not-be-recorded"

// fill sets everything in v: blobs, secrets, and members of the names in drop
// to the marker, all other text to "kept".
func fill(v reflect.Value, text string, drop map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text, drop)
	case reflect.Struct:
		fillStruct(v, text, drop)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(marker))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), text, drop)
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{text: text}))
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32:
		v.SetInt(7)
	}
}

func fillStruct(v reflect.Value, text string, drop map[string]bool) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(testTime))
		return
	case seal.Secret:
		v.Set(reflect.ValueOf(seal.NewSecret([]byte(marker))))
		return
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Tag.Get("wire") == "secret" || drop[lower(f.Name)] {
			fill(v.Field(i), marker, nil)
			continue
		}
		fill(v.Field(i), text, drop)
	}
}

// message makes a filled input or output of the type of v.
func message(v any, drop map[string]bool) any {
	if v == nil {
		return nil
	}
	p := reflect.New(reflect.TypeOf(v))
	fill(p.Elem(), "kept", drop)
	return p.Interface()
}

func names(list string) map[string]bool {
	all := map[string]bool{}
	for name := range strings.FieldsSeq(list) {
		all[name] = true
	}
	return all
}

func TestNoSecretIsEverRecorded(t *testing.T) {
	outputs := wireOutputs()
	for operation, r := range table {
		in, out := message(r.in, names(r.drop)), outputs[operation]
		switch operation {
		case sts.AssumeRole:
			in, out = message(sts.AssumeRoleInput{}, names("tokenCode")), message(sts.AssumeRoleOutput{}, nil)
		case sts.GetSessionToken:
			in, out = message(sts.GetSessionTokenInput{}, names("tokenCode")), message(sts.GetSessionTokenOutput{}, nil)
		}
		if r.out == nil && out != nil { // an answer that is not shown: all of it is secret
			out = message(reflect.ValueOf(out).Elem().Interface(), allMembers(out))
		}
		for name, err := range map[string]*wire.Error{"allowed": nil, "refused": wire.Errorf(wire.AccessDenied, "no"), "faulty": wire.Internal(fmt.Errorf("%s", marker))} {
			c := call(operation, in, out)
			c.Err, c.Allowed = err, err == nil
			events, buildErr := Build(c)
			require.NoError(t, buildErr, "%s %s", operation, name)
			require.NotEmpty(t, events)
			for _, e := range events {
				line, jsonErr := e.JSON()
				require.NoError(t, jsonErr)
				requireNoMarker(t, line, operation+" "+name)
			}
			shown := events[0].RequestParameters
			assert.Equal(t, strings.Contains(r.keep, "keyId"), bytes.Contains(shown, []byte(`"keyId":"kept"`)), "%s: %s", operation, shown)
		}
	}
}

// wireOutputs are the outputs of the API with all members filled.
func wireOutputs() map[string]any {
	all := map[string]any{}
	for _, v := range []any{
		wire.CreateGrantOutput{}, wire.CreateKeyOutput{}, wire.DecryptOutput{}, wire.DeriveSharedSecretOutput{}, wire.EncryptOutput{}, wire.GenerateDataKeyOutput{},
		wire.GenerateDataKeyPairOutput{}, wire.GenerateDataKeyPairWithoutPlaintextOutput{}, wire.GenerateDataKeyWithoutPlaintextOutput{}, wire.GenerateMacOutput{},
		wire.GenerateRandomOutput{}, wire.GetKeyPolicyOutput{}, wire.GetParametersForImportOutput{}, wire.GetPublicKeyOutput{}, wire.ReEncryptOutput{}, wire.SignOutput{},
		wire.VerifyOutput{}, wire.VerifyMacOutput{}, wire.ListGrantsOutput{}, wire.DescribeCustomKeyStoresOutput{}, wire.DescribeKeyOutput{}, wire.ReplicateKeyOutput{},
		wire.ScheduleKeyDeletionOutput{}, wire.CancelKeyDeletionOutput{}, wire.RotateKeyOnDemandOutput{}, wire.CreateCustomKeyStoreOutput{},
	} {
		name := strings.TrimSuffix(reflect.TypeOf(v).Name(), "Output")
		all[name] = message(v, nil)
	}
	return all
}

func allMembers(v any) map[string]bool {
	all := map[string]bool{}
	t := reflect.TypeOf(v).Elem()
	for i := range t.NumField() {
		all[lower(t.Field(i).Name)] = true
	}
	return all
}

func requireNoMarker(t *testing.T, line []byte, where string) {
	t.Helper()
	for _, form := range []string{
		marker, base64.StdEncoding.EncodeToString([]byte(marker)), base64.RawURLEncoding.EncodeToString([]byte(marker)), hex.EncodeToString([]byte(marker)),
	} {
		require.NotContains(t, string(line), form, where)
	}
}

func TestSecretsAndBlobsCannotBePutInTheTable(t *testing.T) {
	_, err := parseMembers("plaintext", wire.EncryptInput{})
	require.EqualError(t, err, "wire.EncryptInput has no member plaintext that may be recorded")
	_, err = parseMembers("nonsense", wire.EncryptInput{})
	require.Error(t, err)
	_, err = parseMembers("keyId", nil)
	require.Error(t, err)
	_, err = parseMembers("keyId=nonsense", wire.EncryptInput{})
	require.Error(t, err)

	blob, err := parseMembers("ciphertextBlob", wire.DecryptInput{})
	require.NoError(t, err)
	_, err = object(blob, &wire.DecryptInput{CiphertextBlob: []byte("x")}, wire.DecryptInput{}, "")
	require.ErrorIs(t, err, errBlob)

	nested, err := parseMembers("xksProxyAuthenticationCredential", wire.CreateCustomKeyStoreInput{})
	require.NoError(t, err)
	_, err = object(nested, &wire.CreateCustomKeyStoreInput{XksProxyAuthenticationCredential: &wire.XksProxyAuthenticationCredentialType{}}, wire.CreateCustomKeyStoreInput{}, "")
	require.ErrorIs(t, err, errBlob)
}

// Every operation of the model has a row, and each member of its input was
// decided on: kept or dropped.
func TestTableIsComplete(t *testing.T) {
	for _, op := range wire.Operations() {
		r, ok := table[op.Name]
		require.True(t, ok, "%s has no row", op.Name)
		assert.Equal(t, op.Name+"Input", reflect.TypeOf(r.in).Name())
	}
	for name, r := range table {
		if r.in == nil {
			continue
		}
		decided := names(r.drop)
		typ := reflect.TypeOf(r.in)
		for _, m := range r.request {
			decided[lower(typ.Field(m.field).Name)] = true
		}
		for i := range typ.NumField() {
			assert.True(t, decided[lower(typ.Field(i).Name)], "%s: nobody decided whether %s is recorded", name, typ.Field(i).Name)
			delete(decided, lower(typ.Field(i).Name))
		}
		assert.Empty(t, decided, "%s names members that it does not have", name)
	}
}

// CT-044 and CT-045: which records tell the ARN of the key.
func TestOperationsWithTheKeyARNInTheAnswer(t *testing.T) {
	var got []string
	for _, name := range Operations() {
		if strings.Contains(table[name].answer, keyARN) {
			got = append(got, name)
		}
	}
	assert.Equal(t, []string{
		"CreateAlias", "CreateGrant", "DeleteAlias", "DeleteImportedKeyMaterial", "DeleteKey", "DisableKey", "EnableKey", "EnableKeyRotation", "ImportKeyMaterial",
		"RotateKey", "SynchronizeMultiRegionKey", "TagResource", "UntagResource", "UpdateAlias", "UpdatePrimaryRegion",
	}, got)
}
