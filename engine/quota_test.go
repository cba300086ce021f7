package engine_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// TestWorldsSetQuotas: RQ-01 to RQ-03, RQ-08.
func TestWorldsSetQuotas(t *testing.T) {
	t.Parallel()
	world := strings.Replace(worldText, "accounts:\n", "settings: {quotas: {keys: 2, aliases-per-key: 1, grants-per-key: 1}}\naccounts:\n", 1)
	b := start(t, enginetest.Config{World: world})
	key := b.newKey("")
	create := func(region string) func() error {
		return func() error { return second(b.in(region).CreateKey(b.ctx, &kms.CreateKeyInput{})) }
	}
	grant := func() error {
		return second(b.as(alice).CreateGrant(b.ctx, &kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(bobARN), Operations: operations("Decrypt")}))
	}
	require.NoError(t, grant())
	answers(t, []ask{
		{"a key", create(region), "ok"},
		{"one too many", create(region), "LimitExceededException: The account has reached its quota of 2 KMS keys in this Region."},
		{"in another Region", create(europe), "ok"},
		{"an alias", b.createAlias("alias/one", key), "ok"},
		{"one too many", b.createAlias("alias/two", key), "LimitExceededException: The key " + key + " has reached its quota of 1 aliases."},
		{"a grant too many", grant, "LimitExceededException: The key " + key + " has reached its quota of 1 grants."},
	})
}
