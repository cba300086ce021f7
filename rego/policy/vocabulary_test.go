package policy_test

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// rows reads the lines of a table under testdata, without comments.
func rows(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	var all [][]string
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := s.Text(); !strings.HasPrefix(line, "#") {
			all = append(all, strings.Split(line, "\t"))
		}
	}
	require.NotEmpty(t, all)
	return all
}

func TestEveryOperationAsksForAnAction(t *testing.T) {
	asked := map[string]bool{}
	for _, a := range policy.Actions {
		if strings.HasPrefix(a.Name, "kms:") {
			asked[a.Operation] = true
		}
	}
	delete(asked, "") // SynchronizeMultiRegionKey has no operation of its own
	for _, row := range rows(t, "operations.txt") {
		assert.True(t, asked[row[0]], "no action for the operation %s", row[0])
		delete(asked, row[0])
	}
	assert.Empty(t, asked, "actions of operations that do not exist")
}

// A-43 gives these more condition keys than the facts list.
var beyondTheFacts = map[string][]string{
	"kms:ReplicateKey": {"aws:RequestTag/", "aws:TagKeys"},
	"kms:CreateKey":    {"kms:CustomerMasterKeySpec", "kms:CustomerMasterKeyUsage"},
}

// keyFacts are the properties of the key, which the facts list with the
// resource rather than the action; the deprecated twins stand in no row there.
var keyFacts = []string{"aws:ResourceTag/", "kms:CustomerMasterKeySpec", "kms:CustomerMasterKeyUsage", "kms:KeyOrigin", "kms:KeySpec",
	"kms:KeyUsage", "kms:MultiRegion", "kms:MultiRegionKeyType", "kms:ResourceAliases"}

func TestActionsAgreeWithTheServiceAuthorizationReference(t *testing.T) {
	known := map[string]bool{}
	for _, row := range rows(t, "service-authorization.tsv") {
		name, level, resources := "kms:"+row[0], row[1], row[2]
		known[name] = true
		a, ok := policy.ActionNamed(name)
		if !assert.True(t, ok, "%s is missing", name) {
			continue
		}
		var kinds []string
		for _, r := range a.Resources {
			kinds = append(kinds, r.String())
		}
		assert.Equal(t, resources, strings.Join(kinds, ","), "resources of %s", name)
		assert.Equal(t, level == "Read" || level == "List", a.ReadOnly, "%s is of level %s", name, level)
		want := beyondTheFacts[name]
		if row[3] != "" {
			want = append(want, strings.Split(row[3], ",")...)
		}
		if a.On(policy.KeyResource) && a.Operation != "" {
			want = append(want, keyFacts...)
		}
		slices.Sort(want)
		assert.Equal(t, slices.Compact(want), a.ConditionKeys, "condition keys of %s", name)
	}
	for _, a := range policy.Actions {
		if strings.HasPrefix(a.Name, "kms:") {
			assert.True(t, known[a.Name], "%s is not in the reference", a.Name)
		}
	}
}

func TestCrossAccountUseIsThatOfKID15(t *testing.T) {
	var got []string
	for _, a := range policy.Actions {
		if a.CrossAccount && strings.HasPrefix(a.Name, "kms:") {
			got = append(got, strings.TrimPrefix(a.Name, "kms:"))
		}
	}
	assert.Equal(t, []string{"CreateGrant", "Decrypt", "DeriveSharedSecret", "DescribeKey", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair",
		"GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "GenerateMac", "GetKeyRotationStatus", "GetPublicKey",
		"ListGrants", "ReEncryptFrom", "ReEncryptTo", "RetireGrant", "RevokeGrant", "Sign", "Verify", "VerifyMac"}, got)
}

var typeNames = map[string]policy.ValueType{"String": policy.StringType, "ArrayOfString": policy.StringType, "Bool": policy.BoolType,
	"ARN": policy.ARNType, "Numeric": policy.NumericType, "Date": policy.DateType}

func TestConditionKeysAgreeWithTheServiceAuthorizationReference(t *testing.T) {
	for _, row := range rows(t, "condition-keys.tsv") {
		name, kind := row[0], row[1]
		k, ok := policy.ConditionKeyNamed(name)
		if !assert.True(t, ok, "%s is missing", name) {
			continue
		}
		assert.Equal(t, name, k.Name)
		assert.Equal(t, typeNames[kind], k.Type, "type of %s", name)
		assert.Equal(t, kind == "ArrayOfString", k.Many, "whether %s has many values", name)
		assert.NotEmpty(t, k.Actions(), "no action has %s", name)
	}
}

