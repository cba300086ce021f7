package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
	"github.com/keyreeve/keyreeve/engine/wire"
)

const (
	statusBegin = "<!-- status: go test ./cmd/keyreeve -run Status -update -->\n"
	statusEnd   = "<!-- end of status -->\n"
)

// hollow are operations that are decided and validated like any other, and have
// nothing behind them yet.
var hollow = map[string]string{
	"ConnectCustomKeyStore": "not yet: there is no custom key store", "CreateCustomKeyStore": "not yet: there is no custom key store",
	"DeleteCustomKeyStore": "not yet: there is no custom key store", "DescribeCustomKeyStores": "yes: there is none",
	"DisconnectCustomKeyStore": "not yet: there is no custom key store", "UpdateCustomKeyStore": "not yet: there is no custom key store",
}

// status is the table of the README: what the engine offers and enforces.
func status(t *testing.T) string {
	t.Helper()
	k := enginetest.New(t, enginetest.Config{World: "-- world.yaml --\naccounts: {\"111122223333\": {}}\n"})
	var b strings.Builder
	offered, all := 0, wire.Operations()
	for _, op := range all {
		if k.Engine.Offers(op.Name) {
			offered++
		}
	}
	fmt.Fprintf(&b, "%d of %d operations of AWS KMS are offered. The others are validated and decided like them, and then answer that there is no such store, or that it cannot be made yet.\n\n", offered-len(hollow)+1, len(all))
	b.WriteString("| operation | offered |\n| --- | --- |\n")
	for _, op := range all {
		answer := "not yet"
		switch {
		case hollow[op.Name] != "":
			answer = hollow[op.Name]
		case k.Engine.Offers(op.Name):
			answer = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", op.Name, answer)
	}
	b.WriteString("\n| enforced | when |\n| --- | --- |\n")
	enforced := k.Enforced()
	for _, layer := range slices.Sorted(maps.Keys(enforced)) {
		fmt.Fprintf(&b, "| %s | %s |\n", layer, enforced[layer])
	}
	return b.String()
}

// TestStatusIsThatOfTheEngine compares the README with the engine. With
// -update it writes the README.
func TestStatusIsThatOfTheEngine(t *testing.T) {
	text, err := os.ReadFile(readme)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), statusBegin)
	require.True(t, ok)
	table, after, ok := strings.Cut(rest, statusEnd)
	require.True(t, ok)
	want := status(t)
	if *update {
		require.NoError(t, os.WriteFile(readme, []byte(before+statusBegin+want+statusEnd+after), 0o644))
		return
	}
	assert.Equal(t, want, table, "go test ./cmd/keyreeve -run Status -update")
}

// TestWhatIsNotBuiltIsRefused holds the table below the generated one.
func TestWhatIsNotBuiltIsRefused(t *testing.T) {
	p := serve(t, t.TempDir(), "--dev")
	alice := p.kms("alice")
	for what, in := range map[string]*kms.CreateKeyInput{
		"custom key stores":   {Origin: types.OriginTypeAwsCloudhsm, CustomKeyStoreId: aws.String("cks-1234567890abcdef0")},
		"external key stores": {Origin: types.OriginTypeExternalKeyStore, CustomKeyStoreId: aws.String("cks-1234567890abcdef0"), XksKeyId: aws.String("1")},
	} {
		_, err := alice.CreateKey(t.Context(), in)
		var refused smithy.APIError
		if assert.ErrorAs(t, err, &refused, what) {
			assert.Equal(t, "UnsupportedOperationException", refused.ErrorCode(), what)
			assert.Contains(t, refused.ErrorMessage(), "keyreeve does not offer", what)
		}
	}
}
