package engine_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// Guide, "Allowing users in other accounts to use a KMS key": what a key policy
// gives to another account counts only where that account has the Region.
func TestAccountWithoutTheRegionIsNobodyThere(t *testing.T) {
	world := strings.Replace(worldText, "    name: partner\n", "    name: partner\n    regions: [eu-west-1]\n", 1)
	b := start(t, enginetest.Config{World: world})
	f := b.newFixture(open)
	answers(t, []ask{
		{"the owner's account has the Region", func() error { return second(b.as(alice).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &f.key})) }, "ok"},
		{"the other account has not, whatever the key policy says", func() error {
			return second(b.as(carol).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &f.key}))
		}, "UnrecognizedClientException: The security token included in the request is invalid."},
		{"it has another Region", func() error { return second(b.KMS(carol, "eu-west-1").ListKeys(b.ctx, &kms.ListKeysInput{})) }, "ok"},
	})
}