func TestEveryConditionKeyOfAnActionStandsInTheTable(t *testing.T) {
	for _, a := range policy.Actions {
		assert.True(t, slices.IsSorted(a.ConditionKeys), a.Name)
		for _, name := range a.ConditionKeys {
			k, ok := policy.ConditionKeyNamed(name)
			assert.True(t, ok && k.Name == name && !k.Global, "%s of %s", name, a.Name)
		}
	}
}

func TestTablesAreSortedAndWithoutRepetition(t *testing.T) {
	var actions, keys []string
	for _, a := range policy.Actions {
		actions = append(actions, a.Name)
	}
	for _, k := range policy.ConditionKeys {
		keys = append(keys, k.Name)
	}
	for _, names := range [][]string{actions, keys} {
		assert.True(t, slices.IsSorted(names))
		assert.Len(t, slices.Compact(slices.Clone(names)), len(names))
	}
}

func TestKeysAreFoundInAnyCaseAndByPrefix(t *testing.T) {
	tests := []struct{ name, want string }{
		{"KMS:viaservice", "kms:ViaService"},
		{"kms:EncryptionContext:aws:s3:arn", "kms:EncryptionContext:"},
		{"kms:EncryptionContextKeys", "kms:EncryptionContextKeys"},
		{"kms:EncryptionContext", "kms:EncryptionContext:"},
		{"aws:RequestTag/cost/center", "aws:RequestTag/"},
		{"aws:RequestTag", "aws:RequestTag/"},
		{"kms:RecipientAttestation:pcr31", "kms:RecipientAttestation:PCR31"},
		{"kms:RecipientAttestation:PCR32", ""},
		{"kms:Viaservce", ""},
		{"saml:sub", "saml:"},
		{"", ""},
	}
	for _, tt := range tests {
		k, ok := policy.ConditionKeyNamed(tt.name)
		assert.Equal(t, tt.want, k.Name, tt.name)
		assert.Equal(t, tt.want != "", ok, tt.name)
	}
}

func TestKeyTypesFitOperators(t *testing.T) {
	k, _ := policy.ConditionKeyNamed("kms:ValidTo")
	assert.True(t, k.Fits(policy.DateType) && k.Fits(policy.NumericType) && k.Fits(policy.PresenceType))
	assert.False(t, k.Fits(policy.StringType))
	k, _ = policy.ConditionKeyNamed("aws:PrincipalArn")
	assert.True(t, k.Fits(policy.StringType) && k.Fits(policy.ARNType))
	k, _ = policy.ConditionKeyNamed("aws:SourceIp")
	assert.Len(t, k.Actions(), len(policy.Actions), "a global key goes with every action")
}

func TestActionPatternsExpand(t *testing.T) {
	tests := []struct {
		pattern string
		want    []string
	}{
		{"kms:ReEncrypt*", []string{"kms:ReEncryptFrom", "kms:ReEncryptTo"}},
		{"KMS:decrypt", []string{"kms:Decrypt"}},
		{"kms:GenerateDataKey", []string{"kms:GenerateDataKey"}},
		{"kms:?ncrypt", []string{"kms:Encrypt"}},
		{"kms:?erify*", []string{"kms:Verify", "kms:VerifyMac"}},
		{"*:Verify*c", []string{"kms:VerifyMac"}},
		{"s3:*", nil},
		{"kms:", nil},
		{"", nil},
		{"kms:Decrypt?", nil},
		{"kms:*Alias", []string{"kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"}},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, policy.ExpandAction(tt.pattern), tt.pattern)
	}
	assert.Len(t, policy.ExpandAction("kms:*"), 56)
	assert.Len(t, policy.ExpandAction("*"), len(policy.Actions))
	assert.Empty(t, policy.ExpandAction(strings.Repeat("*a", 5000)+"*"), "a hostile pattern costs no more than its length")
}

func TestOperatorsAreThoseOfA40(t *testing.T) {
	assert.Len(t, policy.Operators, 6+6+6+1+1+2+4+1)
	for _, o := range policy.Operators {
		found, ok := policy.OperatorNamed(strings.ToUpper(o.Name))
		assert.True(t, ok)
		assert.Equal(t, o, found)
		assert.Equal(t, strings.Contains(o.Name, "Not"), o.Negated, o.Name)
		assert.Equal(t, strings.HasPrefix(o.Name, "String") || strings.HasPrefix(o.Name, "Arn"), o.Variables(), o.Name)
		assert.NotContains(t, o.Type.String(), "invalid")
	}
}
