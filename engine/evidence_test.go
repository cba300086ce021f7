package engine_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAKeyPolicyOfManyDeniesDoesNotMakeRefusalsLong(t *testing.T) {
	b := newBench(t)
	denies := strings.Repeat(`{"Effect":"Deny","Principal":"*","Action":"kms:Encrypt","Resource":"*"},`, 380)
	key := b.newKey(strings.Replace(allowing(acme), `"Statement":[`, `"Statement":[`+denies, 1))
	before := len(b.DecisionLog())
	events, err := b.recorded(func() error {
		return second(b.as(alice).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("x")}))
	})
	require.ErrorContains(t, err, "with an explicit deny in a resource-based policy")
	require.Len(t, events, 1)
	shown := string(events[0].AdditionalEventData.Authorization)
	assert.Less(t, len(shown), 10<<10)
	assert.Contains(t, shown, `"more":361`, "of 380 denies and an allow")
	line := b.DecisionLog()[before:]
	assert.Contains(t, line, `"moreSettledBy":360`)
	assert.Less(t, len(line), 10<<10)
}
